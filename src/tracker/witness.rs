//! Who sees every name as it is read, whether a rule concerns it or not.

use crate::model::{Carrier, Endpoint, Match, Name, Signal, Timestamp};

/// A name read in traffic, matched or not.
#[derive(Clone, Copy, Debug)]
pub struct NameRead<'a> {
    /// Capture time of the packet that completed it.
    pub time: Timestamp,
    /// How it was learnt.
    pub signal: Signal,
    /// Who asked.
    pub client: Endpoint,
    /// Who was asked.
    pub server: Endpoint,
    /// The name.
    pub name: Name<'a>,
    /// The rule that won, if any.
    pub matched: Option<&'a Match>,
    /// What carried the hello or the request.
    pub carrier: Carrier,
    /// The User-Agent header of an HTTP request, any bytes, cut at 256.
    pub user_agent: Option<&'a [u8]>,
}

/// Sees every name as it is read. `()` looks away at no cost.
pub trait Witness {
    /// A name was read.
    fn name_read(&mut self, read: &NameRead<'_>);
}

impl Witness for () {
    fn name_read(&mut self, _: &NameRead<'_>) {}
}
