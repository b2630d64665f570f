//! The classic BPF program by which the kernel picks a worker for each frame (`PACKET_FANOUT_CBPF`).
//!
//! It takes the two addresses of the outermost IP header and nothing else, so both directions, all fragments and all flows
//! of two machines are at one worker; of an ICMP error the addresses of the packet that it quotes, so that a refusal is where
//! the flow is. What has no such addresses, and what tells who is who on the link (ARP, neighbour discovery), is at the
//! first worker, in its order.

use super::assembler::{Assembler, Instruction, Label};

/// Loads from here on are ancillary data of the packet (`SKF_AD_OFF`).
pub const ANCILLARY: u32 = 0xffff_f000;
/// Ancillary: the EtherType that the kernel knows (`SKF_AD_PROTOCOL`).
pub const PROTOCOL: u32 = ANCILLARY;
/// Ancillary: the hardware type of the interface (`SKF_AD_HATYPE`).
pub const HARDWARE: u32 = ANCILLARY + 28;
/// Loads from here on count from the network header (`SKF_NET_OFF`).
pub const NETWORK: u32 = 0xfff0_0000;
/// Loads from here on count from the link header (`SKF_LL_OFF`).
pub const LINK: u32 = 0xffe0_0000;

/// Hardware types whose link header is that of Ethernet: itself, and loopback.
const WITH_ETHERNET: [u32; 2] = [1, 772];
const ETHERNET: u32 = 14;
/// IEEE 802.1Q, 802.1ad, and what was used for outer tags before it.
const TAGS: [u32; 3] = [0x8100, 0x88a8, 0x9100];
/// The kernel takes the outermost tag of a received frame away before this; of a sent one it may still be there.
const MAX_TAGS: usize = 3;
const PPPOE_SESSION: u32 = 0x8864;
const IPV4: u32 = 0x0800;
const IPV6: u32 = 0x86dd;

/// Memory: what was taken of the addresses.
const ADDRESSES: u32 = 0;
/// Memory: where the header at hand begins.
const START: u32 = 1;
/// Memory: anything for a moment.
const MOMENT: u32 = 2;

/// The program. Its result, modulo the number of workers, is the worker.
pub fn program() -> Vec<Instruction> {
    let mut asm = Assembler::default();
    let [ethernet, pppoe, v4, v6, taken] = [(); 5].map(|()| asm.label());
    asm.load_word(HARDWARE);
    for hardware in WITH_ETHERNET {
        asm.jump_if_equal(hardware, ethernet);
    }
    asm.set_index(NETWORK);
    asm.load_half(PROTOCOL);
    let by_type = asm.label();
    asm.jump(by_type);
    // A sent frame's network header may stand behind tags that its EtherType does not show. The link header is right always.
    asm.place(ethernet);
    asm.load_half(LINK + ETHERNET - 2);
    asm.set_index(LINK + ETHERNET);
    asm.place(by_type);
    for tags in 0..=MAX_TAGS {
        for (ether_type, header) in [(IPV4, v4), (IPV6, v6), (PPPOE_SESSION, pppoe)] {
            asm.jump_if_equal(ether_type, header);
        }
        if tags < MAX_TAGS {
            let tag = asm.label();
            for ether_type in TAGS {
                asm.jump_if_equal(ether_type, tag);
            }
            asm.give_constant(0);
            asm.place(tag);
            asm.load_half_at(2);
            asm.store(MOMENT);
            asm.advance_index(4);
            asm.load_memory(MOMENT);
        }
    }
    asm.give_constant(0);
    asm.place(pppoe);
    point_to_point(&mut asm, v4, v6);
    asm.place(v4);
    ipv4(&mut asm, taken);
    asm.place(v6);
    ipv6(&mut asm, taken);
    asm.place(taken);
    asm.load_memory(ADDRESSES);
    asm.give();
    asm.finish()
}

/// A PPPoE session, whose protocol number has one byte or two.
fn point_to_point(asm: &mut Assembler, v4: Label, v6: Label) {
    let [short_v4, short_v6, long_v4, long_v6] = [(); 4].map(|()| asm.label());
    asm.load_byte_at(6);
    asm.jump_if_equal(0x21, short_v4);
    asm.jump_if_equal(0x57, short_v6);
    asm.load_half_at(6);
    asm.jump_if_equal(0x0021, long_v4);
    asm.jump_if_equal(0x0057, long_v6);
    asm.give_constant(0);
    for (place, header, len) in [
        (short_v4, v4, 7),
        (short_v6, v6, 7),
        (long_v4, v4, 8),
        (long_v6, v6, 8),
    ] {
        asm.place(place);
        asm.advance_index(len);
        asm.jump(header);
    }
}

fn ipv4(asm: &mut Assembler, taken: Label) {
    const ADDRESSES_AT: u32 = 12;
    const ICMP: u32 = 1;
    /// More fragments, or not the first one: a quote would be in one of them only.
    const FRAGMENTED: u32 = 0x3fff;
    /// Unreachable, source quench, redirect, time exceeded, parameter problem.
    const ERRORS: [u32; 5] = [3, 4, 5, 11, 12];
    take_addresses(asm, ADDRESSES_AT, 1);
    asm.load_byte_at(9);
    asm.jump_unless_equal(ICMP, taken);
    asm.load_half_at(6);
    asm.jump_if_any(FRAGMENTED, taken);
    asm.load_byte_at(0);
    asm.and(0x0f);
    asm.shift_left(2);
    asm.add_index();
    asm.index_from_accumulator();
    asm.load_byte_at(0);
    let quoted = asm.label();
    for kind in ERRORS {
        asm.jump_if_equal(kind, quoted);
    }
    asm.jump(taken);
    asm.place(quoted);
    take_addresses(asm, 8 + ADDRESSES_AT, 1);
    asm.jump(taken);
}

fn ipv6(asm: &mut Assembler, taken: Label) {
    const HEADER: u32 = 40;
    const ADDRESSES_AT: u32 = 8;
    const ICMP: u32 = 58;
    /// Below are errors.
    const FIRST_MESSAGE: u32 = 128;
    /// Router and neighbour, solicitation and advertisement, redirect.
    const DISCOVERY: [u32; 5] = [133, 134, 135, 136, 137];
    take_addresses(asm, ADDRESSES_AT, 4);
    asm.load_byte_at(6);
    asm.jump_unless_equal(ICMP, taken);
    asm.load_byte_at(HEADER);
    let [message, first] = [(); 2].map(|()| asm.label());
    asm.jump_if_at_least(FIRST_MESSAGE, message);
    take_addresses(asm, HEADER + 8 + ADDRESSES_AT, 4);
    asm.jump(taken);
    asm.place(message);
    for kind in DISCOVERY {
        asm.jump_if_equal(kind, first);
    }
    asm.jump(taken);
    asm.place(first);
    asm.give_constant(0);
}

/// Keeps the sum of what two addresses of so many words come to, which is the same for both directions. The first one stands
/// so far behind the index.
fn take_addresses(asm: &mut Assembler, at: u32, words: u32) {
    /// Any odd number with bits everywhere: that the words of an address are in an order counts.
    const FACTOR: u32 = 0x9e37_79b1;
    asm.store_index(START);
    for address in 0..2 {
        let first = at + 4 * words * address;
        asm.load_word_at(first);
        for word in 1..words {
            asm.multiply(FACTOR);
            asm.store(MOMENT);
            asm.load_word_at(first + 4 * word);
            asm.load_index(MOMENT);
            asm.add_index();
            asm.load_index(START);
        }
        spread(asm);
        if address > 0 {
            asm.load_index(ADDRESSES);
            asm.add_index();
        }
        asm.store(ADDRESSES);
        asm.load_index(START);
    }
}

/// The finalizer of MurmurHash3: addresses differ in few bits, and the worker is told by all bits of the result. X is lost.
fn spread(asm: &mut Assembler) {
    for (shift, factor) in [(16, Some(0x85eb_ca6b)), (13, Some(0xc2b2_ae35)), (16, None)] {
        asm.index_from_accumulator();
        asm.shift_right(shift);
        asm.xor_index();
        if let Some(factor) = factor {
            asm.multiply(factor);
        }
    }
}
