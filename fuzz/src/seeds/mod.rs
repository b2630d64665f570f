//! Inputs that mean something, for every target: what a fuzzer would need long to find, it begins with.

mod devices;
mod files;
mod flows;
mod frames;
mod packs;
mod quic;
mod savefiles;
mod streams;

use crate::support::dns_messages::{A, Message};
use crate::support::{ClientHello, Talk, TimedPacket, merge, seconds, server_hello};
pub use savefiles::{savefiles, wide_window};

const NAME: &str = "s07.upd.kaspersky.com";
const MORNING: u64 = seconds(1_727_700_000);

/// An input of a target.
#[derive(Clone, Debug)]
pub struct Seed {
    /// Name of the target.
    pub target: &'static str,
    /// What it is, in words fit for a file's name; no two of a target have the same.
    pub name: String,
    /// The input.
    pub bytes: Vec<u8>,
}

/// Every seed; the same on every call.
pub fn all() -> Vec<Seed> {
    let of = |target, inputs: Vec<(String, Vec<u8>)>| {
        inputs.into_iter().map(move |(name, bytes)| Seed {
            target,
            name: name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-"),
            bytes,
        })
    };
    of("frame", frames::frames())
        .chain(of("tracker", flows::flows()))
        .chain(of("dns", streams::messages()))
        .chain(of("tls", streams::tls_streams()))
        .chain(of("quic", quic::datagrams()))
        .chain(of("http", streams::http_streams()))
        .chain(of("pcapng", savefiles()))
        .chain(of("rule_pack", packs::packs()))
        .chain(of("dhcp", devices::dhcp_messages()))
        .chain(of("identity", devices::link_messages()))
        .chain(of("device_files", files::device_files()))
        .chain(of("config", files::configurations()))
        .collect()
}

/// A look-up with its answer, and hellos over both families.
fn conversation() -> Vec<TimedPacket> {
    let query = Message::query(7, NAME, A);
    let hello = ClientHello::to(NAME).stream();
    merge([
        Talk::udp("10.0.0.1:40000", "10.0.0.53:53")
            .at(MORNING)
            .asks(&query)
            .answers(&query.response().address(NAME, [192, 0, 2, 7].into())),
        Talk::tcp("10.0.0.1:50000", "192.0.2.7:443")
            .at(MORNING + seconds(1))
            .open()
            .client(&hello)
            .server(&server_hello())
            .close(),
        Talk::tcp("[fd00::1]:50000", "[2001:db8::7]:443")
            .at(MORNING + seconds(2))
            .open()
            .client(&hello)
            .reset_by_server(),
    ])
}
