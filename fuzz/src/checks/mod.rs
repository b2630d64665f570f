//! What must hold whatever the bytes: one check for each fuzz target.
//!
//! A check takes any bytes, and panics where a promise is broken. That nothing panics is only the first of them.

pub mod config;
pub mod device_files;
pub mod dhcp;
pub mod dns;
pub mod frame;
pub mod http;
pub mod identity;
pub mod parts;
pub mod pcapng;
pub mod quic;
pub mod rule_pack;
pub mod tls;
pub mod tracker;

use std::fmt::Debug;

use straggler::dissect::Dissection;

/// A check: panics where a promise is broken.
pub type Check = fn(&[u8]);

/// Every check by the name of its target.
pub const ALL: &[(&str, Check)] = &[
    ("frame", frame::check),
    ("tracker", tracker::check),
    ("dns", dns::check),
    ("tls", tls::check),
    ("quic", quic::check),
    ("http", http::check),
    ("pcapng", pcapng::check),
    ("rule_pack", rule_pack::check),
    ("dhcp", dhcp::check),
    ("identity", identity::check),
    ("device_files", device_files::check),
    ("config", config::check),
];

/// Inputs up to this length are read at each of their prefixes, longer ones at some hundred of them: the work grows with
/// the square of the length.
const EVERY_PREFIX: usize = 256;

/// Prefixes of an input, the shortest first, and the whole.
fn prefixes(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    let step = (input.len() / EVERY_PREFIX).max(1);
    let ends = (0..input.len()).step_by(step).chain([input.len()]);
    ends.map(|end| &input[..end])
}

/// Over the prefixes of an input the answer starts at "need more", settles once and never changes. Gives the last one.
fn settles_once<T: Debug + PartialEq>(
    input: &[u8],
    mut read: impl FnMut(&[u8]) -> Dissection<T>,
) -> Dissection<T> {
    let mut settled = Dissection::NeedMore;
    for prefix in prefixes(input) {
        let now = read(prefix);
        assert!(
            settled == Dissection::NeedMore || now == settled,
            "at {} bytes {settled:?} became {now:?}",
            prefix.len()
        );
        settled = now;
    }
    settled
}
