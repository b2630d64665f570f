//! Synthetic traffic and captures for tests and benches: every byte is made here, none was recorded.
//!
//! From the inside out: messages ([`hello`], [`initials`], [`dns_messages`], [`dhcp`]), a conversation that carries them ([`talk`]), its IP
//! packets ([`packets`]), their frames ([`links`]), the capture ([`savefile`]). [`office`] is a whole network's worth.
//!
//! ```text
//! let talk = Talk::tcp("10.0.0.5:50000", "192.0.2.7:443")
//!     .at(seconds(1_727_600_000))
//!     .open()
//!     .client(&ClientHello::to("s07.upd.kaspersky.com").stream())
//!     .server(&server_hello())
//!     .server(&application_data(40_000))
//!     .close();
//! let link = Link::ethernet();
//! let capture: Vec<u8> = Pcap::new(link.link_type()).bytes(&link.frames(talk.packets()));
//! ```
//!
//! A builder that is asked for something impossible (an address of the wrong family, a name with a long label) panics
//! and says why: that is a mistake in the test.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test target includes all of this and uses a part"
)]

pub mod dhcp;
pub mod discovery;
pub mod dns_messages;
pub mod hello;
pub mod initials;
pub mod links;
pub mod noise;
pub mod office;
pub mod packets;
pub mod savefile;
pub mod talk;

pub use dhcp::{Dhcp4, Dhcp6};
pub use discovery::Discovery;
pub use dns_messages::Message;
pub use hello::{ClientHello, application_data, fatal_alert, server_hello, warning_alert};
pub use initials::Initial;
pub use links::Link;
pub use noise::Noise;
pub use packets::{Datagram, Extension, Ip, Segment};
pub use savefile::{Frame, Interface, Order, PacketBlock, Packing, Pcap, Pcapng, Resolution};
pub use talk::{Side, Talk, TimedPacket, merge, seconds};
