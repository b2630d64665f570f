//! Savefiles of every form.

use super::conversation;
use crate::support::{
    Frame, Interface, Link, Order, PacketBlock, Packing, Pcap, Pcapng, Resolution,
};

/// Savefiles of every form with a handful of frames.
pub fn savefiles() -> Vec<(String, Vec<u8>)> {
    let link = Link::ethernet();
    let frames = link.frames(&conversation());
    let mut files = Vec::new();
    for order in Order::BOTH {
        let pcap = Pcap::new(link.link_type()).order(order);
        files.push((format!("pcap {order:?}"), pcap.bytes(&frames)));
        files.push((format!("pcap nanos {order:?}"), pcap.nanos().bytes(&frames)));
        let pcapng = Pcapng::new(vec![Interface::new(1)]).order(order);
        for block in [
            PacketBlock::Enhanced,
            PacketBlock::Simple,
            PacketBlock::Obsolete,
        ] {
            let file = pcapng.clone().packets_as(block).bytes(&frames);
            files.push((format!("pcapng {block:?} {order:?}"), file));
        }
        let mixed = Pcapng::new(vec![
            Interface::new(1)
                .name("eth0")
                .resolution(Resolution::Decimal(9)),
            Interface::new(101)
                .snap(60)
                .resolution(Resolution::Binary(20))
                .offset(-3600),
        ]);
        let second = Link::Raw
            .frames(&conversation())
            .into_iter()
            .map(|frame| frame.on(1));
        let both: Vec<Frame> = frames.iter().cloned().chain(second).collect();
        let mixed = mixed
            .order(order)
            .described_late()
            .other_blocks()
            .bytes(&both);
        files.push((format!("pcapng mixed {order:?}"), mixed));
    }
    let plain = Pcapng::new(vec![Interface::new(1)]).bytes(&frames);
    let sections = [
        plain.clone(),
        Pcapng::new(vec![Interface::new(1)])
            .order(Order::Big)
            .bytes(&frames),
    ];
    files.push(("two sections".to_owned(), sections.concat()));
    for packing in Packing::EVERY {
        files.push((format!("pcapng packed {packing:?}"), packing.pack(&plain)));
    }
    let pcap = Pcap::new(1).bytes(&frames);
    let packed = Packing::Zstd.pack(&pcap);
    files.push(("pcap packed Zstd".to_owned(), packed.clone()));
    let wide = [packed, wide_window()].concat();
    files.push(("pcap packed wide window".to_owned(), wide));
    files
}

/// A zstd frame of nothing that says that it looks back 128 MiB, the most that is read.
pub fn wide_window() -> Vec<u8> {
    let magic = [0x28, 0xb5, 0x2f, 0xfd];
    // No checksum, size or dictionary; 2^(10 + 17) bytes; a last block, raw and empty (RFC 8878, section 3.1.1).
    [&magic[..], &[0, 17 << 3, 1, 0, 0]].concat()
}
