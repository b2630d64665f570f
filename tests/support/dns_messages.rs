//! DNS messages: queries and the answers of a resolver, compressed as real servers do.
//!
//! RFC 1035 (messages: section 4.1, compression: 4.1.4), RFC 3596 (AAAA), RFC 6891 (EDNS), RFC 9460 (HTTPS).

mod writer;

use std::net::IpAddr;

use super::packets::octets;

/// Type of an IPv4 address.
pub const A: u16 = 1;
/// Type of an alias.
pub const CNAME: u16 = 5;
/// Type of the start of a zone, which negative answers carry.
pub const SOA: u16 = 6;
/// Type of a pointer, as asked for by reverse look-ups.
pub const PTR: u16 = 12;
/// Type of free text.
pub const TXT: u16 = 16;
/// Type of an IPv6 address.
pub const AAAA: u16 = 28;
/// Type of a service binding for web servers.
pub const HTTPS: u16 = 65;

/// Response code: the server failed.
pub const SERVFAIL: u8 = 2;
/// Response code: the name does not exist.
pub const NXDOMAIN: u8 = 3;
/// Response code: the server does not want to.
pub const REFUSED: u8 = 5;

const FLAG_RESPONSE: u16 = 0x8000;
const FLAG_AUTHORITATIVE: u16 = 0x0400;
const FLAG_TRUNCATED: u16 = 0x0200;
const FLAG_RECURSION_DESIRED: u16 = 0x0100;
const FLAG_RECURSION_AVAILABLE: u16 = 0x0080;

/// A query or a response.
#[derive(Clone, Debug)]
pub struct Message {
    id: u16,
    flags: u16,
    questions: Vec<(String, u16)>,
    answers: Vec<Record>,
    authority: Vec<Record>,
    edns: Option<u16>,
}

#[derive(Clone, Debug)]
struct Record {
    owner: String,
    kind: u16,
    content: Content,
}

/// Names inside a record take part in compression, so they stay names until they are written.
#[derive(Clone, Debug)]
enum Content {
    Bytes(Vec<u8>),
    Name(String),
    Soa(String),
}

impl Message {
    /// A client's query; names are written with or without the dot at their end, in the case given.
    pub fn query(id: u16, name: &str, kind: u16) -> Self {
        Self {
            id,
            flags: FLAG_RECURSION_DESIRED,
            questions: vec![(name.to_owned(), kind)],
            answers: Vec::new(),
            authority: Vec::new(),
            edns: None,
        }
    }

    /// What a device says of itself by Multicast DNS (RFC 6762, section 6): a response to no question.
    pub fn announcement() -> Self {
        Self {
            id: 0,
            flags: FLAG_RESPONSE | FLAG_AUTHORITATIVE,
            questions: Vec::new(),
            answers: Vec::new(),
            authority: Vec::new(),
            edns: None,
        }
    }

    /// One more question; real clients send one only.
    #[must_use]
    pub fn question(mut self, name: &str, kind: u16) -> Self {
        self.questions.push((name.to_owned(), kind));
        self
    }

    /// With EDNS: this side takes datagrams of `size` bytes.
    #[must_use]
    pub fn edns(mut self, size: u16) -> Self {
        self.edns = Some(size);
        self
    }

    /// The resolver's response to this query: the same question, no answers yet, EDNS if the query had it.
    #[must_use]
    pub fn response(&self) -> Self {
        let mut response = self.clone();
        response.flags |= FLAG_RESPONSE | FLAG_RECURSION_AVAILABLE;
        response.edns = self.edns.map(|_| 1232);
        response
    }

    /// With this response code.
    #[must_use]
    pub fn rcode(mut self, code: u8) -> Self {
        self.flags |= u16::from(code & 0x0f);
        self
    }

    /// As devices answer each other by LLMNR (RFC 4795, section 2.1.1): nobody asks anybody further, and the bit that DNS has
    /// for it means that a name is not yet sure.
    #[must_use]
    pub fn without_recursion(mut self) -> Self {
        self.flags &= !(FLAG_RECURSION_DESIRED | FLAG_RECURSION_AVAILABLE);
        self
    }

    /// Marked as truncated: the client should ask again over TCP.
    #[must_use]
    pub fn truncated(mut self) -> Self {
        self.flags |= FLAG_TRUNCATED;
        self
    }

    /// With the answer that `owner` is an alias of `target`.
    #[must_use]
    pub fn cname(self, owner: &str, target: &str) -> Self {
        self.answer(owner, CNAME, Content::Name(target.to_owned()))
    }

    /// With the answer that `owner` has this address: A or AAAA.
    #[must_use]
    pub fn address(self, owner: &str, address: IpAddr) -> Self {
        let kind = if address.is_ipv4() { A } else { AAAA };
        self.answer(owner, kind, Content::Bytes(octets(address)))
    }

    /// With a chain of aliases along `names`, and addresses for the last of them.
    #[must_use]
    pub fn chain(mut self, names: &[&str], addresses: &[IpAddr]) -> Self {
        for pair in names.windows(2) {
            self = self.cname(pair[0], pair[1]);
        }
        let last = names.last().expect("a chain has a name");
        for &address in addresses {
            self = self.address(last, address);
        }
        self
    }

    /// With an answer of any type and content.
    #[must_use]
    pub fn record(self, owner: &str, kind: u16, content: &[u8]) -> Self {
        self.answer(owner, kind, Content::Bytes(content.to_vec()))
    }

    /// With the zone's SOA in the authority section, as negative answers have it.
    #[must_use]
    pub fn soa(mut self, zone: &str) -> Self {
        self.authority.push(Record {
            owner: zone.to_owned(),
            kind: SOA,
            content: Content::Soa(zone.to_owned()),
        });
        self
    }

    /// The message as it stands in a datagram.
    pub fn bytes(&self) -> Vec<u8> {
        writer::write(self)
    }

    /// The message as it stands in a TCP stream, behind its length.
    pub fn tcp_bytes(&self) -> Vec<u8> {
        let bytes = self.bytes();
        [&(bytes.len() as u16).to_be_bytes()[..], &bytes].concat()
    }

    fn answer(mut self, owner: &str, kind: u16, content: Content) -> Self {
        self.answers.push(Record {
            owner: owner.to_owned(),
            kind,
            content,
        });
        self
    }
}

#[cfg(test)]
mod tests;
