//! The streaming readers against libpcap, frame by frame: on the example, and on every capture of the folder that
//! `STRAGGLER_CAPTURES` names (`../shared/captures` by default). Captures that libpcap does not read to the end are
//! compared as far as it reads.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::Frames;
use super::ahead::Ahead;
use super::libpcap::Libpcap;
use super::magic::{self, Kind};
use super::pcap_stream::PcapStream;
use super::pcapng::Pcapng;

#[test]
fn streams_agree_with_libpcap() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let default = project.join("../shared/captures");
    let folder = std::env::var_os("STRAGGLER_CAPTURES").map_or(default, PathBuf::from);
    let mut files = vec![project.join("examples/office.pcapng")];
    if folder.is_dir() {
        collect(&folder, &mut files);
    } else {
        eprintln!(
            "SKIPPED but for the example: no folder of captures (STRAGGLER_CAPTURES names one)"
        );
    }
    let frames: u64 = files.iter().map(|file| compare(file)).sum();
    assert!(frames > 0);
    eprintln!("{frames} frames of {} files agree", files.len());
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if super::looks_like_capture(&path) {
            files.push(path);
        }
    }
}

/// Frames that agree; panics at the first that does not.
fn compare(path: &Path) -> u64 {
    let mut ahead = Ahead::new(Box::new(File::open(path).unwrap()));
    let mut ours: Box<dyn Frames> = match Kind::of(ahead.fill(magic::LEN).unwrap()) {
        Kind::Pcapng => Box::new(Pcapng::open(ahead).unwrap()),
        _ => Box::new(PcapStream::open(ahead).unwrap()),
    };
    let mut theirs = Libpcap::open(path).unwrap();
    let mut count = 0;
    loop {
        let place = format!("{}, frame {count}", path.display());
        match (ours.next(), theirs.next()) {
            (Ok(Some(ours)), Ok(Some(theirs))) => {
                assert_eq!(ours.time, theirs.time, "{place}");
                assert_eq!(ours.link, theirs.link, "{place}");
                assert_eq!(ours.bytes, theirs.bytes, "{place}");
                assert_eq!(ours.wire_len, theirs.wire_len, "{place}");
                count += 1;
            }
            (Ok(None), Ok(None)) => return count,
            (ours, Err(fault)) => {
                eprintln!("{place}: libpcap: {fault:?}; ours: {:?}", ours.map(|_| ()));
                return count;
            }
            (ours, theirs) => panic!("{place}: {:?}, {:?}", ours.is_ok(), theirs.is_ok()),
        }
    }
}
