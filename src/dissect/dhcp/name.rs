//! Names of clients, in the two ways in which options write them.

use crate::dissect::Reader;
use crate::model::{DomainName, Name, NameBuf};

/// A name as text. Zero bytes at its end are no part of it (RFC 2132, section 2).
pub(super) fn text(bytes: &[u8]) -> Option<DomainName> {
    let mut end = bytes;
    while let [rest @ .., 0] = end {
        end = rest;
    }
    NameBuf::default().set_host(end).ok().map(Name::to_owned)
}

/// A name as labels with their lengths, without compression (RFC 1035, section 3.1). One that does not end with the root
/// is only a part of a name, which the server would complete (RFC 4702, section 3.3; RFC 4704, section 4.2).
pub(super) fn labels(bytes: &[u8]) -> Option<DomainName> {
    let mut reader = Reader::new(bytes);
    let mut name = NameBuf::default();
    while !reader.is_empty() {
        let label = reader.vec8().ok()?.rest();
        if label.is_empty() {
            break;
        }
        name.push_label(label).ok()?;
    }
    name.as_name().map(Name::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: Option<DomainName>) -> Option<String> {
        name.map(|name| name.to_string())
    }

    #[test]
    fn both_ways() {
        for (bytes, name) in [
            (&b"PC-17"[..], Some("pc-17")),
            (b"pc-17.Corp.example.\0\0", Some("pc-17.corp.example")),
            (b"my pc", Some("my\\032pc")),
            (b"", None),
            (b"\0", None),
            (b"a..b", None),
        ] {
            assert_eq!(shown(text(bytes)).as_deref(), name, "{bytes:?}");
        }
        for (bytes, name) in [
            (&b"\x02PC\x04Corp\0"[..], Some("pc.corp")),
            (b"\x02pc", Some("pc")),
            (b"\x02pc\0\x02xx", Some("pc")),
            (b"", None),
            (b"\0", None),
            (b"\x03pc", None),
            (b"\xc0\x0c", None), // a pointer
        ] {
            assert_eq!(shown(labels(bytes)).as_deref(), name, "{bytes:?}");
        }
    }
}
