//! A report in which everything occurs that a report can tell, with texts of the test's choice.

use std::sync::Arc;
use std::time::Duration;

use straggler::model::{
    BypassView, Category, Confidence, Coverage, CoverageView, Cutoff, CutoffInForce, CutoffKind,
    DomainName, Endpoint, Evidence, Exception, Finding, HostKey, HostRole, HostView, KeyConfidence,
    LinkType, Mac, NameBuf, NameUse, PackKind, PackRole, Phase, Protocol, ReplyKind, Sample,
    SampleFlow, Seen, Service, ServiceId, Signal, Snapshot, Span, Status, Strength, Timestamp,
    UncoveredView, VendorId, VendorNetwork, VendorNetworks, VendorView, WeakUse,
};
use straggler::report::{Asked, PackUsed, Report, Sensor, Source, SourceKind, Watched};

/// Texts that strangers choose.
pub struct Texts<'a> {
    /// What devices say, what an inventory says, paths, reasons.
    pub free: &'a str,
    /// One label of a name on the wire, at most 63 bytes.
    pub label: &'a [u8],
}

impl Texts<'_> {
    /// The text, and behind it what it is here.
    fn of(&self, what: &str) -> String {
        format!("{} {what}", self.free)
    }
}

pub fn vendor(id: &str) -> VendorId {
    VendorId::parse(id).unwrap()
}

/// An instant, in minutes after 2024-09-30T00:00:00Z.
pub fn minute(minutes: i64) -> Timestamp {
    Timestamp::from_unix(1_727_654_400 + 60 * minutes, 0)
}

/// Four hosts: one straggles, one is excepted, one moved, one is blocked and asks another resolver.
pub fn report(texts: &Texts<'_>) -> Report {
    let [straggler, excepted, moved, blocked] = [1, 2, 3, 4].map(host);
    let findings = vec![
        Finding {
            straggler: true,
            ever_straggler: true,
            ..finding(texts, &straggler, 1, Status::Fetching)
        },
        Finding {
            exception: Some(Exception {
                reason: texts.of("reason"),
                by: texts.of("by"),
                until: minute(50_000),
            }),
            ..finding(texts, &excepted, 2, Status::Excepted)
        },
        Finding {
            evidence: Evidence::Lookup,
            last_blocked: Some((minute(700), ReplyKind::Refused)),
            ..finding(texts, &blocked, 4, Status::Blocked)
        },
        Finding {
            ever_straggler: true,
            ..finding(texts, &moved, 3, Status::Silent)
        },
    ];
    let mut seen = Seen {
        frames: 1_000,
        wire_bytes: 1_234_567,
        cut_frames: 3,
        ..Seen::default()
    };
    seen.named_flows[0] = 90;
    seen.blind_flows = [1, 2, 3, 0, 0, 0, 4];
    seen.one_sided_flows = [5, 6];
    seen.flows = [50, 40, 0, 1, 9];
    Report {
        snapshot: Snapshot {
            at: Some(minute(800)),
            looked: 0.625,
            vendors: vec![restricted(texts), replacement(texts)],
            weak: vec![WeakUse {
                host: host(2),
                vendor: vendor("acme"),
                category: Category::Web,
                names: vec![name(texts)],
                sightings: 7,
                first_seen: minute(650),
                last_seen: minute(650),
            }],
            hosts: (1..=4).map(|n| view(texts, n)).collect(),
            coverage: vec![
                covered(1, Coverage::Straggling, Vec::new()),
                covered(2, Coverage::NoneSeen, Vec::new()),
                covered(
                    3,
                    Coverage::Moved,
                    vec![(vendor("shield"), Category::Update, minute(640))],
                ),
            ],
            bypasses: vec![BypassView {
                host: blocked,
                vendor: vendor("acme"),
                resolver: [192, 0, 2, 53].into(),
                name: name(texts),
                last_seen: minute(701),
                after_refusal: true,
                product_fallback: true,
            }],
            uncovered: vec![UncoveredView {
                vendor: vendor("acme"),
                name: name(texts),
                count: 3,
                hosts: vec![host(2), host(3)],
                more_hosts: true,
                first_seen: minute(640),
                last_seen: minute(650),
            }],
            local_hosts: 12,
            blind_hosts: [1, 0, 2, 0, 0, 0, 1],
            local_networks_known: true,
            findings,
            ..Snapshot::default()
        },
        seen,
        asked: Asked::default(),
        sensor: Sensor {
            sources: vec![
                source(SourceKind::Interface, texts, Some((12, 3))),
                source(SourceKind::File, texts, None),
            ],
            local_networks: vec!["198.51.100.0/24".parse().unwrap()],
        },
        watched: Watched::new(vec![
            Span {
                first: minute(0),
                last: minute(300),
            },
            Span {
                first: minute(420),
                last: minute(800),
            },
        ]),
        transfer_threshold: 32 * 1024,
        packs: vec![PackUsed {
            id: "acme".to_owned(),
            name: texts.of("name"),
            kind: PackKind::Vendor,
            version: texts.of("version"),
            digest: "0123456789ab".to_owned(),
            reviewed: "2026-11-23".to_owned(),
            origin: texts.of("origin"),
        }],
        version: "0.0.0-test".to_owned(),
        remarks: vec![texts.of("file: cut off after frame 3")],
    }
}

pub fn host(n: u8) -> HostKey {
    HostKey::from_address([10, 0, 0, n].into())
}

fn view(texts: &Texts<'_>, n: u8) -> HostView {
    HostView {
        key: host(n),
        aliases: vec![host(n + 100)],
        addresses: vec![[10, 0, 0, n].into()],
        macs: vec![Mac::new([2, 0, 0, 0, 0, n])],
        name: Some(texts.of("name")),
        owner: Some(texts.of("owner")),
        site: Some(texts.of("site")),
        device: Some(texts.of("device")),
        roles: vec![HostRole::Resolver, HostRole::Relay],
        confidence: KeyConfidence::Inventory,
        first_seen: minute(0),
        last_seen: minute(790),
    }
}

fn name(texts: &Texts<'_>) -> DomainName {
    let mut name = NameBuf::default();
    for label in [texts.label, b"acme", b"example"] {
        name.push_label(label).unwrap();
    }
    name.as_name().unwrap().to_owned()
}

fn finding(texts: &Texts<'_>, key: &HostKey, n: u8, status: Status) -> Finding {
    let used = NameUse {
        name: name(texts),
        service: Arc::new(service(texts)),
        signals: vec![Signal::Dns, Signal::Tls],
        evidence: Evidence::Transfer,
        sightings: 5,
        first_seen: minute(10),
        last_seen: minute(600 + i64::from(n)),
        received: 91_000,
        sent: 1_000,
        samples: vec![SampleFlow {
            evidence: Evidence::Transfer,
            signal: Signal::Tls,
            sample: Sample {
                time: minute(600),
                client: end([10, 0, 0, n], 50_000),
                server: end([203, 0, 113, 7], 443),
                protocol: Protocol::Tcp,
                pattern: Arc::from(texts.of("pattern")),
                interface: None,
                vlan: None,
                user_agent: None,
            },
        }],
    };
    Finding {
        host: key.clone(),
        addresses: vec![[10, 0, 0, n].into()],
        vendor: vendor("acme"),
        vendor_name: texts.of("vendor name"),
        role: PackRole::Restricted,
        category: Category::Update,
        status,
        straggler: false,
        ever_straggler: false,
        cutoff: Some(minute(-60)),
        group: None,
        exception: None,
        phase: Phase::After,
        evidence: Evidence::Transfer,
        first_seen: minute(10),
        last_seen: minute(600 + i64::from(n)),
        contacts: None,
        last_by_evidence: [Some(minute(600)); 4],
        last_blocked: None,
        after_cutoff_sightings: 5,
        received: 123_456,
        sent: 789,
        after_cutoff_received: 23_456,
        after_cutoff_sent: 89,
        names: vec![used],
        names_left_out: 2,
    }
}

fn end(address: [u8; 4], port: u16) -> Endpoint {
    Endpoint {
        addr: address.into(),
        port,
    }
}

fn service(texts: &Texts<'_>) -> Service {
    Service {
        vendor: vendor("acme"),
        id: ServiceId::parse("databases").unwrap(),
        name: texts.of("name"),
        category: Category::Update,
        strength: Strength::Strong,
        confidence: Confidence::Community,
        source: format!("https://source.example/{}", texts.free),
        note: Some(texts.of("note")),
        ports: Vec::new(),
        transport: None,
        pack_version: Arc::from(texts.of("version")),
        boundaries: Vec::new(),
    }
}

fn restricted(texts: &Texts<'_>) -> VendorView {
    let cutoff = Cutoff {
        id: "us".to_owned(),
        kind: CutoffKind::Ban,
        default: true,
        jurisdiction: texts.of("jurisdiction"),
        binds: texts.of("binds"),
        at: minute(-60),
        categories: vec![Category::Update],
        authority: texts.of("authority"),
        source: format!("https://law.example/{}", texts.free),
    };
    let later = Cutoff {
        id: "eu".to_owned(),
        kind: CutoffKind::Advice,
        at: minute(800).after(Duration::from_secs(40 * 86_400)),
        source: format!("javascript:{}", texts.free),
        ..cutoff.clone()
    };
    let in_force = |cutoff: &Cutoff, category, group: Option<&str>| CutoffInForce {
        category,
        cutoff: cutoff.clone(),
        group: group.map(str::to_owned),
    };
    VendorView {
        networks: VendorNetworks::new(vec![VendorNetwork {
            networks: vec!["203.0.113.0/24".parse().unwrap()],
            asn: Some(64_496),
            confidence: Confidence::Community,
            source: format!("https://networks.example/{}", texts.free),
            note: Some(texts.of("note")),
        }])
        .unwrap(),
        cutoffs: vec![
            in_force(&cutoff, Category::Update, None),
            in_force(&cutoff, Category::Telemetry, None),
            in_force(&later, Category::Update, Some(&texts.of("group"))),
        ],
        ..vendor_view("acme", texts, PackRole::Restricted)
    }
}

fn replacement(texts: &Texts<'_>) -> VendorView {
    vendor_view("shield", texts, PackRole::Replacement)
}

fn vendor_view(id: &str, texts: &Texts<'_>, role: PackRole) -> VendorView {
    VendorView {
        id: vendor(id),
        name: texts.of("name"),
        role,
        version: texts.of("version"),
        digest: "0123456789ab".to_owned(),
        services: 1,
        categories: vec![Category::Update],
        strong: vec![Category::Update],
        weak: vec![Category::Web],
        networks: VendorNetworks::default(),
        cutoffs: Vec::new(),
        hosts: Default::default(),
        stragglers: Default::default(),
        straggling_hosts: 1,
        uncovered_readings: 4,
    }
}

fn covered(
    n: u8,
    coverage: Coverage,
    replacements: Vec<(VendorId, Category, Timestamp)>,
) -> CoverageView {
    CoverageView {
        host: host(n),
        vendor: vendor("acme"),
        coverage,
        replacements,
    }
}

fn source(kind: SourceKind, texts: &Texts<'_>, drops: Option<(u64, u64)>) -> Source {
    Source {
        kind,
        name: texts.of("name"),
        links: vec![LinkType::ETHERNET],
        frames: Some(500),
        drops,
    }
}
