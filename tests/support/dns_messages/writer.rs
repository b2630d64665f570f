//! From a message to its bytes, with compression.

use std::collections::HashMap;

use super::{Content, Message, Record};

const OPT: u16 = 41;
const CLASS_INTERNET: u16 = 1;
const TTL: u32 = 300;
/// A pointer: the two highest bits set, the offset in the others (RFC 1035, section 4.1.4).
const POINTER: u16 = 0xc000;
const POINTER_MAX: usize = 0x3fff;

pub(super) fn write(message: &Message) -> Vec<u8> {
    let mut writer = Writer::default();
    for field in [
        message.id,
        message.flags,
        message.questions.len() as u16,
        message.answers.len() as u16,
        message.authority.len() as u16,
        u16::from(message.edns.is_some()),
    ] {
        writer.u16(field);
    }
    for (name, kind) in &message.questions {
        writer.name(name);
        writer.u16(*kind);
        writer.u16(CLASS_INTERNET);
    }
    for record in message.answers.iter().chain(&message.authority) {
        writer.record(record);
    }
    if let Some(size) = message.edns {
        writer.bytes.push(0); // the root
        writer.u16(OPT);
        writer.u16(size);
        writer.bytes.extend([0; 6]); // extended code, version, flags, length
    }
    writer.bytes
}

/// Writes a message and remembers where each name stands.
#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    places: HashMap<String, usize>,
}

impl Writer {
    fn u16(&mut self, number: u16) {
        self.bytes.extend(number.to_be_bytes());
    }

    fn u32(&mut self, number: u32) {
        self.bytes.extend(number.to_be_bytes());
    }

    /// A name: its labels up to a suffix that is already there, then a pointer to that.
    fn name(&mut self, name: &str) {
        let mut rest = name.strip_suffix('.').unwrap_or(name);
        while !rest.is_empty() {
            if let Some(&place) = self.places.get(rest) {
                self.u16(POINTER | place as u16);
                return;
            }
            if self.bytes.len() <= POINTER_MAX {
                self.places.insert(rest.to_owned(), self.bytes.len());
            }
            let (label, behind) = rest.split_once('.').unwrap_or((rest, ""));
            assert!((1..64).contains(&label.len()), "a label has 1 to 63 bytes");
            self.bytes.push(label.len() as u8);
            self.bytes.extend(label.as_bytes());
            rest = behind;
        }
        self.bytes.push(0);
    }

    fn record(&mut self, record: &Record) {
        self.name(&record.owner);
        self.u16(record.kind);
        self.u16(CLASS_INTERNET);
        self.u32(TTL);
        let length_at = self.bytes.len();
        self.u16(0);
        match &record.content {
            Content::Bytes(bytes) => self.bytes.extend(bytes),
            Content::Name(name) => self.name(name),
            Content::Soa(zone) => {
                self.name(&format!("ns1.{zone}"));
                self.name(&format!("admin.{zone}"));
                // Serial, refresh, retry, expire, and how long a "no" may be remembered.
                for number in [2_026_010_101, 7200, 3600, 1_209_600, 300] {
                    self.u32(number);
                }
            }
        }
        let len = (self.bytes.len() - length_at - 2) as u16;
        self.bytes[length_at..length_at + 2].copy_from_slice(&len.to_be_bytes());
    }
}
