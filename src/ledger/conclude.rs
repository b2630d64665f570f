//! What is concluded from all that was noted, at engine time.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::Ledger;
use crate::evidence::{self, Moment, Usage, WINDOW, judge};
use crate::model::{
    BypassView, Category, CutoffInForce, Finding, HostKey, HostRole, HostView, Pack, PackRole,
    Snapshot, Status, Strength, Timestamp, VendorView,
};

impl Ledger {
    /// Everything concluded at engine time.
    pub fn snapshot(&self) -> Snapshot {
        let now = self.now.unwrap_or(Timestamp::MIN);
        let looked = self.looked.share(now, WINDOW);
        let mut views = self.views();
        let mut findings: Vec<Finding> = self
            .book
            .usages()
            .filter_map(|((host, vendor, category), usage)| {
                let pack = self.packs.iter().find(|pack| pack.vendor == *vendor)?;
                let view = views.get(host)?;
                Some(self.finding(view, pack, *category, usage, now, looked))
            })
            .collect();
        findings.sort_by(|a, b| {
            let rank = |finding: &Finding| (!finding.straggler, finding.role, finding.status);
            rank(a)
                .cmp(&rank(b))
                .then_with(|| b.last_seen.cmp(&a.last_seen))
                .then_with(|| {
                    (&a.host, &a.vendor, a.category).cmp(&(&b.host, &b.vendor, b.category))
                })
        });
        let coverage = evidence::coverage(&findings, &self.packs, now, |finding| {
            let view = views.get(&finding.host);
            view.map(|view| view.last_seen)
        });
        let bypasses = self.bypasses_of_users(&views, now);
        self.set_roles(&mut views, &findings, now);
        Snapshot {
            at: self.now,
            looked,
            vendors: self
                .packs
                .iter()
                .map(|pack| self.vendor(pack, &findings))
                .collect(),
            weak: self.book.weak().cloned().collect(),
            hosts: views.into_values().collect(),
            coverage,
            bypasses,
            local_hosts: self.hosts.present_after(now.before(WINDOW)),
            blind_hosts: self.blind_hosts.count(now),
            uncovered: self.uncovered.views(),
            local_networks_known: self.settings.local_networks_known,
            disputes: self.hosts.disputes(),
            totals: self.book.totals().clone(),
            findings,
        }
    }

    /// Those of hosts that ask for themselves: it is a resolver's work to ask others.
    fn bypasses_of_users(
        &self,
        views: &BTreeMap<HostKey, HostView>,
        now: Timestamp,
    ) -> Vec<BypassView> {
        let mut bypasses = self.bypasses.views(now, &self.packs);
        bypasses.retain(|bypass| {
            let addresses = views
                .get(&bypass.host)
                .map_or(&[][..], |view| view.addresses.as_slice());
            let told = |address: &IpAddr| {
                self.hosts.resolvers().contains(address)
                    || self.settings.resolvers.contains(address)
            };
            let was_resolver = self
                .before
                .roles(&bypass.host, now)
                .contains(&HostRole::Resolver);
            !addresses.iter().any(told) && !self.roles.answers(addresses, now) && !was_resolver
        });
        bypasses
    }

    fn is_sensor(&self, host: &HostView) -> bool {
        let (given, own) = (&self.settings.sensor_addresses, &self.own_addresses);
        let mut addresses = host.addresses.iter();
        addresses.any(|address| given.contains(address) || own.contains(address))
    }

    fn set_roles(
        &self,
        views: &mut BTreeMap<HostKey, HostView>,
        findings: &[Finding],
        now: Timestamp,
    ) {
        let key_at = |address, time| self.hosts.key_at(address, time);
        let roles = self
            .roles
            .of_hosts(views, findings, &self.packs, now, key_at);
        for (key, mut held) in roles {
            if let Some(view) = views.get_mut(&key) {
                held.extend(self.before.roles(&key, now));
                if self.is_sensor(view) {
                    held.insert(HostRole::Gateway);
                }
                view.roles = held.into_iter().collect();
            }
        }
    }

    fn finding(
        &self,
        host: &HostView,
        pack: &Pack,
        category: Category,
        usage: &Usage,
        now: Timestamp,
        looked: f64,
    ) -> Finding {
        // Its addresses now; those of its sightings where it has none any more.
        let addresses = match host.addresses.as_slice() {
            [] => usage.addresses.as_slice(),
            now => now,
        };
        let group = self.cutoffs.group_of(addresses, host.site.as_deref());
        let cutoff = self.cutoffs.of_category(group, &pack.vendor, category);
        // Silence proves something only where packets towards the host are captured, and none was lost.
        let reached = self.roles.reached(addresses, now) || self.before.reached(&host.key, now);
        let silence_tells = reached && !self.looked.lost_any(now, WINDOW);
        let last_blocked = usage.last_blocked(|name| self.book.resolved(name), silence_tells);
        let moment = Moment {
            now,
            looked,
            last_packet: Some(host.last_seen),
            last_blocked,
            transfer_threshold: self.settings.evidence.transfer_threshold,
        };
        let all = usage.addresses.iter().chain(&host.addresses);
        let mut own: Vec<IpAddr> = all.copied().collect();
        own.retain(|&address| self.hosts.key_at(address, Timestamp::MAX) == host.key);
        let whereabouts = evidence::Addresses {
            now: &own,
            seen: &usage.addresses,
        };
        let exception = self.settings.evidence.exceptions.iter().find(|rule| {
            pack.role == PackRole::Restricted
                && rule.holds(host, whereabouts, &pack.vendor, category, now)
        });
        let (status, straggler) = match exception {
            Some(_) => (Status::Excepted, false),
            None => judge(usage, &moment, cutoff),
        };
        // The sensor's own machine may speak for others, and somebody is at it already.
        let may_straggle = self.settings.watch_sensor || !self.is_sensor(host);
        let straggler = straggler && may_straggle;
        let (names, names_left_out) = usage.names();
        Finding {
            host: host.key.clone(),
            addresses: usage.addresses.clone(),
            vendor: pack.vendor.clone(),
            vendor_name: pack.name.clone(),
            role: pack.role,
            category,
            status,
            straggler,
            ever_straggler: (usage.ever_straggler && may_straggle) || straggler,
            cutoff: cutoff.map(|cutoff| cutoff.at),
            group: self.cutoffs.name(group).map(str::to_owned),
            exception: exception.map(|rule| rule.exception.clone()),
            phase: usage.phase,
            evidence: usage.evidence(),
            first_seen: usage.span.first,
            last_seen: usage.span.last,
            last_by_evidence: usage.last_by_evidence(now),
            contacts: usage.contacts,
            last_blocked,
            after_cutoff_sightings: usage.after_cutoff_sightings,
            received: usage.bytes.0,
            sent: usage.bytes.1,
            after_cutoff_received: usage.after_cutoff_bytes.0,
            after_cutoff_sent: usage.after_cutoff_bytes.1,
            names,
            names_left_out,
        }
    }

    /// For each category first what binds hosts in no group, then what binds those of each group.
    fn cutoffs_in_force(&self, pack: &Pack, categories: &BTreeSet<Category>) -> Vec<CutoffInForce> {
        let mut in_force = Vec::new();
        for &category in categories {
            for group in self.cutoffs.groups() {
                if let Some(cutoff) = self.cutoffs.of_category(group, &pack.vendor, category) {
                    in_force.push(CutoffInForce {
                        category,
                        cutoff: cutoff.clone(),
                        group: self.cutoffs.name(group).map(str::to_owned),
                    });
                }
            }
        }
        in_force
    }

    fn vendor(&self, pack: &Pack, findings: &[Finding]) -> VendorView {
        let categories: BTreeSet<Category> = pack
            .services
            .iter()
            .map(|service| service.category)
            .collect();
        let with = |strength: Strength| -> Vec<Category> {
            let services = pack.services.iter();
            let categories: BTreeSet<Category> = services
                .filter(|service| service.strength == strength)
                .map(|service| service.category)
                .collect();
            categories.into_iter().collect()
        };
        let mut hosts = BTreeMap::new();
        let mut stragglers = BTreeMap::new();
        let mut straggling: BTreeSet<&HostKey> = BTreeSet::new();
        for finding in findings
            .iter()
            .filter(|finding| finding.vendor == pack.vendor)
        {
            *hosts.entry((finding.category, finding.status)).or_default() += 1;
            if finding.straggler {
                *stragglers.entry(finding.category).or_default() += 1;
                straggling.insert(&finding.host);
            }
        }
        VendorView {
            id: pack.vendor.clone(),
            name: pack.name.clone(),
            role: pack.role,
            version: pack.version.to_string(),
            digest: pack.digest.clone(),
            services: pack.services.len(),
            cutoffs: self.cutoffs_in_force(pack, &categories),
            networks: pack.networks.clone(),
            categories: categories.into_iter().collect(),
            strong: with(Strength::Strong),
            weak: with(Strength::Weak),
            hosts,
            stragglers,
            straggling_hosts: straggling.len() as u64,
            uncovered_readings: self.uncovered.readings(&pack.vendor),
        }
    }
}
