//! One JSON object per line for each host, vendor and category. The fields are described in `docs/json.md`.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Serialize;

use super::Report;
use crate::model::{
    BypassView, Category, Coverage, DomainName, Evidence, Exception, Finding, HostKey, HostRole,
    HostView, KeyConfidence, PackRole, SampleFlow, Signal, Snapshot, Status, Timestamp, VendorId,
};

/// One finding as `replay --format json` prints it.
#[derive(Serialize)]
pub struct FindingLine<'a> {
    host: &'a HostKey,
    addresses: &'a [IpAddr],
    host_name: Option<&'a str>,
    host_owner: Option<&'a str>,
    host_site: Option<&'a str>,
    host_device: Option<&'a str>,
    host_roles: &'a [HostRole],
    host_macs: Vec<String>,
    host_confidence: Option<KeyConfidence>,
    vendor: &'a VendorId,
    role: PackRole,
    category: Category,
    status: Status,
    straggler: bool,
    exception: Option<Excepted<'a>>,
    coverage: Option<Coverage>,
    evidence: Evidence,
    cutoff: Option<Timestamp>,
    group: Option<&'a str>,
    first_seen: Timestamp,
    last_seen: Timestamp,
    last_contact: Option<Timestamp>,
    last_blocked: Option<Blocked>,
    bytes_received: u64,
    bytes_sent: u64,
    after_cutoff: AfterCutoff,
    names: Vec<&'a DomainName>,
    names_left_out: u64,
    resolver_bypass: Vec<Bypass<'a>>,
    proof: Vec<Proof<'a>>,
}

#[derive(Serialize)]
struct Excepted<'a> {
    until: Timestamp,
    reason: &'a str,
    by: &'a str,
}

/// The host asks a resolver that is not the network's for a name of the vendor.
#[derive(Serialize)]
struct Bypass<'a> {
    resolver: IpAddr,
    name: &'a DomainName,
    last_seen: Timestamp,
    after_refusal: bool,
    product_fallback: bool,
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
    signal: Signal,
    evidence: Evidence,
    client: String,
    server: String,
    vendor_network: Option<NetworkLine>,
    pattern: &'a str,
}

/// The range of the vendor's own network in which a server stands.
#[derive(Serialize)]
pub struct NetworkLine {
    network: IpNet,
    asn: Option<u32>,
}

impl NetworkLine {
    /// Of the server of a vendor's flow, by the packs in force.
    pub fn of(snapshot: &Snapshot, vendor: &VendorId, server: IpAddr) -> Option<Self> {
        let (network, claim) = snapshot.vendor_network(vendor, server)?;
        Some(Self {
            network,
            asn: claim.asn,
        })
    }
}

/// The findings in the snapshot's order: stragglers first.
pub fn finding_lines(report: &Report) -> impl Iterator<Item = FindingLine<'_>> {
    let findings = report.snapshot.findings.iter();
    findings.map(|finding| finding_line(&report.snapshot, finding))
}

/// One finding of a snapshot.
pub fn finding_line<'a>(snapshot: &'a Snapshot, finding: &'a Finding) -> FindingLine<'a> {
    let [_, _, contact, transfer] = finding.last_by_evidence;
    let host: Option<&HostView> = snapshot.host(&finding.host);
    FindingLine {
        host: &finding.host,
        addresses: &finding.addresses,
        host_name: host.and_then(|host| host.name.as_deref()),
        host_owner: host.and_then(|host| host.owner.as_deref()),
        host_site: host.and_then(|host| host.site.as_deref()),
        host_device: host.and_then(|host| host.device.as_deref()),
        host_roles: host.map_or(&[], |host| &host.roles),
        host_macs: host.map_or_else(Vec::new, |host| {
            host.macs.iter().map(ToString::to_string).collect()
        }),
        host_confidence: host.map(|host| host.confidence),
        vendor: &finding.vendor,
        role: finding.role,
        category: finding.category,
        status: finding.status,
        straggler: finding.straggler,
        exception: finding.exception.as_ref().map(excepted),
        coverage: snapshot.coverage(finding).map(|view| view.coverage),
        evidence: finding.evidence,
        cutoff: finding.cutoff,
        group: finding.group.as_deref(),
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
        resolver_bypass: snapshot.bypasses(finding).map(bypass).collect(),
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
                flows: name
                    .samples
                    .iter()
                    .map(|sample| flow(snapshot, &finding.vendor, sample))
                    .collect(),
            })
            .collect(),
    }
}

fn excepted(exception: &Exception) -> Excepted<'_> {
    Excepted {
        until: exception.until,
        reason: &exception.reason,
        by: &exception.by,
    }
}

fn bypass(view: &BypassView) -> Bypass<'_> {
    Bypass {
        resolver: view.resolver,
        name: &view.name,
        last_seen: view.last_seen,
        after_refusal: view.after_refusal,
        product_fallback: view.product_fallback,
    }
}

fn flow<'a>(snapshot: &Snapshot, vendor: &VendorId, flow: &'a SampleFlow) -> Flow<'a> {
    let sample = &flow.sample;
    Flow {
        time: sample.time,
        signal: flow.signal,
        evidence: flow.evidence,
        client: sample.client.to_string(),
        server: sample.server.to_string(),
        vendor_network: NetworkLine::of(snapshot, vendor, sample.server.addr),
        pattern: &sample.pattern,
    }
}
