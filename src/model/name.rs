//! Host names in one normal form.
//!
//! Normal form: labels joined by dots, ASCII letters lower case, no trailing dot, at most [`MAX_NAME_OCTETS`] octets on
//! the wire. Bytes that a terminal, a log or a page could take for something else, and a dot or backslash inside a label,
//! are written as `\DDD` (RFC 1035, section 5.1). So the text is always printable ASCII, and each dot in it parts labels.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// Longest name on the wire in octets, length bytes and root included (RFC 1035, section 3.1).
pub const MAX_NAME_OCTETS: usize = 255;

/// Why a text is not a host name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing but dots, or nothing at all.
    #[error("the name is empty")]
    Empty,
    /// Two dots in a row, or a leading dot.
    #[error("the name has an empty label")]
    EmptyLabel,
    /// RFC 1035, section 2.3.4.
    #[error("a label is longer than 63 octets")]
    LongLabel,
    /// RFC 1035, section 2.3.4.
    #[error("the name is longer than 255 octets")]
    TooLong,
}

/// A name in normal form, borrowed from a [`NameBuf`] or a [`DomainName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name<'a>(&'a str);

impl<'a> Name<'a> {
    /// The text of the name.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// A copy that outlives the packet.
    pub fn to_owned(self) -> DomainName {
        DomainName(Arc::from(self.0))
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// An owned name in normal form; cloning shares the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct DomainName(Arc<str>);

impl DomainName {
    /// Reads a host name as people and TLS hellos write it. Upper case and one trailing dot are accepted.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let mut buf = NameBuf::default();
        buf.set_host(text.as_bytes()).map(Name::to_owned)
    }

    /// The text of the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, borrowed.
    pub fn as_name(&self) -> Name<'_> {
        Name(&self.0)
    }
}

impl Borrow<str> for DomainName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A reusable buffer in which a name is brought to normal form; it stops allocating after its first use.
#[derive(Clone, Debug, Default)]
pub struct NameBuf {
    text: String,
    octets: usize,
}

impl NameBuf {
    /// Forgets the name, keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.octets = 0;
    }

    /// Appends one label as it stands on the wire.
    pub fn push_label(&mut self, label: &[u8]) -> Result<(), NameError> {
        if label.is_empty() {
            return Err(NameError::EmptyLabel);
        }
        if label.len() > 63 {
            return Err(NameError::LongLabel);
        }
        self.octets += label.len() + 1;
        if self.octets + 1 > MAX_NAME_OCTETS {
            return Err(NameError::TooLong);
        }
        if !self.text.is_empty() {
            self.text.push('.');
        }
        // Nearly all labels are plain, and looking at all of their bytes at once is quicker than at one after the other.
        let plain = label
            .iter()
            .fold(true, |plain, &byte| plain & is_plain(byte));
        if plain && let Ok(text) = std::str::from_utf8(label) {
            let start = self.text.len();
            self.text.push_str(text);
            self.text[start..].make_ascii_lowercase();
            return Ok(());
        }
        for &byte in label {
            match byte {
                _ if is_plain(byte) => {
                    self.text.push(char::from(byte.to_ascii_lowercase()));
                }
                _ => {
                    self.text.push('\\');
                    for digit in [byte / 100, byte / 10 % 10, byte % 10] {
                        self.text.push(char::from(b'0' + digit));
                    }
                }
            }
        }
        Ok(())
    }

    /// Replaces the content by a host name in text form, as in a TLS hello: dots part labels, one may trail.
    pub fn set_host(&mut self, host: &[u8]) -> Result<Name<'_>, NameError> {
        self.clear();
        let host = host.strip_suffix(b".").unwrap_or(host);
        if host.is_empty() {
            return Err(NameError::Empty);
        }
        for label in host.split(|&byte| byte == b'.') {
            self.push_label(label)?;
        }
        Ok(Name(&self.text))
    }

    /// The name so far, `None` for the root.
    pub fn as_name(&self) -> Option<Name<'_>> {
        (!self.text.is_empty()).then_some(Name(&self.text))
    }
}

/// Whether a byte of a label stands for itself in the text.
fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e) & (byte != b'.') & (byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn normal_form() {
        for (text, normal) in [
            ("S07.UPD.Kaspersky.COM.", "s07.upd.kaspersky.com"),
            ("a b.example", "a\\032b.example"),
            ("evil\u{7}.example", "evil\\007.example"),
            ("_dns.example", "_dns.example"),
        ] {
            assert_eq!(DomainName::parse(text).unwrap().as_str(), normal);
        }
    }

    #[test]
    fn refuses_what_is_no_name() {
        for (text, error) in [
            ("", NameError::Empty),
            (".", NameError::Empty),
            ("a..b", NameError::EmptyLabel),
            (".a", NameError::EmptyLabel),
        ] {
            assert_eq!(DomainName::parse(text), Err(error), "{text:?}");
        }
        assert_eq!(
            DomainName::parse(&"a".repeat(64)),
            Err(NameError::LongLabel)
        );
        let long = vec!["a".repeat(63); 4].join(".");
        assert_eq!(DomainName::parse(&long), Err(NameError::TooLong));
    }

    #[test]
    fn a_dot_inside_a_wire_label_is_no_boundary() {
        let mut buf = NameBuf::default();
        buf.push_label(b"a.b").unwrap();
        buf.push_label(b"example").unwrap();
        assert_eq!(buf.as_name().unwrap().as_str(), "a\\046b.example");
    }

    proptest! {
        #[test]
        fn text_is_always_printable_ascii(labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..64), 1..5)) {
            let mut buf = NameBuf::default();
            for label in &labels {
                if buf.push_label(label).is_err() {
                    return Ok(());
                }
            }
            let name = buf.as_name().unwrap();
            prop_assert!(name.as_str().bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
        }
    }
}
