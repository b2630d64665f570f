//! Which findings a report tells.
//!
//! A filter that hides a straggler must never read like an all-clear: what was left out is counted and told.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::model::{
    Category, Finding, HostKey, HostView, Snapshot, Span, Status, Strength, Timestamp, VendorId,
    WeakUse,
};

/// Which findings to tell. An empty list and `None` ask for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Vendors.
    pub vendors: Vec<VendorId>,
    /// Hosts by key, address, hardware address or name.
    pub hosts: Vec<String>,
    /// Statuses.
    pub statuses: Vec<Status>,
    /// Seen at this instant or later.
    pub since: Option<Timestamp>,
    /// Seen before this instant.
    pub until: Option<Timestamp>,
    /// What was seen between the two, where whoever asks knows each sighting; otherwise the spans of names decide.
    pub within: Option<BTreeSet<Used>>,
}

/// A host, and what it used of a vendor: names of which strength and category.
pub type Used = (HostKey, VendorId, Category, Strength);

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

    /// Whether all times will do.
    pub fn is_undated(&self) -> bool {
        self.since.is_none() && self.until.is_none()
    }

    /// Whether a stretch reaches into the time asked for.
    pub fn reaches(&self, span: Span) -> bool {
        self.since.is_none_or(|since| span.last >= since)
            && self.until.is_none_or(|until| span.first < until)
    }

    /// A name seen before and after the time asked for counts as seen in it: left out would be worse.
    fn has_seen(&self, finding: &Finding) -> bool {
        if let Some(within) = &self.within {
            let (host, vendor) = (finding.host.clone(), finding.vendor.clone());
            return within.contains(&(host, vendor, finding.category, Strength::Strong));
        }
        let mut names = finding.names.iter().map(|name| Span {
            first: name.first_seen,
            last: name.last_seen,
        });
        // Names that found no place have no span of their own.
        let all = finding.names.is_empty() || finding.names_left_out > 0;
        let whole = Span {
            first: finding.first_seen,
            last: finding.last_seen,
        };
        names.any(|span| self.reaches(span)) || (all && self.reaches(whole))
    }

    fn has_seen_weak(&self, weak: &WeakUse) -> bool {
        let (host, vendor) = (weak.host.clone(), weak.vendor.clone());
        match &self.within {
            Some(within) => within.contains(&(host, vendor, weak.category, Strength::Weak)),
            None => self.reaches(Span {
                first: weak.first_seen,
                last: weak.last_seen,
            }),
        }
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
                || snapshot
                    .uncovered
                    .iter()
                    .flat_map(|view| &view.hosts)
                    .any(|host| is_key_or_address(asked, host, &[]))
        };
        let hosts = self.hosts.iter().map(String::as_str);
        hosts.filter(|asked| !known(asked)).collect()
    }

    /// Leaves of a snapshot what is asked for. Counts of hosts by status are made anew; totals stay those of all, for
    /// they name no host.
    ///
    /// `--status` speaks of findings: of what protects hosts, of bypasses and of weak names that leaves what concerns a
    /// host with a finding that is left. Names that no service describes have no status, so it leaves them; of hosts that were
    /// not asked for it tells none there.
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

        let mut left_out = LeftOut::default();
        snapshot.findings.retain(|finding| {
            let stays = vendor(&finding.vendor)
                && host(&finding.host, &finding.addresses)
                && (self.statuses.is_empty() || self.statuses.contains(&finding.status))
                && (self.is_undated() || self.has_seen(finding));
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
        snapshot.weak.retain(|weak| {
            vendor(&weak.vendor)
                && host(&weak.host, &[])
                && by_status(&weak.host)
                && (self.is_undated() || self.has_seen_weak(weak))
        });
        snapshot.bypasses.retain(|bypass| {
            vendor(&bypass.vendor)
                && host(&bypass.host, &[])
                && by_status(&bypass.host)
                && self.reaches(Span::at(bypass.last_seen))
        });
        snapshot.uncovered.retain_mut(|view| {
            view.hosts.retain(|key| host(key, &[]));
            let span = Span {
                first: view.first_seen,
                last: view.last_seen,
            };
            vendor(&view.vendor)
                && self.reaches(span)
                && (asked.is_empty() || !view.hosts.is_empty())
        });
        // What protects a host has no date of its own.
        snapshot.coverage.retain(|view| {
            vendor(&view.vendor)
                && host(&view.host, &[])
                && by_status(&view.host)
                && (self.is_undated() || found.contains(&view.host))
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
