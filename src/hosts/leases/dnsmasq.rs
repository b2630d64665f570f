//! `dnsmasq.leases`: a line each of expiry, hardware address, address, name and client id, by spaces. Behind a line
//! `duid …` stand those of DHCPv6, with the number of the interface's association in the place of the hardware address.

use std::net::IpAddr;

use super::{LeaseError, LeaseRecord, name, unknown};
use crate::model::{Mac, Timestamp};

pub(super) fn parse(text: &str) -> Result<Vec<LeaseRecord>, LeaseError> {
    let mut leases = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        match fields[..] {
            [] | ["duid", _] => {}
            [expiry, hardware, address, host, ..] => match lease(expiry, hardware, address, host) {
                Some(lease) => leases.push(lease),
                None if leases.is_empty() => return Err(unknown()),
                None => return Err(wrong(at)),
            },
            _ if leases.is_empty() => return Err(unknown()),
            _ => return Err(wrong(at)),
        }
    }
    Ok(leases)
}

fn lease(expiry: &str, hardware: &str, address: &str, host: &str) -> Option<LeaseRecord> {
    let seconds: u32 = expiry.parse().ok()?;
    let address: IpAddr = address.parse().ok()?;
    // Another kind of link stands before its address (`06-…`); it is none of Ethernet.
    let mac: Option<Mac> = hardware.parse().ok().filter(|_| address.is_ipv4());
    Some(LeaseRecord {
        address,
        mac: mac.and_then(|mac| Mac::of_device(&mac.octets())),
        name: name(host),
        from: None,
        until: match seconds {
            0 => Timestamp::MAX, // without end
            seconds => Timestamp::from_unix(i64::from(seconds), 0),
        },
    })
}

fn wrong(at: usize) -> LeaseError {
    LeaseError {
        line: at as u64 + 1,
        what: "this is no lease of dnsmasq: expiry, hardware address, address, name".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_leases;
    use super::*;

    #[test]
    fn leases_of_both_families() {
        let text = "1727586000 02:00:00:00:00:01 10.0.0.17 pc-17 01:02:00:00:00:00:01\n\
            0 02:00:00:00:00:02 10.0.0.18 * *\n\
            duid 00:01:00:01:2a:2a:2a:2a:02:00:00:00:00:09\n\
            1727586000 38797313 fd00::17 pc-17 00:01:00:01:2a:2a:2a:2a:02:00:00:00:00:01\n\
            1727586000 02:00:00:00:00:03 10.0.0.1";
        let leases = parse_leases(text).unwrap();
        assert_eq!(leases.len(), 3, "the last line is being written");
        assert_eq!(leases[0].mac, Some(Mac::new([2, 0, 0, 0, 0, 1])));
        assert_eq!(leases[0].until, Timestamp::from_unix(1_727_586_000, 0));
        assert_eq!(leases[0].name.as_ref().unwrap().to_string(), "pc-17");
        assert_eq!((leases[1].until, &leases[1].name), (Timestamp::MAX, &None));
        assert_eq!((leases[2].mac, leases[2].address.is_ipv6()), (None, true));
    }

    #[test]
    fn what_is_no_lease_says_where() {
        assert_eq!(parse_leases("\n"), Ok(Vec::new()));
        for (text, line) in [
            ("hello\n", 1),
            ("no line end", 1),
            ("1 2 3 4\n", 1),
            (
                "1727586000 02:00:00:00:00:01 10.0.0.17 pc *\nnonsense here now x\n",
                2,
            ),
        ] {
            assert_eq!(parse_leases(text).unwrap_err().line, line, "{text}");
        }
    }
}
