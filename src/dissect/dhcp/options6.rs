//! Options of DHCPv6 (RFC 8415, section 21.1).

use crate::dissect::{Reader, Short};

pub(super) const CLIENT_ID: u16 = 1;
pub(super) const IA_NA: u16 = 3;
pub(super) const IA_TA: u16 = 4;
pub(super) const IA_ADDRESS: u16 = 5;
pub(super) const RELAY_MESSAGE: u16 = 9;
pub(super) const STATUS_CODE: u16 = 13;
pub(super) const VENDOR_CLASS: u16 = 16;
pub(super) const RESOLVERS: u16 = 23;
pub(super) const CLIENT_FQDN: u16 = 39;
pub(super) const CLIENT_LINK_LAYER_ADDRESS: u16 = 79;

/// Options that fill their place: each ends within it, the last with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options<'a>(&'a [u8]);

impl<'a> Options<'a> {
    /// [`Short`] where they do not fill it.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Short> {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            option(&mut reader)?;
        }
        Ok(Self(bytes))
    }

    /// Each option's code and value, in order.
    pub(super) fn iter(self) -> impl Iterator<Item = (u16, &'a [u8])> {
        let mut reader = Reader::new(self.0);
        std::iter::from_fn(move || option(&mut reader).ok())
    }

    /// The value of the first option with this code.
    pub(super) fn value(self, code: u16) -> Option<&'a [u8]> {
        self.iter()
            .find_map(|(it, value)| (it == code).then_some(value))
    }

    /// Whether a status says that something failed (RFC 8415, section 21.13). None at all means success.
    pub(super) fn failed(self) -> bool {
        let status = self.value(STATUS_CODE);
        status.is_some_and(|value| !value.starts_with(&[0, 0]))
    }
}

fn option<'a>(reader: &mut Reader<'a>) -> Result<(u16, &'a [u8]), Short> {
    let code = reader.u16()?;
    Ok((code, reader.vec16()?.rest()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_fill_their_place() {
        let bytes = [0, 13, 0, 3, 0, 0, b'x', 0, 13, 0, 2, 0, 1, 0, 1, 0, 0];
        let options = Options::new(&bytes).unwrap();
        assert_eq!(options.iter().count(), 3);
        assert_eq!(options.value(CLIENT_ID), Some(&[][..]));
        assert!(!options.failed(), "the first counts");
        for end in [1, 3, 6, 8, 12, 16] {
            assert!(Options::new(&bytes[..end]).is_err(), "{end}");
        }
        assert!(Options::new(&bytes[7..]).unwrap().failed());
        assert!(Options::new(&[0, 13, 0, 0]).unwrap().failed(), "no code");
        assert!(!Options::new(&[]).unwrap().failed());
    }
}
