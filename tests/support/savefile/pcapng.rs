//! pcapng: sections, interface descriptions, packet blocks of each kind, and blocks that concern no reader.

use std::fs;
use std::io;
use std::path::Path;

use super::{Frame, Order, WHOLE};

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const NAME_RESOLUTION: u32 = 4;
const ENHANCED_PACKET: u32 = 6;
/// A type that is assigned to nothing.
const UNKNOWN: u32 = 0x0123_4567;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
const VERSION: (u16, u16) = (1, 0);

const OPTION_END: u16 = 0;
const OPTION_IF_NAME: u16 = 2;
const OPTION_IF_TSRESOL: u16 = 9;
const OPTION_IF_TSOFFSET: u16 = 14;

/// Length of a tick of an interface's clock (`if_tsresol`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// 10⁻ⁿ seconds: 6 is microseconds, 9 nanoseconds.
    Decimal(u8),
    /// 2⁻ⁿ seconds.
    Binary(u8),
}

impl Resolution {
    fn octet(self) -> u8 {
        match self {
            Self::Decimal(n) => n,
            Self::Binary(n) => n | 0x80,
        }
    }

    /// Nanoseconds in ticks, rounded down.
    fn ticks(self, nanos: u64) -> u64 {
        let nanos = u128::from(nanos);
        let ticks = match self {
            Self::Decimal(n) => nanos * 10_u128.pow(u32::from(n)) / 1_000_000_000,
            Self::Binary(n) => (nanos << n) / 1_000_000_000,
        };
        u64::try_from(ticks).expect("pcapng has 64 bits for the ticks")
    }
}

/// The blocks that carry frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketBlock {
    /// What is written today.
    Enhanced,
    /// Without time, always of the first interface.
    Simple,
    /// What was written before 2009.
    Obsolete,
}

/// An interface of a pcapng file. Default: frames whole, no name, no resolution given, which means microseconds.
#[derive(Clone, Debug)]
pub struct Interface {
    link_type: u16,
    snap: u32,
    resolution: Option<Resolution>,
    offset: Option<i64>,
    name: Option<String>,
}

impl Interface {
    /// An interface with frames of this link type (`LINKTYPE_…`).
    pub fn new(link_type: u16) -> Self {
        Self {
            link_type,
            snap: WHOLE,
            resolution: None,
            offset: None,
            name: None,
        }
    }

    /// Snap length: said in the block, and longer frames are cut to it.
    #[must_use]
    pub fn snap(mut self, len: u32) -> Self {
        self.snap = len;
        self
    }

    /// Times in these ticks, said by the option `if_tsresol`.
    #[must_use]
    pub fn resolution(mut self, resolution: Resolution) -> Self {
        self.resolution = Some(resolution);
        self
    }

    /// Times counted from so many seconds after the epoch, said by the option `if_tsoffset`.
    #[must_use]
    pub fn offset(mut self, seconds: i64) -> Self {
        self.offset = Some(seconds);
        self
    }

    /// With the option `if_name`.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }
}

/// How a pcapng file is to be written. Default: little-endian, all interfaces described at the start.
#[derive(Clone, Debug)]
pub struct Pcapng {
    interfaces: Vec<Interface>,
    order: Order,
    described_late: bool,
    packets: PacketBlock,
    other_blocks: bool,
}

impl Pcapng {
    /// A file with these interfaces; a frame names its own by index.
    pub fn new(interfaces: Vec<Interface>) -> Self {
        Self {
            interfaces,
            order: Order::Little,
            described_late: false,
            packets: PacketBlock::Enhanced,
            other_blocks: false,
        }
    }

    /// Written in this byte order.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Describes each interface only right before its first frame, as tools do when one comes up during a capture.
    #[must_use]
    pub fn described_late(mut self) -> Self {
        self.described_late = true;
        self
    }

    /// Frames in blocks of this kind.
    #[must_use]
    pub fn packets_as(mut self, kind: PacketBlock) -> Self {
        self.packets = kind;
        self
    }

    /// With a block before each frame that concerns no reader of frames.
    #[must_use]
    pub fn other_blocks(mut self) -> Self {
        self.other_blocks = true;
        self
    }

    /// The file as bytes: one section. A file of several sections is several of these behind one another.
    pub fn bytes(&self, frames: &[Frame]) -> Vec<u8> {
        let mut file = self.section_header();
        let mut described = 0;
        if !self.described_late {
            for interface in &self.interfaces {
                file.extend(self.description(interface));
            }
            described = self.interfaces.len();
        }
        for frame in frames {
            let index = frame.interface as usize;
            let interface = self.interfaces.get(index).expect("the frame's interface");
            while described <= index {
                file.extend(self.description(&self.interfaces[described]));
                described += 1;
            }
            if self.other_blocks {
                file.extend(self.block(NAME_RESOLUTION, &[0; 4]));
                file.extend(self.block(UNKNOWN, &[0xff; 5]));
            }
            file.extend(self.packet(frame, interface));
        }
        file
    }

    /// Writes the file.
    pub fn write(&self, path: &Path, frames: &[Frame]) -> io::Result<()> {
        fs::write(path, self.bytes(frames))
    }

    fn section_header(&self) -> Vec<u8> {
        let mut body = Vec::new();
        body.extend(self.order.u32(BYTE_ORDER_MAGIC));
        body.extend(self.order.u16(VERSION.0));
        body.extend(self.order.u16(VERSION.1));
        body.extend([0xff; 8]); // length of the section: not told
        self.block(SECTION_HEADER, &body)
    }

    fn description(&self, interface: &Interface) -> Vec<u8> {
        let mut body = Vec::new();
        body.extend(self.order.u16(interface.link_type));
        body.extend([0; 2]);
        body.extend(self.order.u32(interface.snap));
        if let Some(name) = &interface.name {
            body.extend(self.option(OPTION_IF_NAME, name.as_bytes()));
        }
        if let Some(resolution) = interface.resolution {
            body.extend(self.option(OPTION_IF_TSRESOL, &[resolution.octet()]));
        }
        if let Some(offset) = interface.offset {
            let (high, low) = ((offset >> 32) as u32, offset as u32);
            let halves = match self.order {
                Order::Little => [self.order.u32(low), self.order.u32(high)],
                Order::Big => [self.order.u32(high), self.order.u32(low)],
            };
            body.extend(self.option(OPTION_IF_TSOFFSET, &halves.concat()));
        }
        body.extend(self.option(OPTION_END, &[]));
        self.block(INTERFACE_DESCRIPTION, &body)
    }

    fn packet(&self, frame: &Frame, interface: &Interface) -> Vec<u8> {
        let offset = interface.offset.unwrap_or_default() * 1_000_000_000;
        let time = frame.time.checked_add_signed(-offset);
        let ticks = interface
            .resolution
            .unwrap_or(Resolution::Decimal(6))
            .ticks(time.expect("a frame is not earlier than the offset"));
        let captured = frame.snapped(interface.snap);
        let times_and_lengths = [
            (ticks >> 32) as u32,
            ticks as u32,
            captured.len() as u32,
            frame.wire_len,
        ];
        let mut body = Vec::new();
        match self.packets {
            PacketBlock::Enhanced => body.extend(self.order.u32(frame.interface)),
            PacketBlock::Obsolete => {
                let interface = u16::try_from(frame.interface).expect("few interfaces");
                body.extend(self.order.u16(interface));
                body.extend(self.order.u16(0)); // frames dropped before this one
            }
            PacketBlock::Simple => body.extend(self.order.u32(frame.wire_len)),
        }
        if self.packets != PacketBlock::Simple {
            body.extend(
                times_and_lengths
                    .into_iter()
                    .flat_map(|field| self.order.u32(field)),
            );
        }
        body.extend(captured);
        let kind = match self.packets {
            PacketBlock::Enhanced => ENHANCED_PACKET,
            PacketBlock::Simple => SIMPLE_PACKET,
            PacketBlock::Obsolete => OBSOLETE_PACKET,
        };
        self.block(kind, &body)
    }

    fn option(&self, code: u16, content: &[u8]) -> Vec<u8> {
        let mut option = self.order.u16(code).to_vec();
        option.extend(self.order.u16(content.len() as u16));
        option.extend(content);
        pad_to_word(&mut option);
        option
    }

    /// A block: type, length, body, and the length again.
    fn block(&self, kind: u32, body: &[u8]) -> Vec<u8> {
        let mut padded = body.to_vec();
        pad_to_word(&mut padded);
        let len = self.order.u32(padded.len() as u32 + 12);
        let mut block = self.order.u32(kind).to_vec();
        block.extend(len);
        block.extend(padded);
        block.extend(len);
        block
    }
}

fn pad_to_word(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests;
