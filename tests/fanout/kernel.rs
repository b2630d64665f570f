//! What the kernel does with the program that picks a worker: classic BPF, and a frame as it stands when the program runs.

#![allow(dead_code, reason = "each test target uses a part")]

use straggler::capture::fanout::{ANCILLARY, HARDWARE, Instruction, LINK, NETWORK, PROTOCOL};
use straggler::model::LinkType;

/// A frame on its way to the workers.
#[derive(Clone, Debug)]
pub struct Skb {
    bytes: Vec<u8>,
    hardware: u32,
    protocol: u32,
    network: usize,
}

impl Skb {
    /// A frame that was sent: its tags are still in it.
    pub fn sent(link: LinkType, frame: &[u8]) -> Self {
        let half = |at: usize| {
            let bytes = frame.get(at..at + 2);
            bytes.map_or(0, |bytes| u32::from(bytes[0]) << 8 | u32::from(bytes[1]))
        };
        // A device without a link header that is known here.
        const OTHER: u32 = 0xfffe;
        let by_version = |at: usize| match frame.get(at).map(|byte| byte >> 4) {
            Some(4) => 0x0800,
            Some(6) => 0x86dd,
            _ => 0,
        };
        let (hardware, protocol, network) = match link.0 {
            1 => (1, half(12), 14),
            113 => (OTHER, half(14), 16),
            276 => (OTHER, half(0), 20),
            12 | 101 | 228 | 229 => (OTHER, by_version(0), 0),
            0 | 108 => (OTHER, by_version(4), 4),
            _ => (OTHER, 0, 0),
        };
        Self {
            bytes: frame.to_vec(),
            hardware,
            protocol,
            network,
        }
    }

    /// A frame that was received: the kernel has taken the outermost tag out of it.
    pub fn received(link: LinkType, frame: &[u8]) -> Self {
        let mut skb = Self::sent(link, frame);
        if skb.hardware == 1 && [0x8100, 0x88a8].contains(&skb.protocol) && frame.len() >= 18 {
            skb.bytes.drain(12..16);
            skb.protocol = u32::from(skb.bytes[12]) << 8 | u32::from(skb.bytes[13]);
        }
        skb
    }

    /// Where the network header begins, for who reads on there.
    pub fn network(&self) -> &[u8] {
        self.bytes.get(self.network..).unwrap_or_default()
    }

    fn load(&self, at: u32, len: usize) -> Option<u32> {
        if at >= ANCILLARY {
            return match at {
                PROTOCOL => Some(self.protocol),
                HARDWARE => Some(self.hardware),
                other => panic!("ancillary {other:x} is not known"),
            };
        }
        let start = match at {
            NETWORK.. => self.network + (at - NETWORK) as usize,
            LINK.. => (at - LINK) as usize,
            // A received frame's data begin behind the link header, a sent one's with it: nothing there is sure.
            _ => panic!("{at:x} counts from where nobody knows"),
        };
        let bytes = self.bytes.get(start..start + len)?;
        Some(
            bytes
                .iter()
                .fold(0, |sum, &byte| sum << 8 | u32::from(byte)),
        )
    }

    /// Runs a program. What it reads behind the end ends it with 0.
    pub fn run(&self, program: &[Instruction]) -> u32 {
        self.result(program).unwrap_or(0)
    }

    fn result(&self, program: &[Instruction]) -> Option<u32> {
        let (mut a, mut x, mut memory) = (0_u32, 0_u32, [0_u32; 16]);
        let mut at = 0;
        loop {
            let instruction = program[at];
            let k = instruction.operand;
            let mut skip = 0;
            let mut jump = |holds: bool| {
                skip = usize::from(match holds {
                    true => instruction.jump_true,
                    false => instruction.jump_false,
                });
            };
            match instruction.code {
                0x01 => x = k,
                0x02 => memory[k as usize] = a,
                0x03 => memory[k as usize] = x,
                0x04 => a = a.wrapping_add(k),
                0x05 => skip = k as usize,
                0x06 => return Some(k),
                0x07 => x = a,
                0x0c => a = a.wrapping_add(x),
                0x15 => jump(a == k),
                0x16 => return Some(a),
                0x20 => a = self.load(k, 4)?,
                0x24 => a = a.wrapping_mul(k),
                0x28 => a = self.load(k, 2)?,
                0x35 => jump(a >= k),
                0x40 => a = self.load(x.wrapping_add(k), 4)?,
                0x45 => jump(a & k != 0),
                0x48 => a = self.load(x.wrapping_add(k), 2)?,
                0x50 => a = self.load(x.wrapping_add(k), 1)?,
                0x54 => a &= k,
                0x60 => a = memory[k as usize],
                0x61 => x = memory[k as usize],
                0x64 => a <<= k,
                0x74 => a >>= k,
                0x87 => a = x,
                0xac => a ^= x,
                other => panic!("instruction {other:x} is not known"),
            }
            at += 1 + skip;
        }
    }
}
