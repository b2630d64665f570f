//! What is worth an event: first sightings, and changes between one state and the next.

use std::collections::BTreeMap;

use super::blind_spots::BlindSpots;
use crate::evidence::phase;
use crate::hosts::Hosts;
use crate::model::{
    BlindHost, Category, Coverage, Cutoff, EndReason, EventHost, Evidence, Finding, FlowEnd,
    Happening, HostKey, Judged, Pack, Service, Sighting, Snapshot, Status, Strength, Timestamp,
    VendorId,
};

/// Happenings that wait to be taken: some seconds of a flood, at most about 1 KiB each.
const MAX_WAITING: usize = 16_384;

type Key = (HostKey, VendorId, Category);

/// The pack in force whose service it is.
fn pack_of<'a>(packs: &'a [Pack], service: &Service) -> Option<&'a Pack> {
    packs.iter().find(|pack| pack.vendor == service.vendor)
}

/// Collects what happens.
#[derive(Debug, Default)]
pub(super) struct Happenings {
    waiting: Vec<Happening>,
    refused: u64,
    blind_spots: BlindSpots,
    stragglers: BTreeMap<Key, Finding>,
    coverage: BTreeMap<(HostKey, VendorId), Coverage>,
    /// Whether other rules came into force since the last comparison.
    is_judged_anew: bool,
}

impl Happenings {
    /// A sighting of a strong name: the first of its flow or transaction is an event.
    pub(super) fn sighting(
        &mut self,
        host: &HostKey,
        sighting: &Sighting,
        cutoff: Option<&Cutoff>,
        packs: &[Pack],
    ) {
        let service = &sighting.matched.service;
        let first = matches!(sighting.evidence, Evidence::Lookup | Evidence::Attempt);
        if service.strength != Strength::Strong || sighting.count == 0 || !first {
            return;
        }
        let phase = phase(cutoff, sighting.span.first);
        let judged = Judged::new(phase, cutoff.map(|cutoff| cutoff.at), sighting.evidence);
        let host = EventHost::new(host, Some(sighting.host));
        let pack = pack_of(packs, service);
        for happening in Happening::sightings(&host, sighting, judged) {
            self.push(happening.looked_up(pack));
        }
    }

    /// A flow with a matched name ended.
    pub(super) fn flow_end(
        &mut self,
        host: &HostKey,
        end: &FlowEnd,
        cutoff: Option<&Cutoff>,
        packs: &[Pack],
    ) {
        let phase = phase(cutoff, end.sample.time);
        let judged = Judged::ended(phase, cutoff.map(|cutoff| cutoff.at), end);
        let host = EventHost::new(host, Some(end.host));
        let pack = pack_of(packs, &end.matched.service);
        self.push(Happening::flow_ended(host, end, judged).looked_up(pack));
    }

    /// A host had flows without a name.
    pub(super) fn blind(&mut self, blind: &BlindHost) {
        self.blind_spots.note(blind);
    }

    /// Tells the blind spots of hours that are over; of all, where there is no time.
    pub(super) fn tell_blind_spots(&mut self, hosts: &Hosts, now: Option<Timestamp>) {
        for (host, kind, span, flows) in self.blind_spots.take_over(now) {
            let key = hosts.key_at(host, span.first);
            let host = EventHost::new(&key, Some(host));
            self.push(Happening::blind_spot(host, kind, span, flows));
        }
    }

    /// What changed since the last state.
    pub(super) fn compare(&mut self, snapshot: &Snapshot) {
        let Some(now) = snapshot.at else { return };
        let host_of =
            |finding: &Finding| EventHost::new(&finding.host, finding.addresses.first().copied());
        let quiet = match std::mem::take(&mut self.is_judged_anew) {
            true => EndReason::Cutoff,
            false => EndReason::Quiet,
        };
        let mut stragglers = BTreeMap::new();
        for finding in &snapshot.findings {
            let key = (
                finding.host.clone(),
                finding.vendor.clone(),
                finding.category,
            );
            match (self.stragglers.remove(&key), finding.straggler) {
                (None, true) => self.push(Happening::straggler_new(host_of(finding), finding, now)),
                (Some(_), false) => {
                    let reason = match finding.status {
                        Status::Excepted => EndReason::Excepted,
                        _ => quiet,
                    };
                    let host = host_of(finding);
                    self.push(Happening::straggler_ended(host, finding, now, reason));
                }
                _ => {}
            }
            if finding.straggler {
                stragglers.insert(key, finding.clone());
            }
        }
        // What is no longer remembered has ended too.
        for finding in std::mem::replace(&mut self.stragglers, stragglers).into_values() {
            let host = host_of(&finding);
            self.push(Happening::straggler_ended(host, &finding, now, quiet));
        }
        self.compare_coverage(snapshot, now);
    }

    /// Other rules are in force: who is no straggler any more is none by them.
    pub(super) fn judged_anew(&mut self) {
        self.is_judged_anew = true;
    }

    /// Takes a state for known, without telling it.
    pub(super) fn know(&mut self, snapshot: &Snapshot) {
        let told = std::mem::take(&mut self.waiting);
        self.compare(snapshot);
        self.waiting = told;
    }

    fn compare_coverage(&mut self, snapshot: &Snapshot, now: Timestamp) {
        let mut coverage = BTreeMap::new();
        for view in &snapshot.coverage {
            let key = (view.host.clone(), view.vendor.clone());
            let before = self.coverage.get(&key).copied();
            if before != Some(view.coverage) {
                let host = EventHost::new(&view.host, None);
                self.push(Happening::coverage_changed(host, view, before, now));
            }
            coverage.insert(key, view.coverage);
        }
        self.coverage = coverage;
    }

    /// Two keys turned out to be one host. Whoever follows events by key must see the end of the one, and, where it is
    /// not a straggler yet, the beginning of the other: that comes with the next comparison.
    pub(super) fn join(&mut self, survivor: &HostKey, other: &HostKey, now: Option<Timestamp>) {
        let ended = self.stragglers.extract_if(.., |key, _| key.0 == *other);
        let ended: Vec<(Key, Finding)> = ended.collect();
        for (_, finding) in ended {
            let Some(now) = now else { continue };
            let host = EventHost::new(&finding.host, finding.addresses.first().copied());
            let reason = EndReason::Renamed;
            self.push(Happening::straggler_ended(host, &finding, now, reason));
        }
        let moved = self.coverage.extract_if(.., |key, _| key.0 == *other);
        let moved: Vec<_> = moved.collect();
        for ((_, vendor), coverage) in moved {
            let key = (survivor.clone(), vendor);
            self.coverage.entry(key).or_insert(coverage);
        }
    }

    fn push(&mut self, happening: Happening) {
        if self.waiting.len() >= MAX_WAITING {
            self.refused += 1;
        } else {
            self.waiting.push(happening);
        }
    }

    /// Waiting now, and those that found no place.
    pub(super) fn stats(&self) -> (u64, u64) {
        (
            self.waiting.len() as u64,
            self.refused + self.blind_spots.refused(),
        )
    }

    /// Hands over what happened, in order.
    pub(super) fn take(&mut self) -> Vec<Happening> {
        std::mem::take(&mut self.waiting)
    }
}
