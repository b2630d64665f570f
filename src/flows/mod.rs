//! A bounded table of flows, generic over what its user keeps for each.
//!
//! A flow is a five-tuple in both directions. The table knows who opened it, counts payload bytes per direction by
//! sequence space, and forgets flows by engine time. A direction is put in order by [`Stream`].

mod flow;
mod sequence;
mod slots;
mod stream;
mod table;

pub use flow::{Flow, Header};
pub use stream::{Budget, Step, Stream};
pub use table::{Settings, Stats, Table, Touched};
