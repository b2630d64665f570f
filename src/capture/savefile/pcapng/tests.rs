use proptest::prelude::*;

use super::*;

const ETHERNET: u16 = 1;
const NAME_RESOLUTION: u32 = 4;
const CUSTOM: u32 = 0xbad;

/// A writer of blocks in one byte order.
#[derive(Clone, Copy)]
struct Writer(Order);

impl Writer {
    fn u16(self, number: u16) -> Vec<u8> {
        match self.0 {
            Order::Little => number.to_le_bytes().to_vec(),
            Order::Big => number.to_be_bytes().to_vec(),
        }
    }

    fn u32(self, number: u32) -> Vec<u8> {
        match self.0 {
            Order::Little => number.to_le_bytes().to_vec(),
            Order::Big => number.to_be_bytes().to_vec(),
        }
    }

    fn block(self, kind: u32, body: &[&[u8]]) -> Vec<u8> {
        let mut body = body.concat();
        body.resize(body.len().next_multiple_of(4), 0);
        let len = self.u32(body.len() as u32 + MIN_BLOCK);
        [self.u32(kind), len.clone(), body, len].concat()
    }

    fn section(self) -> Vec<u8> {
        let (magic, version) = (self.u32(BYTE_ORDER_MAGIC), self.u16(VERSION));
        self.block(SHB_MAGIC, &[&magic, &version, &[0; 2], &[0xff; 8]])
    }

    /// With an offset of one second and nanoseconds.
    fn interface(self, link: u16, snap: u32) -> Vec<u8> {
        let resolution = [self.u16(9), self.u16(1), vec![9, 0, 0, 0]].concat();
        let (high, low) = (self.u32(0), self.u32(1));
        let second = match self.0 {
            Order::Little => [low, high].concat(),
            Order::Big => [high, low].concat(),
        };
        let offset = [self.u16(14), self.u16(8), second].concat();
        let (link, snap) = (self.u16(link), self.u32(snap));
        self.block(IDB_MAGIC, &[&link, &[0; 2], &snap, &resolution, &offset])
    }

    fn enhanced(self, interface: u32, nanos: u32, data: &[u8]) -> Vec<u8> {
        let len = self.u32(data.len() as u32);
        let (interface, nanos) = (self.u32(interface), self.u32(nanos));
        self.block(EPB_MAGIC, &[&interface, &[0; 4], &nanos, &len, &len, data])
    }

    fn simple(self, wire_len: u32, data: &[u8]) -> Vec<u8> {
        self.block(SPB_MAGIC, &[&self.u32(wire_len), data])
    }

    fn obsolete(self, interface: u16, nanos: u32, data: &[u8]) -> Vec<u8> {
        let (interface, drops) = (self.u16(interface), self.u16(7));
        let (nanos, len) = (self.u32(nanos), self.u32(data.len() as u32));
        self.block(
            OPB,
            &[&interface, &drops, &[0; 4], &nanos, &len, &len, data],
        )
    }
}

/// Time in nanoseconds, link type, bytes, length on the wire.
type Read = (i64, i32, Vec<u8>, u32);

/// The frames of a file, and the fault that ends it.
fn read(bytes: &[u8]) -> (Vec<Read>, Option<Fault>) {
    let ahead = Ahead::new(Box::new(std::io::Cursor::new(bytes.to_vec())));
    let mut frames = Vec::new();
    let mut pcapng = match Pcapng::open(ahead) {
        Ok(pcapng) => pcapng,
        Err(fault) => return (frames, Some(fault)),
    };
    loop {
        match pcapng.next() {
            Ok(Some(frame)) => frames.push((
                frame.time.as_nanos(),
                frame.link.0,
                frame.bytes.to_vec(),
                frame.wire_len,
            )),
            Ok(None) => return (frames, None),
            Err(fault) => return (frames, Some(fault)),
        }
    }
}

/// Everything that the format allows: sections of both orders, interfaces in between, three kinds of packet blocks.
fn manifold() -> Vec<u8> {
    let mut file = Vec::new();
    for writer in [Writer(Order::Big), Writer(Order::Little)] {
        file.extend(writer.section());
        file.extend(writer.interface(ETHERNET, 3));
        file.extend(writer.enhanced(0, 5, &[1, 2, 3]));
        file.extend(writer.block(NAME_RESOLUTION, &[&[0xff; 3]]));
        file.extend(writer.interface(101, 0));
        file.extend(writer.obsolete(1, 6, &[4, 5]));
        file.extend(writer.block(CUSTOM, &[]));
        file.extend(writer.simple(9, &[6, 7, 8, 9]));
        file.extend(writer.enhanced(0, 7, &[]));
    }
    file
}

#[test]
fn every_kind_of_block_in_both_orders() {
    let (frames, fault) = read(&manifold());
    assert_eq!(fault, None);
    let section: Vec<Read> = vec![
        (1_000_000_005, 1, vec![1, 2, 3], 3),
        (1_000_000_006, 12, vec![4, 5], 2),
        (0, 1, vec![6, 7, 8], 9),
        (1_000_000_007, 1, vec![], 0),
    ];
    assert_eq!(frames, [section.clone(), section].concat());
}

#[test]
fn a_cut_file_gives_every_whole_frame() {
    let file = manifold();
    let (all, _) = read(&file);
    for len in 0..file.len() {
        let (frames, fault) = read(&file[..len]);
        assert!(all.starts_with(&frames), "{len}");
        assert!(
            matches!(fault, None | Some(Fault::CutOff)),
            "{len}: {fault:?}"
        );
    }
}

#[test]
fn lengths_that_lie_are_damage() {
    let writer = Writer(Order::Little);
    let good = [writer.section(), writer.interface(ETHERNET, 0)].concat();
    let packet = writer.enhanced(0, 5, &[1, 2, 3, 4]);
    let with = |at: usize, number: u32| {
        let mut packet = packet.clone();
        packet[at..at + 4].copy_from_slice(&number.to_le_bytes());
        [good.clone(), packet].concat()
    };
    let trailer = packet.len() - 4;
    let cases = [
        (with(4, 0), "0 bytes"),
        (with(4, 8), "8 bytes"),
        (with(4, 35), "35 bytes"),
        (with(4, u32::MAX), "4294967295 bytes"),
        (with(4, MAX_BLOCK + 4), "16777220 bytes"),
        (with(trailer, 4), "ends with 4"),
        (with(20, u32::MAX), "do not fit"),
        (with(20, 5), "do not fit"),
        (with(8, 1), "interface 1, which is not described"),
    ];
    for (file, words) in cases {
        match read(&file).1 {
            Some(Fault::Damaged(why)) => assert!(why.contains(words), "{why}"),
            other => panic!("{words}: {other:?}"),
        }
    }
    // Long, but not beyond belief: it may have been cut.
    assert_eq!(read(&with(4, MAX_BLOCK)).1, Some(Fault::CutOff));
}

#[test]
fn interfaces_without_end_are_refused() {
    let writer = Writer(Order::Little);
    let mut file = writer.section();
    file.extend(writer.interface(ETHERNET, 0).repeat(MAX_INTERFACES));
    assert_eq!(read(&file).1, None);
    file.extend(writer.interface(ETHERNET, 0));
    assert!(matches!(read(&file).1, Some(Fault::Damaged(_))));
}

#[test]
fn interfaces_end_with_their_section() {
    let writer = Writer(Order::Big);
    let file = [
        writer.section(),
        writer.interface(ETHERNET, 0),
        writer.section(),
        writer.enhanced(0, 1, &[1]),
    ];
    assert!(matches!(read(&file.concat()).1, Some(Fault::Damaged(_))));
}

proptest! {
    #[test]
    fn strange_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        read(&bytes);
        let writer = Writer(Order::Little);
        read(&[writer.section(), writer.interface(ETHERNET, 0), bytes.clone()].concat());
        for kind in [SHB_MAGIC, IDB_MAGIC, EPB_MAGIC, SPB_MAGIC, OPB, CUSTOM] {
            let block = writer.block(kind, &[&bytes]);
            read(&[writer.section(), writer.interface(ETHERNET, 0), block].concat());
        }
    }

    #[test]
    fn changed_bytes_end(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let mut file = manifold();
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        read(&file);
    }
}
