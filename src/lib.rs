//! Straggler: which hosts still fetch a vendor's updates, or still report to it, after the date on which that had to
//! stop, how sure are we, and what could we not see?
//!
//! The source reads as a pipeline:
//!
//! ```text
//! capture → tracker (decode → flows → dissect → rules) → ledger (hosts → evidence) → report, metrics, web
//! ```
//!
//! Stages know only the vocabulary ([`model`]); only [`tracker`] and [`ledger`] know the order of stages, only
//! [`daemon`] knows threads. A tracker analyses frames, one for each worker; the one ledger judges hosts. Both take
//! time as an argument, so live traffic and its recording give the same findings. `ARCHITECTURE.md` tells the rest.

pub mod model;

pub mod capture;
pub mod decode;
pub mod dissect;
pub mod events;
pub mod evidence;
pub mod flows;
pub mod hosts;
pub mod privacy;
pub mod report;
pub mod rules;
pub mod sandbox;
pub mod store;

pub mod ledger;
pub mod tracker;

pub mod history;
pub mod metrics;
pub mod replay;
pub mod web;

pub mod config;
pub mod daemon;

pub mod cli;
