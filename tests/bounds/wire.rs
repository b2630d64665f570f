//! Where a flood goes: frame after frame with times that follow each other.

use std::io::{BufWriter, Write};
use std::net::IpAddr;

use crate::support::links::ethernet::Ethernet;
use crate::support::savefile::PcapStream;
use crate::support::{Frame, Link, Noise, Pcap, Talk};

/// Bytes that are written at once: a pipe holds as many.
const AT_ONCE: usize = 64 * 1024;

/// A capture that is being written, to whoever reads it at the same time.
pub(crate) struct Wire {
    to: PcapStream<BufWriter<Box<dyn Write>>>,
    /// When the next frame comes, in nanoseconds since 1970.
    now: u64,
    /// How much later than the one before.
    step: u64,
    frames: u64,
    noise: Noise,
}

impl Wire {
    /// Frames from this time on, this many nanoseconds apart.
    pub(crate) fn new(to: impl Write + 'static, now: u64, step: u64) -> Self {
        let to: Box<dyn Write> = Box::new(to);
        let pcap = Pcap::new(Link::ethernet().link_type()).nanos();
        let to = pcap.start(BufWriter::with_capacity(AT_ONCE, to)).unwrap();
        Self {
            to,
            now,
            step,
            frames: 0,
            noise: Noise::new(1),
        }
    }

    /// The bits of which everything forged is made.
    pub(crate) fn noise(&mut self) -> &mut Noise {
        &mut self.noise
    }

    /// A frame with any content.
    pub(crate) fn frame(&mut self, bytes: Vec<u8>) {
        self.to.frame(&Frame::whole(self.now, bytes)).unwrap();
        self.now += self.step;
        self.frames += 1;
    }

    /// An IP packet whose ends have the hardware addresses that follow from it.
    pub(crate) fn packet(&mut self, packet: &[u8]) {
        self.frame(Ethernet::default().packet(packet));
    }

    /// The same, sent by this hardware address.
    pub(crate) fn packet_of(&mut self, mac: [u8; 6], packet: &[u8]) {
        self.frame(Ethernet::default().source(mac).packet(packet));
    }

    /// A conversation, packet by packet from now on.
    pub(crate) fn talk(&mut self, talk: Talk) {
        for packet in talk.into_packets() {
            self.packet(&packet.bytes);
        }
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, seconds: u64) {
        self.now += seconds * 1_000_000_000;
    }

    /// Ends the capture: frames that were sent.
    pub(crate) fn finish(self) -> u64 {
        self.to.finish().unwrap().flush().unwrap();
        self.frames
    }

    /// An address in 10.0.0.0/9.
    pub(crate) fn forged_v4(&mut self) -> IpAddr {
        let [_, b, c, d] = self.noise.u32().to_be_bytes();
        IpAddr::from([10, b & 0x7f, c, d])
    }

    /// An address in fd20:20::/64, at a random place.
    pub(crate) fn forged_v6(&mut self) -> IpAddr {
        let [a, b, c, d] = [(); 4].map(|()| self.noise.u16());
        IpAddr::from([0xfd20, 0x20, 0, 0, a, b, c, d])
    }

    /// Either of them.
    pub(crate) fn forged(&mut self, number: u32) -> IpAddr {
        if number.is_multiple_of(2) {
            self.forged_v4()
        } else {
            self.forged_v6()
        }
    }

    /// A hardware address of no maker.
    pub(crate) fn forged_mac(&mut self) -> [u8; 6] {
        let bits = self.noise.bits().to_le_bytes();
        [2, bits[0], bits[1], bits[2], bits[3], bits[4]]
    }
}
