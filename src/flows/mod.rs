//! A bounded table of flows, generic over what its user keeps for each.
//!
//! A flow is a five-tuple in both directions. The table knows who opened it, counts payload bytes per direction by
//! sequence space, and forgets flows by engine time. A direction is put in order by [`Stream`].

mod sequence;
mod stream;
mod table;

pub use stream::{Budget, Step, Stream};
pub use table::{Flow, Header, Settings, Stats, Table, Touched};
