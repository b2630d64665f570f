//! pcapng, always by this reader: libpcap stops where the interfaces of a file differ in link type or snap length, which
//! shows only in mid-file, when nothing can be read twice from a pipe.
//!
//! Format: <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html>. Any number of sections, each in its byte
//! order, interfaces described anywhere, enhanced, simple and obsolete packet blocks; all other blocks are passed over.
//! The blocks are cut apart here, so that memory is bounded and a cut file is told from a damaged one; their content is
//! read by `pcap-parser`. Simple packet blocks have no time; like libpcap this gives them the time 0.

use pcap_parser::pcapng::{
    parse_enhancedpacketblock_be, parse_enhancedpacketblock_le, parse_interfacedescriptionblock_be,
    parse_interfacedescriptionblock_le, parse_sectionheaderblock, parse_simplepacketblock_be,
    parse_simplepacketblock_le,
};
use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{EPB_MAGIC, IDB_MAGIC, SHB_MAGIC, SPB_MAGIC};

use super::ahead::Ahead;
use super::interface::Interface;
use super::order::Order;
use super::{Fault, Frames};
use crate::model::{Frame, Timestamp};

/// Longest block that is believed, as in libpcap: 64 times the longest frame. A greater length is damage.
const MAX_BLOCK: u32 = 16 * 1024 * 1024;
/// Interfaces of a section: far more than any machine has, in at most 3 MiB.
const MAX_INTERFACES: usize = 65_536;

/// Type, length, and the length again.
const MIN_BLOCK: u32 = 12;
/// Blocks are padded to words of this many bytes.
const WORD: u32 = 4;
const BYTE_ORDER_AT: usize = 8;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
const VERSION: u16 = 1;
/// The obsolete packet block, which the parser does not know, and the offsets of its fields.
const OPB: u32 = 2;
const OPB_INTERFACE: usize = 8;
const OPB_TICKS_HIGH: usize = 12;
const OPB_TICKS_LOW: usize = 16;
const OPB_CAPTURED: usize = 20;
const OPB_WIRE: usize = 24;
const OPB_DATA: usize = 28;

/// A pcapng stream.
pub(super) struct Pcapng {
    ahead: Ahead,
    order: Order,
    interfaces: Vec<Interface>,
    /// Bytes of the block that was looked at last.
    pending: usize,
}

/// What a packet block of any kind says.
struct Packet<'a> {
    interface: u32,
    ticks: Option<u64>,
    bytes: &'a [u8],
    wire_len: u32,
}

impl Pcapng {
    pub(super) fn open(ahead: Ahead) -> Result<Self, Fault> {
        let mut pcapng = Self {
            ahead,
            order: Order::Little,
            interfaces: Vec::new(),
            pending: 0,
        };
        // The file's magic was seen, so the first block is a section header.
        match pcapng.advance()? {
            Some(_) => pcapng.begin_section()?,
            None => return Err(Fault::CutOff),
        }
        Ok(pcapng)
    }

    /// Makes the next block lie ahead in whole and gives its type; `None` at the end.
    fn advance(&mut self) -> Result<Option<u32>, Fault> {
        self.ahead.pass(std::mem::take(&mut self.pending));
        let head = self.ahead.fill(MIN_BLOCK as usize)?;
        if head.is_empty() {
            return Ok(None);
        }
        // The type of a section header reads the same in both orders; which one holds, its byte-order magic tells.
        if self.order.u32_at(head, 0) == Some(SHB_MAGIC) {
            self.order = match Order::Little.u32_at(head, BYTE_ORDER_AT) {
                Some(BYTE_ORDER_MAGIC) => Order::Little,
                Some(magic) if magic == BYTE_ORDER_MAGIC.swap_bytes() => Order::Big,
                Some(_) => return damaged("a section without byte-order magic"),
                None => return Err(Fault::CutOff),
            };
        }
        let order = self.order;
        let (Some(kind), Some(len)) = (order.u32_at(head, 0), order.u32_at(head, 4)) else {
            return Err(Fault::CutOff);
        };
        if len < MIN_BLOCK || len % WORD != 0 || len > MAX_BLOCK {
            return damaged(format!("a block of {len} bytes"));
        }
        let block = self.ahead.fill(len as usize)?;
        if block.len() < len as usize {
            return Err(Fault::CutOff);
        }
        match order.u32_at(block, (len - WORD) as usize) {
            Some(again) if again == len => {}
            again => {
                let again = again.unwrap_or_default();
                return damaged(format!(
                    "a block that begins with a length of {len} and ends with {again}"
                ));
            }
        }
        self.pending = len as usize;
        Ok(Some(kind))
    }

    fn block(&self) -> &[u8] {
        &self.ahead.ahead()[..self.pending]
    }

    fn begin_section(&mut self) -> Result<(), Fault> {
        let Ok((_, header)) = parse_sectionheaderblock(self.block()) else {
            return damaged("a section header that cannot be read");
        };
        if header.major_version != VERSION {
            return damaged(format!("pcapng of version {}", header.major_version));
        }
        self.interfaces.clear();
        Ok(())
    }

    fn describe_interface(&mut self) -> Result<(), Fault> {
        let parse = match self.order {
            Order::Little => parse_interfacedescriptionblock_le,
            Order::Big => parse_interfacedescriptionblock_be,
        };
        let Ok((_, block)) = parse(self.block()) else {
            return damaged("an interface description that cannot be read");
        };
        if self.interfaces.len() == MAX_INTERFACES {
            return damaged(format!("more than {MAX_INTERFACES} interfaces"));
        }
        let interface = Interface::of(&block, self.order);
        self.interfaces.push(interface);
        Ok(())
    }

    /// Reads the packet block that lies ahead.
    fn packet(&self, kind: u32) -> Result<Packet<'_>, Fault> {
        let packet = match kind {
            EPB_MAGIC => self.enhanced(),
            SPB_MAGIC => self.simple(),
            _ => self.obsolete(),
        };
        packet.map_or_else(|| damaged("a packet block whose lengths do not fit"), Ok)
    }

    fn enhanced(&self) -> Option<Packet<'_>> {
        let parse = match self.order {
            Order::Little => parse_enhancedpacketblock_le,
            Order::Big => parse_enhancedpacketblock_be,
        };
        let (_, block) = parse(self.block()).ok()?;
        Some(Packet {
            interface: block.if_id,
            ticks: Some(ticks(block.ts_high, block.ts_low)),
            bytes: block.data.get(..block.caplen as usize)?,
            wire_len: block.origlen,
        })
    }

    /// The captured length is not told: it is the least of wire length, snap length and what is there.
    fn simple(&self) -> Option<Packet<'_>> {
        let parse = match self.order {
            Order::Little => parse_simplepacketblock_le,
            Order::Big => parse_simplepacketblock_be,
        };
        let (_, block) = parse(self.block()).ok()?;
        let snap = match self.interfaces.first()?.snap {
            0 => u32::MAX,
            told => told,
        };
        let captured = (block.orig_len().min(snap) as usize).min(block.data.len());
        Some(Packet {
            interface: 0,
            ticks: None,
            bytes: &block.data[..captured],
            wire_len: block.orig_len(),
        })
    }

    fn obsolete(&self) -> Option<Packet<'_>> {
        let block = self.block();
        let field = |at| self.order.u32_at(block, at);
        let (interface, _) = block.get(OPB_INTERFACE..)?.split_first_chunk()?;
        let data = block.get(OPB_DATA..block.len() - WORD as usize)?;
        Some(Packet {
            interface: u32::from(self.order.u16(*interface)),
            ticks: Some(ticks(field(OPB_TICKS_HIGH)?, field(OPB_TICKS_LOW)?)),
            bytes: data.get(..field(OPB_CAPTURED)? as usize)?,
            wire_len: field(OPB_WIRE)?,
        })
    }
}

impl Frames for Pcapng {
    fn next(&mut self) -> Result<Option<Frame<'_>>, Fault> {
        let kind = loop {
            match self.advance()? {
                None => return Ok(None),
                Some(SHB_MAGIC) => self.begin_section()?,
                Some(IDB_MAGIC) => self.describe_interface()?,
                Some(kind @ (EPB_MAGIC | SPB_MAGIC | OPB)) => break kind,
                Some(_) => {}
            }
        };
        let packet = self.packet(kind)?;
        let Some(interface) = self.interfaces.get(packet.interface as usize) else {
            let number = packet.interface;
            return damaged(format!(
                "a frame of interface {number}, which is not described"
            ));
        };
        Ok(Some(Frame {
            time: packet
                .ticks
                .map_or(Timestamp::from_nanos(0), |ticks| interface.time(ticks)),
            link: interface.link,
            bytes: packet.bytes,
            // A block is at most 16 MiB long, so its data fit.
            wire_len: packet.wire_len.max(packet.bytes.len() as u32),
        }))
    }
}

fn ticks(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

fn damaged<T>(why: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Damaged(why.into()))
}

#[cfg(test)]
mod tests;
