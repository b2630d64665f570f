//! Text that a device wrote about itself.

use std::fmt;
use std::sync::Arc;

/// Most bytes of such a text on the wire that are kept: what one option of DHCPv4 holds.
pub const MAX_TEXT_LEN: usize = 255;

/// Text from the wire: printable ASCII. Other bytes, and the backslash, are written as `\DDD` like in names, so nothing
/// in it speaks to a terminal, and no two texts look alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct WireText(Arc<str>);

impl WireText {
    /// The text in these bytes, without zero bytes and spaces at its ends; the first [`MAX_TEXT_LEN`] bytes of it. `None`
    /// where nothing is left.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let bytes = trimmed(bytes);
        let bytes = bytes.get(..MAX_TEXT_LEN).unwrap_or(bytes);
        let mut text = String::with_capacity(bytes.len());
        for &byte in bytes {
            match byte {
                b' '..=b'~' if byte != b'\\' => text.push(char::from(byte)),
                _ => text.push_str(&format!("\\{byte:03}")),
            }
        }
        (!text.is_empty()).then(|| Self(Arc::from(text)))
    }

    /// A text as [`WireText::as_str`] gave it. What does not look so is made harmless again.
    pub fn restored(text: &str) -> Option<Self> {
        let harmless = |byte| matches!(byte, b' '..=b'~');
        if !text.is_empty() && text.bytes().all(harmless) {
            return Some(Self(Arc::from(text)));
        }
        Self::new(text.as_bytes())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WireText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Senders end texts with a zero byte although they should not (RFC 2132, section 2).
fn trimmed(mut bytes: &[u8]) -> &[u8] {
    while let [0 | b' ', rest @ ..] | [rest @ .., 0 | b' '] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts() {
        for (bytes, text) in [
            (&b"MSFT 5.0"[..], Some("MSFT 5.0")),
            (b"android-dhcp-14\0\0", Some("android-dhcp-14")),
            (b"\x1b[2Ja\\b", Some("\\027[2Ja\\092b")),
            (b" \0 ", None),
            (b"", None),
        ] {
            let read = WireText::new(bytes);
            assert_eq!(read.as_ref().map(WireText::as_str), text);
            let restored = text.and_then(WireText::restored);
            assert_eq!(restored, read);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_make_short_printable_text(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            if let Some(text) = WireText::new(&bytes) {
                prop_assert!(text.as_str().len() <= 4 * MAX_TEXT_LEN);
                prop_assert!(text.as_str().bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            }
        }
    }
}
