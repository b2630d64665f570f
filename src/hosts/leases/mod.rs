//! Lease files: what DHCP servers wrote down of who has which address. The form is told by the content.

mod dnsmasq;
mod kea;

use std::net::IpAddr;

use crate::model::{DomainName, Mac, Timestamp};

/// Leases read of one file: more than a sensor can tell apart.
const MAX_LEASES: usize = 131_072;

/// A lease in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRecord {
    /// The address.
    pub address: IpAddr,
    /// The hardware address of the interface that has it, where the file says so.
    pub mac: Option<Mac>,
    /// The name under which it was given.
    pub name: Option<DomainName>,
    /// From when on, where the file says so.
    pub from: Option<Timestamp>,
    /// Until when.
    pub until: Timestamp,
}

/// Why a lease file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct LeaseError {
    /// Line, from 1.
    pub line: u64,
    /// What is wrong, and how to mend it.
    pub what: String,
}

/// Reads a lease file of dnsmasq (`dnsmasq.leases`) or Kea (memfile, DHCPv4 or DHCPv6), in the order of the file. A last
/// line that is being written, so without its end, is left out. An empty file has no leases.
pub fn parse_leases(text: &str) -> Result<Vec<LeaseRecord>, LeaseError> {
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    let first = whole.lines().find(|line| !line.trim().is_empty());
    let leases = match first {
        None if text.trim().is_empty() => return Ok(Vec::new()),
        Some(first) if first.starts_with("address,") => kea::parse(whole)?,
        Some(_) => dnsmasq::parse(whole)?,
        None => return Err(unknown()),
    };
    if leases.len() > MAX_LEASES {
        return Err(LeaseError {
            line: 1,
            what: format!("more than {MAX_LEASES} leases"),
        });
    }
    Ok(leases)
}

fn unknown() -> LeaseError {
    LeaseError {
        line: 1,
        what: "this is no lease file of dnsmasq, nor one of Kea (CSV that begins with `address,`)"
            .to_owned(),
    }
}

/// A name as servers write it; `*` stands for none. What is no name is left out: clients choose them.
fn name(text: &str) -> Option<DomainName> {
    let text = text.trim_end_matches('.');
    (!text.is_empty() && text != "*")
        .then(|| DomainName::parse(text).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_with_a_line(rows in "[a-z0-9,: .*\n]{0,80}", any in "\\PC{0,60}") {
            let kea = format!("address,hwaddr,valid_lifetime,expire\n{rows}\n");
            let dnsmasq = format!("0 02:00:00:00:00:02 10.0.0.18 * *\n{rows}\n");
            for text in [kea, dnsmasq, rows, any] {
                if let Err(error) = parse_leases(&text) {
                    prop_assert!(error.line >= 1 && !error.what.is_empty());
                }
            }
        }
    }
}
