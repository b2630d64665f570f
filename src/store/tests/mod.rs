//! The store as its caller sees it, on a disk that works: what the tests of it share. What kills it and what fills it:
//! `tests/store.rs`.

mod batches;
mod daily;
mod erasing;
mod opening;
mod pruning;
mod reading;

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::model::{
    AddressBinding, Category, DomainName, Endpoint, Evidence, HostRole, KeyConfidence, Mac, Phase,
    Protocol, ReplyKind, Sample, ServiceId, Signal, Span, Strength, VendorId,
};

const HOUR: i64 = 3600;
/// The first hour of a day, some way into the epoch.
const START: i64 = 480_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(START * HOUR + seconds, 0)
}

fn span(first: i64, last: i64) -> Span {
    Span {
        first: at(first),
        last: at(last),
    }
}

fn sample(time: i64, client: &str, server: &str) -> StoredSample {
    let end = |addr: &str, port| Endpoint {
        addr: addr.parse().unwrap(),
        port,
    };
    StoredSample {
        sample: Sample {
            time: at(time),
            client: end(client, 50_000),
            server: end(server, 443),
            protocol: Protocol::Tcp,
            pattern: Arc::from(".upd.example"),
            interface: None,
            vlan: None,
            user_agent: None,
        },
        pack: Arc::from("0123456789ab"),
    }
}

fn sighting(host: &str, address: &str, name: &str, time: i64) -> StoredSighting {
    StoredSighting {
        key: SightingKey {
            period: Period::of(at(time)),
            host: HostKey::restored(host),
            address: address.parse().unwrap(),
            vendor: VendorId::parse("acme").unwrap(),
            category: Category::Update,
            service: ServiceId::parse("databases").unwrap(),
            strength: Strength::Strong,
            name: DomainName::parse(name).unwrap(),
            signal: Signal::Tls,
            evidence: Evidence::Contact,
            phase: Phase::After,
            era: 1,
            interface: Arc::from("eth0"),
        },
        sum: SightingSum {
            span: span(time, time + 10),
            reached: Some(at(time)),
            count: 1,
            received: 1_000,
            sent: 100,
            samples: vec![sample(time, address, "203.0.113.1")],
        },
    }
}

fn reply(host: &str, name: &str, time: i64) -> StoredReply {
    StoredReply {
        key: ReplyKey {
            period: Period::of(at(time)),
            host: HostKey::restored(host),
            vendor: VendorId::parse("acme").unwrap(),
            category: Category::Update,
            service: ServiceId::parse("databases").unwrap(),
            name: DomainName::parse(name).unwrap(),
            signal: Signal::Dns,
            kind: ReplyKind::Resolved,
            own_resolver: false,
        },
        sum: ReplySum {
            span: span(time, time),
            count: 1,
        },
    }
}

fn host(key: &str, aliases: &[&str]) -> HostRecord {
    HostRecord {
        key: HostKey::restored(key),
        aliases: aliases.iter().map(|it| HostKey::restored(it)).collect(),
        name: Some(format!("name of {key}")),
        owner: None,
        site: Some("Büro 2".to_owned()),
        device: None,
        roles: vec![HostRole::Resolver, HostRole::Scanner],
        confidence: KeyConfidence::Hardware,
        span: span(0, 100),
    }
}

fn binding(host: &str, address: &str, from: i64, until: Option<i64>) -> AddressBinding {
    AddressBinding {
        host: HostKey::restored(host),
        address: address.parse().unwrap(),
        from: at(from),
        until: until.map(at),
        mac: Some(Mac::new([2, 0, 0, 0x77, 0x88, 0x99])),
    }
}

fn looked(sensor: &str, first: i64, last: i64) -> LookedRecord {
    LookedRecord {
        sensor: Arc::from(sensor),
        span: span(first, last),
        frames: 3,
        kernel_drops: 1,
        interface_drops: 2,
    }
}

fn event(id: &str, host: Option<&str>, text: &str) -> OutboxEvent {
    OutboxEvent {
        id: id.to_owned(),
        time: at(5),
        host: host.map(HostKey::restored),
        text: text.to_owned(),
    }
}

fn open(folder: &TempDir) -> Store {
    let (store, notice) = Store::open(folder.path(), Settings::default()).unwrap();
    assert_eq!(notice, None);
    store
}

fn everything(store: &mut Store) -> Vec<Stored> {
    let mut all = Vec::new();
    let restored = store
        .restore(Timestamp::MIN, &mut |stored| all.push(stored))
        .unwrap();
    assert_eq!((restored.records, restored.damaged), (all.len() as u64, 0));
    all
}
