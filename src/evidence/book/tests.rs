//! What a flood leaves in a full book, and what other rules do.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::*;
use crate::model::{Confidence, CutoffKind, Evidence, Match, Service, ServiceId, Signal, Span};

fn service() -> Arc<Service> {
    Arc::new(Service {
        vendor: VendorId::parse("vendor").unwrap(),
        id: ServiceId::parse("updates").unwrap(),
        name: "Updates".to_owned(),
        category: Category::Update,
        strength: Strength::Strong,
        confidence: Confidence::Vendor,
        source: "https://vendor.example/".to_owned(),
        note: None,
        ports: Vec::new(),
        transport: None,
        pack_version: "1".into(),
        boundaries: vec![Timestamp::from_unix(0, 0)],
    })
}

fn cutoff() -> Cutoff {
    Cutoff {
        id: "now".to_owned(),
        kind: CutoffKind::Ban,
        default: true,
        jurisdiction: "XX".to_owned(),
        binds: "All".to_owned(),
        at: Timestamp::from_unix(0, 0),
        categories: vec![Category::Update],
        authority: "An act".to_owned(),
        source: "https://vendor.example/act".to_owned(),
    }
}

/// A host's sighting at a second.
fn seen(book: &mut Book, service: &Arc<Service>, host: IpAddr, evidence: Evidence, second: i64) {
    named(book, service, host, "a.vendor.example", (evidence, second));
}

/// A host's sighting of a name at a second.
fn named(
    book: &mut Book,
    service: &Arc<Service>,
    host: IpAddr,
    name: &str,
    (evidence, second): (Evidence, i64),
) {
    let time = Timestamp::from_unix(second, 0);
    let sighting = Sighting {
        mac: None,
        host,
        matched: Match {
            service: Arc::clone(service),
            pattern: "*.vendor.example".into(),
        },
        name: DomainName::parse(name).unwrap(),
        signal: Signal::Tls,
        server: None,
        evidence,
        span: Span::at(time),
        count: 1,
        received: 0,
        sent: 0,
        samples: Vec::new(),
        flow: None,
    };
    let key = HostKey::from_address(host);
    book.sighting(&key, &sighting, Some(&cutoff()), time);
}

fn forged(number: u32) -> IpAddr {
    Ipv4Addr::from(0x0a40_0000 + number).into()
}

fn has(book: &Book, host: IpAddr) -> bool {
    let key = HostKey::from_address(host);
    book.usages().any(|((host, ..), _)| *host == key)
}

const MANY: u32 = 3 * MAX_USAGES as u32;
const FIRST: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

#[test]
fn a_flood_of_contacts_spares_who_is_in_contact_for_long_and_lets_in_who_comes_last() {
    let (mut book, service) = (Book::default(), service());
    for second in 0..3 {
        seen(&mut book, &service, FIRST, Evidence::Contact, second);
    }
    for number in 0..MANY {
        seen(
            &mut book,
            &service,
            forged(number),
            Evidence::Contact,
            i64::from(number) + 10,
        );
    }
    assert!(has(&book, FIRST) && has(&book, forged(MANY - 1)));
    let stats = book.stats();
    assert!(stats.usages <= MAX_USAGES as u64);
    assert_eq!(stats.usages + stats.usage_evictions, u64::from(MANY) + 1);
}

#[test]
fn a_flood_of_look_ups_spares_every_contact() {
    let (mut book, service) = (Book::default(), service());
    seen(&mut book, &service, FIRST, Evidence::Contact, 0);
    for number in 0..MANY {
        seen(
            &mut book,
            &service,
            forged(number),
            Evidence::Lookup,
            i64::from(number) + 10,
        );
    }
    assert!(has(&book, FIRST));
}

/// What rules put aside goes on being the host's, whatever its key is by the time that it comes back.
#[test]
fn what_is_put_aside_follows_its_host() {
    let mut book = Book::default();
    let service = service();
    let (host, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
    seen(&mut book, &service, host, Evidence::Contact, 100);
    let known = |_: &VendorId| true;
    book.carry(&known, &|_, _| None);
    assert!(!has(&book, host));
    book.join(&HostKey::from_address(other), &HostKey::from_address(host));
    book.set_back(Timestamp::from_unix(90, 0), Duration::from_secs(20));
    let matched = |_: crate::model::Name<'_>, before: Option<&Match>| before.cloned();
    book.carry(&known, &matched);
    assert!(has(&book, other) && !has(&book, host));
    let (_, usage) = book.usages().next().unwrap();
    let now = Timestamp::from_unix(90, 0);
    assert_eq!(usage.last_contact(now), Some(Timestamp::from_unix(80, 0)));
}

/// Whatever many hosts ask for, the names of all together are bounded, and a straggler keeps its own.
#[test]
fn names_of_many_hosts_spare_those_of_stragglers() {
    let (mut book, service) = (Book::default(), service());
    let name = |number: u32| format!("n{number}.vendor.example");
    for number in 0..20 {
        let at = (Evidence::Contact, i64::from(number));
        named(&mut book, &service, FIRST, &name(number), at);
    }
    let mut most = 0;
    for number in 0..60_000 {
        let (host, at) = (forged(number % 3_000), (Evidence::Lookup, 100));
        named(&mut book, &service, host, &name(number), at);
        most = most.max(book.stats().names);
    }
    let kept: u64 = book
        .usages()
        .map(|(_, usage)| usage.names_kept() as u64)
        .sum();
    let stats = book.stats();
    assert_eq!(stats.names, kept);
    assert!(most <= 24_576 && stats.names > 12_000, "{stats:?}");
    assert_eq!(stats.names + stats.names_left_out, 60_020);
    for (key, usage) in book.usages() {
        let (names, left_out) = usage.names();
        let is_straggler = key.0 == HostKey::from_address(FIRST);
        let all = if is_straggler { 20 } else { 20 - left_out };
        assert_eq!(names.len() as u64, all, "{key:?}");
    }
    // Where all of them are stragglers nobody is spared, and nobody is left without a name.
    for number in 0..60_000 {
        let (host, at) = (forged(number % 3_000), (Evidence::Contact, 200));
        named(&mut book, &service, host, &name(number), at);
    }
    assert!(book.stats().names <= 24_576);
    assert!(book.usages().all(|(_, usage)| usage.names_kept() > 0));
}

#[test]
fn weak_names_of_many_hosts_are_bounded() {
    let mut weak = Arc::into_inner(service()).unwrap();
    weak.strength = Strength::Weak;
    let (mut book, weak) = (Book::default(), Arc::new(weak));
    for number in 0..40_000 {
        let (host, name) = (forged(number % 2_000), format!("n{number}.vendor.example"));
        named(&mut book, &weak, host, &name, (Evidence::Lookup, 1));
    }
    let kept: usize = book.weak().map(|weak| weak.names.len()).sum();
    assert!(kept <= 16_384 + 2_000, "{kept}");
    assert_eq!(kept as u64 + book.stats().weak_refused, 40_000);
}

/// Where names of many hosts push out the one that was blocked, that it was stays known.
#[test]
fn a_block_outlives_its_name() {
    let (mut book, service) = (Book::default(), service());
    let key = HostKey::from_address(FIRST);
    let blocked = |book: &Book| {
        let (_, usage) = book.usages().find(|((host, ..), _)| *host == key).unwrap();
        usage.last_blocked(|_| None, false)
    };
    named(
        &mut book,
        &service,
        FIRST,
        "a.vendor.example",
        (Evidence::Lookup, 1),
    );
    let refused = Reply {
        host: FIRST,
        mac: None,
        service: Arc::clone(&service),
        name: DomainName::parse("a.vendor.example").unwrap(),
        signal: Signal::Dns,
        server: None,
        kind: ReplyKind::Refused,
        span: Span::at(Timestamp::from_unix(2, 0)),
        count: 1,
    };
    book.reply(&key, &refused);
    let before = blocked(&book);
    assert!(before.is_some());
    named(
        &mut book,
        &service,
        FIRST,
        "b.vendor.example",
        (Evidence::Lookup, 3),
    );
    for number in 0..36_000 {
        let (host, name) = (forged(number % 12_000), format!("n{number}.vendor.example"));
        named(&mut book, &service, host, &name, (Evidence::Lookup, 10));
    }
    let (_, usage) = book.usages().find(|((host, ..), _)| *host == key).unwrap();
    assert_eq!(usage.names().1, 1, "a name was left out");
    assert_eq!(blocked(&book), before);
}
