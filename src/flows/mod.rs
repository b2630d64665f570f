//! A bounded table of flows, generic over what its user keeps for each.
//!
//! A flow is a five-tuple in both directions. The table knows who opened it, counts payload bytes per direction by
//! sequence space, and forgets flows by engine time. The first bytes of a direction are kept by [`FirstBytes`].

mod first_bytes;
mod sequence;
mod table;

pub use first_bytes::{Budget, FirstBytes};
pub use table::{Flow, Header, Settings, Stats, Table, Touched};
