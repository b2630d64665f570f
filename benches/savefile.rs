//! How many frames a second the readers of savefiles hand out.
//!
//! ```text
//! cargo bench --bench savefile
//! ```
//!
//! The beginning of the office's usual mix, in each form, from a file that the system holds in memory.

use std::path::{Path, PathBuf};

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};

#[path = "../tests/support/mod.rs"]
mod support;

use straggler::capture::{FrameSource, Pumped, Savefile};
use support::office::{Office, Workload};
use support::{Frame, Interface, Order, Packing, Pcap, Pcapng};

const FRAMES: usize = 50_000;
const ETHERNET: u16 = 1;
/// Frames asked for at once; as in a replay.
const BATCH: usize = 4_096;

fn main() {
    divan::main();
}

#[divan::bench]
fn pcap(bencher: Bencher) {
    read(bencher, &Pcap::new(ETHERNET).bytes(&frames(Workload::Mix)));
}

#[divan::bench]
fn pcap_of_handshakes(bencher: Bencher) {
    let frames = frames(Workload::Handshakes);
    read(bencher, &Pcap::new(ETHERNET).bytes(&frames));
}

#[divan::bench]
fn pcap_big_endian_nanoseconds(bencher: Bencher) {
    let form = Pcap::new(ETHERNET).order(Order::Big).nanos();
    read(bencher, &form.bytes(&frames(Workload::Mix)));
}

#[divan::bench]
fn pcapng(bencher: Bencher) {
    let form = Pcapng::new(vec![Interface::new(ETHERNET)]);
    read(bencher, &form.bytes(&frames(Workload::Mix)));
}

/// Cipher text does not shrink, so this is what unpacking costs at worst.
#[divan::bench(sample_count = 10)]
fn pcap_gzip(bencher: Bencher) {
    let plain = Pcap::new(ETHERNET).bytes(&frames(Workload::Mix));
    read(bencher, &Packing::Gzip.pack(&plain));
}

fn frames(workload: Workload) -> Vec<Frame> {
    let office = Office::of(workload, workload.hosts(), 1).take(FRAMES);
    office.map(|(frame, _)| frame).collect()
}

fn read(bencher: Bencher, file: &[u8]) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let path: PathBuf = folder.path().join("capture");
    std::fs::write(&path, file).expect("room on the disk");
    assert_eq!(count(&path), FRAMES);
    bencher
        .counter(ItemsCount::new(FRAMES))
        .counter(BytesCount::new(file.len()))
        .bench_local(|| count(&path));
}

/// Frames of a file; a byte of each is looked at.
fn count(path: &Path) -> usize {
    let mut source = Savefile::open(path).expect("a capture");
    let mut frames = 0;
    loop {
        let pumped = source.pump(BATCH, &mut |frame| {
            black_box(frame.bytes.last());
            frames += 1;
        });
        if pumped.expect("a whole capture") == Pumped::End {
            return frames;
        }
    }
}
