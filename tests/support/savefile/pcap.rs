//! Classic pcap: one header, then each frame behind a header of its own.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::{Frame, Order, WHOLE};

const MAGIC_MICROS: u32 = 0xa1b2_c3d4;
const MAGIC_NANOS: u32 = 0xa1b2_3c4d;
const VERSION: (u16, u16) = (2, 4);
const NANOS_PER_SECOND: u64 = 1_000_000_000;
const BUFFER_LEN: usize = 1 << 20;

/// How a pcap file is to be written. Default: little-endian, microseconds, frames whole.
#[derive(Clone, Copy, Debug)]
pub struct Pcap {
    link_type: u16,
    order: Order,
    nanos: bool,
    snap: u32,
}

impl Pcap {
    /// A file of frames of this link type (`LINKTYPE_…`).
    pub fn new(link_type: u16) -> Self {
        Self {
            link_type,
            order: Order::Little,
            nanos: false,
            snap: WHOLE,
        }
    }

    /// Written in this byte order.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Times in nanoseconds instead of microseconds.
    #[must_use]
    pub fn nanos(mut self) -> Self {
        self.nanos = true;
        self
    }

    /// Snap length: said in the header, and longer frames are cut to it.
    #[must_use]
    pub fn snap(mut self, len: u32) -> Self {
        self.snap = len;
        self
    }

    /// The file as bytes.
    pub fn bytes(&self, frames: &[Frame]) -> Vec<u8> {
        let write = || -> io::Result<Vec<u8>> {
            let mut stream = self.start(Vec::new())?;
            for frame in frames {
                stream.frame(frame)?;
            }
            stream.finish()
        };
        write().expect("memory takes every write")
    }

    /// Writes the file.
    pub fn write(&self, path: &Path, frames: &[Frame]) -> io::Result<()> {
        let mut stream = self.create(path)?;
        for frame in frames {
            stream.frame(frame)?;
        }
        stream.finish()?;
        Ok(())
    }

    /// Creates the file, to be written frame by frame.
    pub fn create(&self, path: &Path) -> io::Result<PcapStream<BufWriter<File>>> {
        self.start(BufWriter::with_capacity(BUFFER_LEN, File::create(path)?))
    }

    /// Writes the header; the frames follow one by one.
    pub fn start<W: Write>(&self, mut to: W) -> io::Result<PcapStream<W>> {
        let order = self.order;
        let magic = if self.nanos {
            MAGIC_NANOS
        } else {
            MAGIC_MICROS
        };
        to.write_all(&order.u32(magic))?;
        to.write_all(&order.u16(VERSION.0))?;
        to.write_all(&order.u16(VERSION.1))?;
        to.write_all(&[0; 8])?; // time zone and accuracy, which nobody fills in
        to.write_all(&order.u32(self.snap))?;
        to.write_all(&order.u32(u32::from(self.link_type)))?;
        Ok(PcapStream { pcap: *self, to })
    }
}

/// A pcap file that is being written.
pub struct PcapStream<W> {
    pcap: Pcap,
    to: W,
}

impl<W: Write> PcapStream<W> {
    /// Appends a frame.
    pub fn frame(&mut self, frame: &Frame) -> io::Result<()> {
        let seconds = u32::try_from(frame.time / NANOS_PER_SECOND)
            .expect("pcap has 32 bits for the seconds, which last until 2106");
        let nanos = (frame.time % NANOS_PER_SECOND) as u32;
        let fraction = if self.pcap.nanos { nanos } else { nanos / 1000 };
        let captured = frame.snapped(self.pcap.snap);
        let mut header = [0; 16];
        let fields = [seconds, fraction, captured.len() as u32, frame.wire_len];
        for (place, field) in header.chunks_exact_mut(4).zip(fields) {
            place.copy_from_slice(&self.pcap.order.u32(field));
        }
        self.to.write_all(&header)?;
        self.to.write_all(captured)
    }

    /// Writes what is still buffered and gives the writer back.
    pub fn finish(mut self) -> io::Result<W> {
        self.to.flush()?;
        Ok(self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_and_frame_in_both_orders() {
        let frame = Frame::whole(3_000_004_567, vec![0xaa, 0xbb, 0xcc]);
        let little = Pcap::new(1).bytes(std::slice::from_ref(&frame));
        assert_eq!(little[..8], [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]);
        assert_eq!(little[20..24], [1, 0, 0, 0]);
        assert_eq!(little[24..32], [3, 0, 0, 0, 4, 0, 0, 0]);
        assert_eq!(little[40..], [0xaa, 0xbb, 0xcc]);

        let big = Pcap::new(113).order(Order::Big).nanos().bytes(&[frame]);
        assert_eq!(big[..8], [0xa1, 0xb2, 0x3c, 0x4d, 0, 2, 0, 4]);
        assert_eq!(big[20..24], [0, 0, 0, 113]);
        assert_eq!(big[24..32], [0, 0, 0, 3, 0, 0, 0x11, 0xd7]); // 4567 ns
    }

    #[test]
    fn snap_length_cuts_but_keeps_the_wire_length() {
        let file = Pcap::new(1).snap(2).bytes(&[Frame::whole(0, vec![9; 5])]);
        assert_eq!(file[16..20], [2, 0, 0, 0]);
        assert_eq!(file[32..], [2, 0, 0, 0, 5, 0, 0, 0, 9, 9]);
    }
}
