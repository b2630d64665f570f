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

/// A name in normal form, borrowed from a [`NameBuf`] or a [`DomainName`]. ASCII, which is only looked at again where the
/// name is wanted as text: of most names nobody wants it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name<'a>(&'a [u8]);

impl<'a> Name<'a> {
    /// The text of the name.
    pub fn as_str(self) -> &'a str {
        str::from_utf8(self.0).unwrap_or_default()
    }

    /// The bytes of the text.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// A copy that outlives the packet.
    pub fn to_owned(self) -> DomainName {
        DomainName(Arc::from(self.as_str()))
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Name").field(&self.as_str()).finish()
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
        Name(self.0.as_bytes())
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
    /// ASCII, so that appending needs no look at what it means for UTF-8.
    text: Vec<u8>,
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
            self.text.push(b'.');
        }
        // Nearly all labels are plain, and are taken without a branch for each byte.
        let start = self.text.len();
        let mut plain = true;
        self.text.extend(label.iter().map(|&byte| {
            let normal = NORMAL[usize::from(byte)];
            plain &= normal != 0;
            normal
        }));
        if !plain {
            self.text.truncate(start);
            self.push_escaped(label);
        }
        Ok(())
    }

    /// Appends labels as they stand on the wire one behind the other, each behind its length; all are whole.
    pub fn push_labels(&mut self, labels: &[u8]) -> Result<(), NameError> {
        let Some((&first, rest)) = labels.split_first() else {
            return Ok(());
        };
        if self.octets + labels.len() + 1 > MAX_NAME_OCTETS {
            return Err(NameError::TooLong);
        }
        let before = self.text.len();
        if before > 0 {
            self.text.push(b'.');
        }
        let start = self.text.len();
        // Nearly all names are plain, and are taken as a whole: the lengths become the dots.
        self.text.extend_from_slice(rest);
        let text = &mut self.text[start..];
        let mut at = usize::from(first);
        let mut dots = 0;
        while let Some(length) = text.get_mut(at) {
            at += 1 + usize::from(std::mem::replace(length, b'.'));
            dots += 1;
        }
        // Byte by byte, because what was just written in parts is waited for where it is read in lines.
        let mut plain = true;
        for byte in text {
            dots -= i32::from(*byte == b'.');
            *byte = NORMAL_OR_DOT[usize::from(*byte)];
            plain &= *byte != 0;
        }
        if plain && dots == 0 {
            self.octets += labels.len();
            return Ok(());
        }
        self.text.truncate(before);
        let mut rest = labels;
        while let Some((&len, behind)) = rest.split_first()
            && let Some((label, behind)) = behind.split_at_checked(usize::from(len))
        {
            self.push_label(label)?;
            rest = behind;
        }
        Ok(())
    }

    fn push_escaped(&mut self, label: &[u8]) {
        for &byte in label {
            match NORMAL[usize::from(byte)] {
                0 => {
                    let digits = [byte / 100, byte / 10 % 10, byte % 10];
                    self.text.push(b'\\');
                    self.text.extend(digits.map(|digit| b'0' + digit));
                }
                normal => self.text.push(normal),
            }
        }
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
        self.as_name().ok_or(NameError::Empty)
    }

    /// The name so far, `None` for the root.
    pub fn as_name(&self) -> Option<Name<'_>> {
        (!self.text.is_empty()).then_some(Name(&self.text))
    }
}

/// What a byte of a label becomes in the text, lower case; 0 for those that do not stand for themselves.
static NORMAL: [u8; 256] = {
    let mut normal = [0; 256];
    let mut byte = 0x21_u8;
    while byte <= 0x7e {
        if byte != b'.' && byte != b'\\' {
            normal[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    normal
};

/// The same of a text in which dots part labels.
static NORMAL_OR_DOT: [u8; 256] = {
    let mut normal = NORMAL;
    normal[b'.' as usize] = b'.';
    normal
};

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
        /// Labels taken together give what they give one by one, behind others too.
        #[test]
        fn labels_together_and_apart_agree(labels in prop::collection::vec(prop_oneof![
            "[a-zA-Z0-9_.\\\\-]{1,20}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 1..64),
        ], 1..7)) {
            let mut apart = NameBuf::default();
            let expected = labels.iter().try_for_each(|label| apart.push_label(label));
            for cut in 0..labels.len() {
                let mut together = NameBuf::default();
                let [first, rest] = [&labels[..cut], &labels[cut..]].map(|part| {
                    let wire = part.iter().flat_map(|label| [&[label.len() as u8], &label[..]].concat());
                    wire.collect::<Vec<u8>>()
                });
                let read = together.push_labels(&first).and_then(|()| together.push_labels(&rest));
                prop_assert_eq!(read, expected);
                if expected.is_ok() {
                    prop_assert_eq!(together.as_name(), apart.as_name());
                    prop_assert_eq!(together.octets, apart.octets);
                }
            }
        }

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
