//! One JSON object per line for each host, vendor and category. The fields are described in `docs/json.md`.

use std::net::IpAddr;

use serde::Serialize;

use crate::model::{
    Category, DomainName, Evidence, Finding, HostKey, PackRole, Sample, Signal, Snapshot, Status,
    Timestamp, VendorId,
};

/// One finding as `replay --format json` prints it.
#[derive(Serialize)]
pub struct FindingLine<'a> {
    host: &'a HostKey,
    addresses: &'a [IpAddr],
    vendor: &'a VendorId,
    role: PackRole,
    category: Category,
    status: Status,
    straggler: bool,
    evidence: Evidence,
    cutoff: Option<Timestamp>,
    first_seen: Timestamp,
    last_seen: Timestamp,
    last_contact: Option<Timestamp>,
    last_blocked: Option<Blocked>,
    bytes_received: u64,
    bytes_sent: u64,
    after_cutoff: AfterCutoff,
    names: Vec<&'a DomainName>,
    names_left_out: u64,
    proof: Vec<Proof<'a>>,
}

#[derive(Serialize)]
struct Blocked {
    time: Timestamp,
    by: &'static str,
}

#[derive(Serialize)]
struct AfterCutoff {
    sightings: u64,
    bytes_received: u64,
    bytes_sent: u64,
}

/// A name with what proves it.
#[derive(Serialize)]
struct Proof<'a> {
    name: &'a DomainName,
    service: &'a str,
    source: &'a str,
    pack_version: &'a str,
    signals: &'a [Signal],
    evidence: Evidence,
    sightings: u64,
    first_seen: Timestamp,
    last_seen: Timestamp,
    flows: Vec<Flow<'a>>,
}

#[derive(Serialize)]
struct Flow<'a> {
    time: Timestamp,
    client: String,
    server: String,
    pattern: &'a str,
}

/// The findings in the snapshot's order: stragglers first.
pub fn finding_lines(snapshot: &Snapshot) -> impl Iterator<Item = FindingLine<'_>> {
    snapshot.findings.iter().map(line)
}

fn line(finding: &Finding) -> FindingLine<'_> {
    let [_, _, contact, transfer] = finding.last_by_evidence;
    FindingLine {
        host: &finding.host,
        addresses: &finding.addresses,
        vendor: &finding.vendor,
        role: finding.role,
        category: finding.category,
        status: finding.status,
        straggler: finding.straggler,
        evidence: finding.evidence,
        cutoff: finding.cutoff,
        first_seen: finding.first_seen,
        last_seen: finding.last_seen,
        last_contact: contact.max(transfer),
        last_blocked: finding.last_blocked.map(|(time, kind)| Blocked {
            time,
            by: kind.label(),
        }),
        bytes_received: finding.received,
        bytes_sent: finding.sent,
        after_cutoff: AfterCutoff {
            sightings: finding.after_cutoff_sightings,
            bytes_received: finding.after_cutoff_received,
            bytes_sent: finding.after_cutoff_sent,
        },
        names: finding.names.iter().map(|name| &name.name).collect(),
        names_left_out: finding.names_left_out,
        proof: finding
            .names
            .iter()
            .map(|name| Proof {
                name: &name.name,
                service: name.service.id.as_str(),
                source: &name.service.source,
                pack_version: &name.service.pack_version,
                signals: &name.signals,
                evidence: name.evidence,
                sightings: name.sightings,
                first_seen: name.first_seen,
                last_seen: name.last_seen,
                flows: name.samples.iter().map(flow).collect(),
            })
            .collect(),
    }
}

fn flow(sample: &Sample) -> Flow<'_> {
    Flow {
        time: sample.time,
        client: sample.client.to_string(),
        server: sample.server.to_string(),
        pattern: &sample.pattern,
    }
}
