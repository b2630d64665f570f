//! One event of each kind, made of the records from which the ledger makes them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use straggler::model::{
    BlindKind, Category, Confidence, Coverage, CoverageView, DomainName, EndReason, Endpoint,
    Event, EventHost, Evidence, Finding, Happening, HostKey, HostView, Judged, KeyConfidence, Mac,
    Match, NameUse, NamedFlow, OwnNetwork, PackRole, Phase, Protocol, ReplyKind, Sample,
    SensorCondition, Service, ServiceId, Sighting, Signal, Span, Stamp, Status, Strength,
    Timestamp, VendorId, WireText,
};

pub fn time(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_730_000_000 + seconds, 250_000_000)
}

pub fn cutoff() -> Timestamp {
    Timestamp::parse_rfc3339("2024-09-29T00:00:00-04:00").unwrap()
}

fn vendor() -> VendorId {
    VendorId::parse("kaspersky").unwrap()
}

fn service() -> Arc<Service> {
    Arc::new(Service {
        vendor: vendor(),
        id: ServiceId::parse("databases").unwrap(),
        name: "Database and module updates".to_owned(),
        category: Category::Update,
        strength: Strength::Strong,
        confidence: Confidence::Vendor,
        source: "https://support.kaspersky.com/common/start/6105".to_owned(),
        note: None,
        ports: Vec::new(),
        transport: None,
        pack_version: "2026.11.1".into(),
        boundaries: vec![cutoff()],
    })
}

fn end(address: &str, port: u16) -> Endpoint {
    Endpoint {
        addr: address.parse().unwrap(),
        port,
    }
}

pub fn address() -> IpAddr {
    [10, 0, 0, 17].into()
}

/// The host, by a name as it came from the wire.
pub fn host(name: &str) -> EventHost {
    let view = HostView {
        key: HostKey::from_address(address()),
        aliases: Vec::new(),
        addresses: vec![address()],
        macs: vec![Mac::new([0x02, 0, 0, 0, 0, 0x11])],
        name: Some(name.to_owned()),
        owner: None,
        site: None,
        device: None,
        roles: Vec::new(),
        confidence: KeyConfidence::Hardware,
        first_seen: time(0),
        last_seen: time(60),
    };
    EventHost::of(&view, None)
}

/// A sighting of `count` flows by `signal`, with `samples` of them.
pub fn sighting(signal: Signal, name: DomainName, samples: u16, count: u64) -> Sighting {
    let (server, protocol) = match signal {
        Signal::Dns => (end("10.0.0.1", 53), Protocol::Udp),
        Signal::Connect => (end("10.0.0.2", 3128), Protocol::Tcp),
        Signal::Http => (end("2001:db8::80", 80), Protocol::Tcp),
        Signal::Quic => (end("192.0.2.7", 443), Protocol::Udp),
        Signal::Tls | Signal::Ip => (end("192.0.2.7", 443), Protocol::Tcp),
    };
    let client = if server.addr.is_ipv4() {
        "10.0.0.17"
    } else {
        "2001:db8::17"
    };
    let pattern: Arc<str> = ".upd.kaspersky.com".into();
    Sighting {
        host: address(),
        mac: None,
        matched: Match {
            service: service(),
            pattern: pattern.clone(),
        },
        name,
        signal,
        server: None,
        evidence: match signal {
            Signal::Dns => Evidence::Lookup,
            _ => Evidence::Contact,
        },
        span: Span::at(time(1)),
        count,
        received: 0,
        sent: 0,
        samples: (0..samples)
            .map(|nth| Sample {
                time: time(i64::from(nth) + 1),
                client: end(client, 50_000 + nth),
                server,
                protocol,
                pattern: pattern.clone(),
                interface: None,
                vlan: None,
                user_agent: None,
            })
            .collect(),
        flow: None,
    }
}

pub fn name() -> DomainName {
    DomainName::parse("s07.upd.kaspersky.com").unwrap()
}

pub fn judged(evidence: Evidence) -> Judged {
    Judged::new(Phase::After, Some(cutoff()), evidence)
}

pub fn finding(names: &[DomainName]) -> Finding {
    let names = names.iter().map(|name| NameUse {
        name: name.clone(),
        service: service(),
        signals: vec![Signal::Tls],
        evidence: Evidence::Transfer,
        sightings: 3,
        first_seen: time(1),
        last_seen: time(9),
        received: 91_000,
        sent: 1_000,
        samples: Vec::new(),
    });
    Finding {
        host: HostKey::from_address(address()),
        addresses: vec![address()],
        vendor: vendor(),
        vendor_name: "Kaspersky".to_owned(),
        role: PackRole::Restricted,
        category: Category::Update,
        status: Status::Fetching,
        straggler: true,
        ever_straggler: true,
        cutoff: Some(cutoff()),
        group: None,
        exception: None,
        phase: Phase::After,
        evidence: Evidence::Transfer,
        first_seen: time(1),
        last_seen: time(9),
        contacts: None,
        last_by_evidence: [None; 4],
        last_blocked: None,
        after_cutoff_sightings: 3,
        received: 5_000_000,
        sent: 2_000,
        after_cutoff_received: 4_194_304,
        after_cutoff_sent: 1_800,
        names: names.collect(),
        names_left_out: 0,
    }
}

/// The line of an event, as the golden files and the documents have it: with one version, whatever the program's.
pub fn golden(event: &Event) -> String {
    let version = |version| format!(r#""product":"straggler","version":"{version}""#);
    let line = event.line();
    line.replace(&version(env!("CARGO_PKG_VERSION")), &version("0.1.0"))
}

/// One of each kind, `sighting` by each signal.
pub fn all() -> Vec<(&'static str, Event)> {
    let host = host("PC-17.office.example.");
    let mut stamp = Stamp::new("gw-1", 0);
    let mut made = Vec::new();
    let mut add = |name, happening: Happening, live: bool| {
        let created = live.then(|| time(100));
        made.push((name, stamp.event(happening, created)));
    };
    let flow = |signal| {
        let sighting = sighting(signal, name(), 1, 1);
        let mut flow = NamedFlow::of(&sighting, &sighting.samples[0]);
        // As if the vendor's pack had the network of the server.
        flow.own_network = (signal == Signal::Tls).then(|| OwnNetwork {
            asn: Some(64_496),
            organization: "Kaspersky".to_owned(),
        });
        let judged = judged(flow.evidence);
        (flow, judged)
    };
    let (dns, dns_judged) = flow(Signal::Dns);
    add(
        "sighting_dns",
        Happening::sighting(host.clone(), dns, dns_judged.blocked(ReplyKind::Refused), 1),
        true,
    );
    let (tls, tls_judged) = flow(Signal::Tls);
    add(
        "sighting",
        Happening::sighting(host.clone(), tls.clone(), tls_judged, 1).on("eth1", Some(20)),
        true,
    );
    let (mut http, http_judged) = flow(Signal::Http);
    http.user_agent = WireText::new(b"Updater/21.3 (\x1b[31m)");
    add(
        "sighting_http",
        Happening::sighting(host.clone(), http, http_judged, 13),
        false,
    );
    for (label, signal) in [
        ("sighting_quic", Signal::Quic),
        ("sighting_connect", Signal::Connect),
        ("sighting_ip", Signal::Ip),
    ] {
        let (flow, judged) = flow(signal);
        add(
            label,
            Happening::sighting(host.clone(), flow, judged, 1),
            false,
        );
    }
    let span = Span {
        first: time(1),
        last: time(9),
    };
    let ended = NamedFlow {
        evidence: Evidence::Transfer,
        ..tls
    };
    add(
        "flow_end",
        Happening::flow_end(host.clone(), ended, tls_judged, span, 4_194_304, 1_800)
            .on("eth1", Some(20)),
        true,
    );
    let found = finding(&[name()]);
    add(
        "straggler_new",
        Happening::straggler_new(host.clone(), &found, time(9)),
        true,
    );
    let quiet = Finding {
        status: Status::Silent,
        straggler: false,
        ..found
    };
    let next_day = time(9).after(Duration::from_secs(86_400));
    add(
        "straggler_ended",
        Happening::straggler_ended(host.clone(), &quiet, next_day, EndReason::Quiet),
        true,
    );
    let view = CoverageView {
        host: HostKey::from_address(address()),
        vendor: vendor(),
        coverage: Coverage::Moved,
        replacements: vec![(
            VendorId::parse("microsoft-defender").unwrap(),
            Category::Update,
            time(8),
        )],
    };
    add(
        "coverage_changed",
        Happening::coverage_changed(host.clone(), &view, Some(Coverage::Both), next_day),
        true,
    );
    add(
        "blind_spot",
        Happening::blind_spot(host, BlindKind::EncryptedDns, span, 7),
        true,
    );
    add(
        "sensor_state",
        Happening::sensor_state(
            SensorCondition::CaptureDown,
            time(10),
            Some("eth1: the interface went down"),
        )
        .on("eth1", None),
        true,
    );
    made
}
