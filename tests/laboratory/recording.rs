//! tcpdump beside the sensor, and one recording of all its interfaces.

use std::io::{BufReader, Read};
use std::path::PathBuf;
use std::process::{ChildStderr, Stdio};

use crate::namespace::{Running, wait_for_word};
use crate::site::Site;

/// Length of the header of a pcap file, and of that of a frame in it.
const FILE_HEADER: usize = 24;
const FRAME_HEADER: usize = 16;

/// A tcpdump for each interface.
pub(crate) struct Recorder {
    recordings: Vec<(PathBuf, Running, BufReader<ChildStderr>)>,
}

impl Recorder {
    /// All of them capture when this returns.
    pub(crate) fn start(site: &Site, interfaces: &[&str]) -> Self {
        let recordings = interfaces.iter().map(|interface| {
            let path = site.file(&format!("{interface}.pcap"));
            // Room for what comes in a burst: nothing may be lost.
            let mut command = site.gateway.line(&format!(
                "exec tcpdump -i {interface} -n -s 4096 -B 16384 --time-stamp-precision=nano -w -"
            ));
            command
                .stdin(Stdio::null())
                .stdout(std::fs::File::create(&path).unwrap())
                .stderr(Stdio::piped());
            let mut process = Running(command.spawn().unwrap());
            let said = wait_for_word(process.0.stderr.take().unwrap(), "listening on");
            (path, process, said)
        });
        Self {
            recordings: recordings.collect(),
        }
    }

    /// Ends the recordings, of which nothing may have been lost, and makes one of them, in the order of time.
    pub(crate) fn end(self, site: &Site) -> PathBuf {
        let mut frames = Vec::new();
        let mut header = Vec::new();
        for (path, process, mut said) in self.recordings {
            process.interrupt();
            let mut rest = String::new();
            said.read_to_string(&mut rest).unwrap();
            assert!(rest.contains("\n0 packets dropped by kernel"), "{rest}");
            let bytes = std::fs::read(path).unwrap();
            header = bytes[..FILE_HEADER].to_vec();
            frames.extend(frames_of(&bytes));
        }
        frames.sort();
        let path = site.file("recording.pcap");
        let bytes = frames.into_iter().flat_map(|(_, frame)| frame);
        header.extend(bytes);
        std::fs::write(&path, header).unwrap();
        path
    }
}

/// Frames with their headers, and the times that stand there. tcpdump writes numbers as this machine has them.
fn frames_of(bytes: &[u8]) -> Vec<((u32, u32), Vec<u8>)> {
    let mut frames = Vec::new();
    let mut rest = &bytes[FILE_HEADER..];
    while !rest.is_empty() {
        let number = |at: usize| u32::from_ne_bytes(rest[at..at + 4].try_into().unwrap());
        let (time, len) = ((number(0), number(4)), number(8));
        let (frame, others) = rest.split_at(FRAME_HEADER + usize::try_from(len).unwrap());
        frames.push((time, frame.to_vec()));
        rest = others;
    }
    frames
}
