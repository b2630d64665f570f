//! Options of DHCPv4 (RFC 2132, section 2), those that are wanted.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use super::MAX_SERVERS;
use crate::dissect::{Reader, Short, is_host};

pub(super) const ROUTERS: u8 = 3;
pub(super) const RESOLVERS: u8 = 6;
pub(super) const HOST_NAME: u8 = 12;
pub(super) const REQUESTED_ADDRESS: u8 = 50;
pub(super) const LEASE_TIME: u8 = 51;
const OVERLOAD: u8 = 52;
pub(super) const MESSAGE_TYPE: u8 = 53;
pub(super) const VENDOR_CLASS: u8 = 60;
pub(super) const CLIENT_ID: u8 = 61;
pub(super) const CLIENT_FQDN: u8 = 81;
const WANTED: [u8; 10] = [
    ROUTERS,
    RESOLVERS,
    HOST_NAME,
    REQUESTED_ADDRESS,
    LEASE_TIME,
    OVERLOAD,
    MESSAGE_TYPE,
    VENDOR_CLASS,
    CLIENT_ID,
    CLIENT_FQDN,
];

const PAD: u8 = 0;
const END: u8 = 255;

/// Option 52 says which fields of the header hold options too (RFC 2132, section 9.3).
const IN_FILE: u8 = 1;
const IN_SERVER_NAME: u8 = 2;

/// Longest value in several pieces. Of what is wanted nothing needs more than one piece; this bounds the copy.
const MAX_JOINED: usize = 512;

/// The wanted options of one message. One that occurs several times is one value in pieces (RFC 3396, section 7).
#[derive(Debug, Default)]
pub(super) struct Options<'a> {
    values: [Option<Cow<'a, [u8]>>; WANTED.len()],
}

impl<'a> Options<'a> {
    /// The options in their own field, and in those of the header if they say so, in the order of RFC 3396, section 5.
    /// [`Short`] where one does not end within its field, or is too long in its pieces.
    pub(super) fn read(
        own: &'a [u8],
        file: &'a [u8],
        server_name: &'a [u8],
    ) -> Result<Self, Short> {
        let mut options = Self::default();
        options.take(own)?;
        let overload = match options.value(OVERLOAD) {
            Some(&[fields]) => fields,
            _ => 0,
        };
        if overload & IN_FILE != 0 {
            options.take(file)?;
        }
        if overload & IN_SERVER_NAME != 0 {
            options.take(server_name)?;
        }
        Ok(options)
    }

    /// The value of an option.
    pub(super) fn value(&self, code: u8) -> Option<&[u8]> {
        let slot = WANTED.iter().position(|&wanted| wanted == code)?;
        self.values.get(slot)?.as_deref()
    }

    /// The address in an option that holds one.
    pub(super) fn address(&self, code: u8) -> Option<Ipv4Addr> {
        let octets: [u8; 4] = self.value(code)?.try_into().ok()?;
        Some(octets.into())
    }

    /// Addresses of hosts in an option that holds some, [`MAX_SERVERS`] at most; none where its length is no multiple of 4.
    pub(super) fn addresses(&self, code: u8) -> impl Iterator<Item = Ipv4Addr> + use<'_> {
        let (groups, rest) = self.value(code).unwrap_or_default().as_chunks::<4>();
        let groups = if rest.is_empty() { groups } else { &[] };
        let addresses = groups.iter().map(|&octets| Ipv4Addr::from(octets));
        addresses
            .filter(|&address| is_host(address.into()))
            .take(MAX_SERVERS)
    }

    fn take(&mut self, field: &'a [u8]) -> Result<(), Short> {
        let mut reader = Reader::new(field);
        while !reader.is_empty() {
            let code = match reader.u8()? {
                PAD => continue,
                END => break,
                code => code,
            };
            let piece = reader.vec8()?.rest();
            let Some(slot) = WANTED.iter().position(|&wanted| wanted == code) else {
                continue;
            };
            match self.values.get_mut(slot).and_then(Option::as_mut) {
                Some(value) if value.len() + piece.len() > MAX_JOINED => return Err(Short),
                Some(value) => value.to_mut().extend(piece),
                None => self.values[slot] = Some(Cow::Borrowed(piece)), // it stands in an array as long
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_joined_across_the_fields() {
        let own = [OVERLOAD, 1, 3, HOST_NAME, 2, b'p', b'c', PAD, END, 99];
        let file = [HOST_NAME, 1, b'-', END, HOST_NAME, 200];
        let server_name = [PAD, HOST_NAME, 2, b'1', b'7', ROUTERS, 4, 10, 0, 0, 1];
        let options = Options::read(&own, &file, &server_name).unwrap();
        assert_eq!(options.value(HOST_NAME), Some(&b"pc-17"[..]));
        assert_eq!(options.address(ROUTERS), Some([10, 0, 0, 1].into()));
        let plain = Options::read(&own[3..], &file, &server_name).unwrap();
        assert_eq!(plain.value(HOST_NAME), Some(&b"pc"[..]));
        assert_eq!(plain.value(99), None);
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let read = |own: &[u8]| Options::read(own, &[], &[]).is_ok();
        assert!(read(&[]));
        assert!(read(&[PAD]));
        assert!(!read(&[ROUTERS]));
        assert!(!read(&[ROUTERS, 4, 1, 2, 3]));
        let piece: Vec<u8> = [&[HOST_NAME, 255][..], &[b'a'; 255]].concat();
        assert!(read(&piece.repeat(2)));
        assert!(!read(&piece.repeat(3)));
    }

    #[test]
    fn lists_of_addresses() {
        let list = |data: &[u8]| -> Vec<Ipv4Addr> {
            let own = [&[RESOLVERS, data.len() as u8][..], data].concat();
            let options = Options::read(&own, &[], &[]).unwrap();
            options.addresses(RESOLVERS).collect()
        };
        assert_eq!(
            list(&[10, 0, 0, 1, 0, 0, 0, 0]),
            [Ipv4Addr::new(10, 0, 0, 1)]
        );
        assert!(list(&[10, 0, 0, 1, 2]).is_empty());
        assert_eq!(list(&[10; 80]).len(), MAX_SERVERS);
    }
}
