//! Which findings a report tells.
//!
//! A filter that hides a straggler must never read like an all-clear: what was left out is counted and told.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::model::{HostKey, HostView, Snapshot, Status, Timestamp, VendorId};

/// Which findings to tell. An empty list and `None` ask for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Vendors.
    pub vendors: Vec<VendorId>,
    /// Hosts by key, address, hardware address or name.
    pub hosts: Vec<String>,
    /// Statuses.
    pub statuses: Vec<Status>,
    /// Last seen at this instant or later.
    pub since: Option<Timestamp>,
    /// Last seen before this instant.
    pub until: Option<Timestamp>,
}

/// What a filter left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Findings.
    pub findings: u64,
    /// Those of them that are stragglers.
    pub stragglers: u64,
}

impl Filter {
    /// Whether it asks for all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The hosts asked for of which nothing is known: perhaps somebody mistyped them.
    pub fn unknown_hosts(&self, snapshot: &Snapshot) -> Vec<&str> {
        let known = |asked: &&str| {
            let asked = std::slice::from_ref(asked);
            snapshot.hosts.iter().any(|view| is_host(asked, view))
                || snapshot
                    .findings
                    .iter()
                    .any(|finding| is_key_or_address(asked, &finding.host, &finding.addresses))
                || snapshot
                    .weak
                    .iter()
                    .any(|weak| is_key_or_address(asked, &weak.host, &[]))
        };
        let hosts = self.hosts.iter().map(String::as_str);
        hosts.filter(|asked| !known(asked)).collect()
    }

    /// Leaves of a snapshot what is asked for. Counts of hosts by status are made anew; totals stay those of all, for
    /// they name no host.
    ///
    /// `--status` speaks of findings: of what protects hosts, of bypasses and of weak names that leaves what concerns a
    /// host with a finding that is left.
    pub(super) fn narrow(&self, snapshot: &mut Snapshot) -> LeftOut {
        if self.is_empty() {
            return LeftOut::default();
        }
        let asked: Vec<&str> = self.hosts.iter().map(String::as_str).collect();
        let keys: BTreeSet<HostKey> = snapshot
            .hosts
            .iter()
            .filter(|view| is_host(&asked, view))
            .map(|view| view.key.clone())
            .collect();
        let host = |key: &HostKey, addresses: &[IpAddr]| {
            asked.is_empty() || keys.contains(key) || is_key_or_address(&asked, key, addresses)
        };
        let vendor = |id: &VendorId| self.vendors.is_empty() || self.vendors.contains(id);
        let seen = |last: Timestamp| {
            self.since.is_none_or(|since| last >= since)
                && self.until.is_none_or(|until| last < until)
        };

        let mut left_out = LeftOut::default();
        snapshot.findings.retain(|finding| {
            let stays = vendor(&finding.vendor)
                && host(&finding.host, &finding.addresses)
                && (self.statuses.is_empty() || self.statuses.contains(&finding.status))
                && seen(finding.last_seen);
            left_out.findings += u64::from(!stays);
            left_out.stragglers += u64::from(!stays && finding.straggler);
            stays
        });
        let found: BTreeSet<&HostKey> = snapshot
            .findings
            .iter()
            .map(|finding| &finding.host)
            .collect();
        let by_status = |key: &HostKey| self.statuses.is_empty() || found.contains(key);
        let undated = self.since.is_none() && self.until.is_none();
        snapshot.weak.retain(|weak| {
            vendor(&weak.vendor)
                && host(&weak.host, &[])
                && by_status(&weak.host)
                && seen(weak.last_seen)
        });
        snapshot.bypasses.retain(|bypass| {
            vendor(&bypass.vendor)
                && host(&bypass.host, &[])
                && by_status(&bypass.host)
                && seen(bypass.last_seen)
        });
        // What protects a host has no date of its own.
        snapshot.coverage.retain(|view| {
            vendor(&view.vendor)
                && host(&view.host, &[])
                && by_status(&view.host)
                && (undated || found.contains(&view.host))
        });
        snapshot.vendors.retain(|view| vendor(&view.id));
        recount(snapshot);
        left_out
    }
}

/// Counts hosts by status again, for the findings that are left.
fn recount(snapshot: &mut Snapshot) {
    for view in &mut snapshot.vendors {
        view.hosts = BTreeMap::new();
        view.stragglers = BTreeMap::new();
        let mut straggling = BTreeSet::new();
        for finding in &snapshot.findings {
            if finding.vendor == view.id {
                *view
                    .hosts
                    .entry((finding.category, finding.status))
                    .or_default() += 1;
                if finding.straggler {
                    *view.stragglers.entry(finding.category).or_default() += 1;
                    straggling.insert(&finding.host);
                }
            }
        }
        view.straggling_hosts = straggling.len() as u64;
    }
}

fn is_host(asked: &[&str], view: &HostView) -> bool {
    let named = |text: &&str| {
        let name = view.name.as_deref().unwrap_or_default();
        (!name.is_empty() && name.eq_ignore_ascii_case(text))
            || view
                .macs
                .iter()
                .any(|mac| mac.to_string().eq_ignore_ascii_case(text))
            || view.aliases.iter().any(|alias| alias.as_str() == *text)
    };
    is_key_or_address(asked, &view.key, &view.addresses) || asked.iter().any(named)
}

/// An address may be written in any of its forms, and as the key that it gives a host of which nothing else is known.
fn is_key_or_address(asked: &[&str], key: &HostKey, addresses: &[IpAddr]) -> bool {
    asked.iter().any(|text| {
        key.as_str() == *text
            || text
                .strip_prefix("ip-")
                .unwrap_or(text)
                .parse()
                .is_ok_and(|address| {
                    addresses.contains(&address) || *key == HostKey::from_address(address)
                })
    })
}
