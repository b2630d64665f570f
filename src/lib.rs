//! Straggler: which hosts still fetch a vendor's updates, or still report to it, after the date on which that had to stop.
pub mod capture;
pub mod decode;
pub mod dissect;
pub mod flows;
pub mod model;
pub mod rules;
