//! What must hold whatever the bytes: one check for each fuzz target.
//!
//! A check takes any bytes, and panics where a promise is broken. That nothing panics is only the first of them.

pub mod dns;
pub mod frame;
pub mod http;
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
];

/// Inputs up to this length are read at each of their prefixes, longer ones at some hundred of them: the work grows with
/// the square of the length.
const EVERY_PREFIX: usize = 256;

/// Over the prefixes of an input the answer starts at "need more", settles once and never changes. Gives the last one.
fn settles_once<T: Debug + PartialEq>(
    input: &[u8],
    mut read: impl FnMut(&[u8]) -> Dissection<T>,
) -> Dissection<T> {
    let step = (input.len() / EVERY_PREFIX).max(1);
    let mut settled = Dissection::NeedMore;
    for end in (0..input.len()).step_by(step).chain([input.len()]) {
        let now = read(&input[..end]);
        assert!(
            settled == Dissection::NeedMore || now == settled,
            "at {end} bytes {settled:?} became {now:?}"
        );
        settled = now;
    }
    settled
}
