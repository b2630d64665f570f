//! Kea's memfile: CSV whose first row names the columns; a later row about an address replaces an earlier one. Commas in
//! fields are written as `&#x2c`, so nothing is quoted.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::{LeaseError, LeaseRecord, name};
use crate::model::{Mac, Timestamp};

/// State of a lease that is in force; others were declined, or taken back.
const IN_FORCE: &str = "0";
/// Source of a hardware address that was read from the client's DUID: it may be that of another interface.
const FROM_DUID: &str = "4";
const FOREVER: u64 = u32::MAX as u64;

pub(super) fn parse(text: &str) -> Result<Vec<LeaseRecord>, LeaseError> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .quoting(false)
        .from_reader(text.as_bytes());
    let header = reader
        .headers()
        .map_err(|_| wrong(1, "this is no CSV text"))?
        .clone();
    let column = |name: &str| header.iter().position(|column| column == name);
    let (Some(lifetime), Some(expire)) = (column("valid_lifetime"), column("expire")) else {
        return Err(wrong(
            1,
            "the columns `valid_lifetime` and `expire` of Kea are missing",
        ));
    };
    let (hwaddr, hostname, state) = (column("hwaddr"), column("hostname"), column("state"));
    let (kind, source) = (column("lease_type"), column("hwaddr_source"));
    let mut leases = BTreeMap::new();
    for row in reader.records() {
        let row = row.map_err(|_| wrong(1, "this is no CSV text"))?;
        let line = row.position().map_or(0, csv::Position::line);
        let field = |at: Option<usize>| at.and_then(|at| row.get(at)).unwrap_or_default();
        let Ok(address) = field(Some(0)).parse::<IpAddr>() else {
            return Err(wrong(line, "the first field is no address"));
        };
        let times = (field(Some(lifetime)).parse(), field(Some(expire)).parse());
        let (Ok(lifetime), Ok(expire)) = times else {
            return Err(wrong(line, "`valid_lifetime` and `expire` must be numbers"));
        };
        // A prefix (2) is nobody's address.
        let is_address = field(kind) != "2";
        let in_force = state.is_none() || field(state) == IN_FORCE;
        if !is_address || !in_force || lifetime == 0 {
            leases.remove(&address);
            continue;
        }
        let mac: Option<Mac> = field(hwaddr).parse().ok();
        let mac = mac.filter(|_| field(source) != FROM_DUID);
        let lease = LeaseRecord {
            address,
            mac: mac.and_then(|mac| Mac::of_device(&mac.octets())),
            name: name(field(hostname)),
            from: Some(begins(expire, lifetime)),
            until: if lifetime >= FOREVER {
                Timestamp::MAX
            } else {
                Timestamp::from_unix(i64::from(expire), 0)
            },
        };
        leases.insert(address, lease);
    }
    Ok(leases.into_values().collect())
}

/// When the server last confirmed it.
fn begins(expire: u32, lifetime: u64) -> Timestamp {
    // Kea adds endless lifetimes up modulo 2³².
    let until = if lifetime >= FOREVER {
        u64::from(expire.wrapping_sub(u32::MAX)).saturating_add(lifetime)
    } else {
        u64::from(expire)
    };
    let until = Timestamp::from_unix(i64::try_from(until).unwrap_or(0), 0);
    until.before(Duration::from_secs(lifetime))
}

fn wrong(line: u64, what: &str) -> LeaseError {
    LeaseError {
        line,
        what: what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_leases;
    use super::*;

    const V4: &str = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id\n";
    const V6: &str = "address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_fwd,fqdn_rev,hostname,hwaddr,state,user_context,hwtype,hwaddr_source,pool_id\n";

    #[test]
    fn later_rows_replace_earlier_ones() {
        let text = format!(
            "{V4}10.0.0.17,02:00:00:00:00:01,,3600,1727586000,1,0,0,old,0,,0\n\
             10.0.0.18,02:00:00:00:00:02,,3600,1727586000,1,0,0,gone.,0,,0\n\
             10.0.0.17,02:00:00:00:00:01,,3600,1727589600,1,0,0,pc-17.example.,0,{{ \"a\": 1&#x2c \"b\": 2 }},0\n\
             10.0.0.18,02:00:00:00:00:02,,0,1727586000,1,0,0,gone,2,,0\n"
        );
        let leases = parse_leases(&text).unwrap();
        assert_eq!(leases.len(), 1);
        let lease = &leases[0];
        assert_eq!(lease.mac, Some(Mac::new([2, 0, 0, 0, 0, 1])));
        assert_eq!(lease.name.as_ref().unwrap().to_string(), "pc-17.example");
        assert_eq!(lease.from, Some(Timestamp::from_unix(1_727_586_000, 0)));
        assert_eq!(lease.until, Timestamp::from_unix(1_727_589_600, 0));
    }

    #[test]
    fn addresses_of_ipv6_and_no_prefixes() {
        let text = format!(
            "{V6}fd00::17,00:03:00:01:02:00:00:00:00:01,3600,1727586000,1,1800,0,7,128,0,0,pc,02:00:00:00:00:01,0,,1,2,0\n\
             fd00::18,00:03:00:01:02:00:00:00:00:02,3600,1727586000,1,1800,0,7,128,0,0,pc2,02:00:00:00:00:02,0,,1,4,0\n\
             fd00:1::,00:03:00:01:02:00:00:00:00:01,3600,1727586000,1,1800,2,7,56,0,0,,,0,,,,0\n"
        );
        let leases = parse_leases(&text).unwrap();
        let macs: Vec<_> = leases.iter().map(|lease| lease.mac).collect();
        assert_eq!(macs, [Some(Mac::new([2, 0, 0, 0, 0, 1])), None]);
    }

    #[test]
    fn the_longest_lifetimes_have_no_end() {
        for lifetime in [u64::from(u32::MAX), u64::MAX] {
            let text = format!("address,valid_lifetime,expire\n10.0.0.1,{lifetime},4294967295\n");
            let leases = parse_leases(&text).unwrap();
            assert_eq!(leases[0].until, Timestamp::MAX);
        }
    }

    #[test]
    fn what_is_wrong_says_where() {
        for (rows, line) in [
            ("address,name\n", 1),
            ("address,valid_lifetime,expire\nx,1,2\n", 2),
            (
                "address,valid_lifetime,expire\n10.0.0.1,1,2\n10.0.0.1,1,x\n",
                3,
            ),
        ] {
            assert_eq!(parse_leases(rows).unwrap_err().line, line, "{rows}");
        }
    }
}
