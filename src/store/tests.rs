//! The store as its caller sees it, on a disk that works. What kills it and what fills it: `tests/store.rs`.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use proptest::prelude::*;
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

#[test]
fn what_is_written_comes_back_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let mut store = open(&folder);
    let mut batch = Batch::default();
    assert!(batch.is_empty());
    batch.host(host("mac-a", &["ip-10.0.0.1"]));
    batch.binding(binding("mac-a", "10.0.0.1", 0, None));
    batch.binding(binding("mac-a", "fd00::1", 0, Some(60)));
    batch.looked(looked("eth0", 0, 60));
    batch.sighting(sighting("mac-a", "10.0.0.1", "s1.upd.example", 20));
    batch.sighting(sighting(
        "ip-10.0.0.9",
        "10.0.0.9",
        "b\u{7}d \\.upd.example",
        20,
    ));
    batch.reply(reply("mac-a", "s1.upd.example", 20));
    batch.event(event("e1", Some("mac-a"), "{}"));
    batch.acknowledge("syslog", 1);
    batch.file(FileRecord {
        digest: [7; 32],
        path: "a.pcap".to_owned(),
        size: 99,
        time: at(0),
    });
    batch.remember("engine_time", "5".to_owned());
    store.write(&batch).unwrap();
    drop(store);

    let mut store = open(&folder);
    let expected = [
        Stored::Host(host("mac-a", &["ip-10.0.0.1"])),
        Stored::Binding(binding("mac-a", "10.0.0.1", 0, None)),
        Stored::Binding(binding("mac-a", "fd00::1", 0, Some(60))),
        Stored::Looked(looked("eth0", 0, 60)),
        Stored::Sighting(sighting(
            "ip-10.0.0.9",
            "10.0.0.9",
            "b\u{7}d \\.upd.example",
            20,
        )),
        Stored::Sighting(sighting("mac-a", "10.0.0.1", "s1.upd.example", 20)),
        Stored::Reply(reply("mac-a", "s1.upd.example", 20)),
    ];
    assert_eq!(everything(&mut store), expected);
    assert!(store.has_file(&[7; 32]).unwrap() && !store.has_file(&[8; 32]).unwrap());
    assert_eq!(store.acknowledged("syslog").unwrap(), 1);
    assert_eq!(
        store.remembered("engine_time").unwrap().as_deref(),
        Some("5")
    );
    assert_eq!(store.batches().unwrap(), 1);
    let stats = store.stats();
    assert!(stats.size_bytes > 4096 && stats.errors == [0; Operation::ALL.len()]);
}

#[test]
fn a_later_batch_adds_and_widens() {
    let folder = TempDir::new().unwrap();
    let mut store = open(&folder);
    let first = sighting("h", "10.0.0.1", "a.upd.example", 100);
    let mut bytes = sighting("h", "10.0.0.1", "a.upd.example", 200);
    bytes.sum = SightingSum {
        span: span(50, 250),
        reached: None,
        count: 0,
        received: 7,
        sent: 0,
        samples: Vec::new(),
    };
    for row in [first, bytes] {
        let mut batch = Batch::default();
        batch.sighting(row);
        store.write(&batch).unwrap();
    }
    let page = store.sightings(&Filter::default(), None, 10).unwrap();
    let [row] = &page.sightings[..] else {
        panic!("{page:?}")
    };
    assert_eq!(row.sum.span, span(50, 250));
    assert_eq!(row.sum.reached, Some(at(100)));
    assert_eq!(
        (row.sum.count, row.sum.received, row.sum.sent),
        (1, 1_007, 100)
    );
    assert!(store.stats().last_write.is_some());
}

#[test]
fn stretches_join_within_their_hour() {
    let folder = TempDir::new().unwrap();
    let mut store = open(&folder);
    for first in [0, 1, 2, 10, 3599, 3600, 3601] {
        let mut batch = Batch::default();
        batch.looked(looked("eth0", first, first + 1));
        batch.looked(looked("eth1", first, first + 1));
        store.write(&batch).unwrap();
    }
    let rows = everything(&mut store);
    let spans: Vec<Span> = rows
        .iter()
        .filter_map(|row| match row {
            Stored::Looked(row) if &*row.sensor == "eth0" => Some(row.span),
            _ => None,
        })
        .collect();
    assert_eq!(
        spans,
        [span(0, 3), span(10, 11), span(3599, 3600), span(3600, 3602)]
    );
}

#[test]
fn folder_and_file_are_private() {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("a/state");
    let (store, _) = Store::open(&folder, Settings::default()).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    drop(store);
}

#[test]
fn a_second_process_is_told_who_holds_it() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let error = Store::open(folder.path(), Settings::default()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, StoreError::Locked { .. }), "{text}");
    assert!(
        text.contains(&format!("process {}", std::process::id())),
        "{text}"
    );
    assert!(text.contains("--state-dir"), "{text}");
    drop(store);
    open(&folder);
}

#[test]
fn a_reader_sees_one_instant_and_needs_no_writer() {
    let folder = TempDir::new().unwrap();
    let missing = Reader::open(folder.path()).unwrap_err();
    assert!(matches!(missing, StoreError::Missing { .. }), "{missing}");
    let mut store = open(&folder);
    let write = |store: &mut Store, time| {
        let mut batch = Batch::default();
        batch.sighting(sighting("h", "10.0.0.1", "a.upd.example", time));
        store.write(&batch).unwrap();
    };
    let rows = |reader: &Reader| {
        let page = reader.sightings(&Filter::default(), None, 10).unwrap();
        page.sightings.len()
    };
    write(&mut store, 0);
    let reader = Reader::open(folder.path()).unwrap();
    write(&mut store, 2 * HOUR);
    assert_eq!(rows(&reader), 1);
    assert_eq!(rows(&Reader::open(folder.path()).unwrap()), 2);
    drop((reader, store));
    assert_eq!(rows(&Reader::open(folder.path()).unwrap()), 2);
}

#[test]
fn pages_follow_each_other_and_filters_hold() {
    let folder = TempDir::new().unwrap();
    let mut store = open(&folder);
    let mut batch = Batch::default();
    batch.host(host("mac-a", &["ip-10.0.0.1"]));
    for hour in 0..10 {
        batch.sighting(sighting("mac-a", "10.0.0.1", "a.upd.example", hour * HOUR));
        batch.sighting(sighting(
            "ip-10.0.0.1",
            "10.0.0.1",
            "a.upd.example",
            hour * HOUR,
        ));
        let mut other = sighting("mac-b", "10.0.0.2", "a.upd.example", hour * HOUR);
        other.key.vendor = VendorId::parse("other").unwrap();
        batch.sighting(other);
    }
    store.write(&batch).unwrap();
    let mut paged = |filter: &Filter| {
        let (mut rows, mut place) = (Vec::new(), None);
        loop {
            let page = store.sightings(filter, place, 7).unwrap();
            rows.extend(page.sightings);
            place = page.next;
            if place.is_none() {
                return rows;
            }
        }
    };
    let all = paged(&Filter::default());
    assert_eq!(all.len(), 30);
    assert!(all.is_sorted_by_key(|row| row.key.period));
    let host = Filter {
        host: Some(HostKey::restored("ip-10.0.0.1")),
        ..Filter::default()
    };
    assert_eq!(paged(&host).len(), 20, "both keys of one host");
    let vendor = Filter {
        vendor: VendorId::parse("other"),
        category: Some(Category::Update),
        since: Some(at(3 * HOUR + 10)),
        until: Some(at(5 * HOUR)),
        ..Filter::default()
    };
    assert_eq!(paged(&vendor).len(), 2);
    let none = Filter {
        category: Some(Category::Web),
        ..Filter::default()
    };
    assert!(paged(&none).is_empty());
}

#[test]
fn sequences_have_no_gap_and_never_come_twice() {
    let folder = TempDir::new().unwrap();
    let settings = Settings {
        outbox_cap: 5,
        ..Settings::default()
    };
    let (mut store, _) = Store::open(folder.path(), settings).unwrap();
    store.set_outputs(&["a", "b"]).unwrap();
    let write = |store: &mut Store, ids: &[&str]| {
        let mut batch = Batch::default();
        ids.iter().for_each(|id| batch.event(event(id, None, "{}")));
        store.write(&batch).unwrap();
    };
    write(&mut store, &["1", "2", "2"]);
    write(&mut store, &["1", "3"]);
    let ids = |store: &mut Store, after| -> Vec<(u64, String)> {
        let events = store.outbox_after(after, 100).unwrap();
        events
            .into_iter()
            .map(|(at, event)| (at, event.id))
            .collect()
    };
    let pair = |at: u64, id: &str| (at, id.to_owned());
    assert_eq!(ids(&mut store, 1), [pair(2, "2"), pair(3, "3")]);
    for (output, sequence) in [("a", 3), ("b", 2), ("a", 1)] {
        let mut batch = Batch::default();
        batch.acknowledge(output, sequence);
        store.write(&batch).unwrap();
    }
    store.prune(at(10), Duration::from_secs(86_400)).unwrap();
    assert_eq!(
        ids(&mut store, 0),
        [pair(3, "3")],
        "all outputs have the others"
    );
    store.set_outputs(&["a"]).unwrap();
    store.prune(at(10), Duration::from_secs(86_400)).unwrap();
    assert!(ids(&mut store, 0).is_empty());
    write(&mut store, &["4", "5", "6", "7", "8", "9", "10"]);
    assert_eq!(
        ids(&mut store, 0).first(),
        Some(&pair(6, "6")),
        "5 are kept"
    );
    assert_eq!(store.stats().outbox_dropped, 2);
}

#[test]
fn old_hours_become_days_and_then_leave() {
    let folder = TempDir::new().unwrap();
    let mut store = open(&folder);
    let mut batch = Batch::default();
    for hour in 0..100 {
        batch.sighting(sighting("h", "10.0.0.1", "a.upd.example", hour * HOUR));
        batch.reply(reply("h", "a.upd.example", hour * HOUR));
        batch.looked(looked("eth0", hour * HOUR, hour * HOUR + 60));
    }
    batch.binding(binding("h", "10.0.0.1", 0, Some(10)));
    batch.host(host("h", &["x"]));
    store.write(&batch).unwrap();
    let retention = Duration::from_secs(10 * 86_400);
    let prune_at = |store: &mut Store, hour: i64| {
        while store.prune(at(hour * HOUR), retention).unwrap().more {}
    };
    prune_at(&mut store, 100);
    let page = store.sightings(&Filter::default(), None, 1_000).unwrap();
    let counts: Vec<(Period, u64)> = page
        .sightings
        .iter()
        .map(|row| (row.key.period, row.sum.count))
        .collect();
    let mut expected = vec![
        (Period::Day(START), 24),
        (Period::Day(START + 24), 24),
        (Period::Day(START + 48), 4),
    ];
    expected.extend((52..100).map(|hour| (Period::Hour(START + hour), 1)));
    assert_eq!(counts, expected);
    let day = &page.sightings[0].sum;
    assert_eq!((day.received, day.samples.len()), (24_000, 8));
    assert_eq!(day.span, span(0, 23 * HOUR + 10));
    // A row that comes late goes into its day as well.
    let mut late = Batch::default();
    late.sighting(sighting("h", "10.0.0.1", "a.upd.example", 5 * HOUR));
    store.write(&late).unwrap();
    prune_at(&mut store, 100);
    let page = store.sightings(&Filter::default(), None, 1).unwrap();
    assert_eq!(page.sightings[0].sum.count, 25);
    prune_at(&mut store, 24 * 10 + 24);
    let page = store.sightings(&Filter::default(), None, 1).unwrap();
    assert_eq!(page.sightings[0].key.period, Period::Day(START + 24));
    prune_at(&mut store, 24 * 30);
    assert!(everything(&mut store).is_empty());
    for table in [
        "sightings",
        "replies",
        "subjects",
        "questions",
        "hosts",
        "aliases",
        "bindings",
    ] {
        let count = format!("SELECT count(*) FROM {table}");
        let left: i64 = store
            .connection
            .query_row(&count, [], |row| row.get(0))
            .unwrap();
        assert_eq!(left, 0, "{table}");
    }
}

#[test]
fn a_row_that_makes_no_sense_is_counted_and_left_out() {
    let folder = TempDir::new().unwrap();
    let mut store = open(&folder);
    let mut batch = Batch::default();
    for name in ["a.upd.example", "b.upd.example", "c.upd.example"] {
        batch.sighting(sighting("h", "10.0.0.1", name, 0));
    }
    store.write(&batch).unwrap();
    let spoil = "UPDATE subjects SET category = 'updates' WHERE name LIKE 'a.%';
        UPDATE sightings SET samples = x'09' WHERE subject = (SELECT id FROM subjects WHERE name LIKE 'b.%')";
    store.connection.execute_batch(spoil).unwrap();
    let mut records = 0;
    let restored = store
        .restore(Timestamp::MIN, &mut |_| records += 1)
        .unwrap();
    assert_eq!((records, restored.records, restored.damaged), (1, 1, 2));
    assert_eq!(
        store
            .sightings(&Filter::default(), None, 9)
            .unwrap()
            .damaged,
        2
    );
}

/// Bytes of every file in a folder that hold a text.
fn files_with(folder: &Path, needle: &[u8]) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let holds = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle)
    };
    paths.filter(holds).collect()
}

#[test]
fn an_erased_host_leaves_no_byte() {
    let folder = TempDir::new().unwrap();
    let mut store = open(&folder);
    // Enough of others, written and pruned in many pieces, that pages were split, joined and freed before.
    for round in 0..40 {
        let mut batch = Batch::default();
        for other in 0..60 {
            let (key, address) = (format!("mac-other-{other}"), format!("10.7.0.{other}"));
            let name = format!("s{}.upd.example", (other + round) % 50);
            batch.sighting(sighting(&key, &address, &name, round * HOUR * 2));
            batch.reply(reply(&key, &name, round * HOUR * 2));
            batch.event(event(
                &format!("{round}-{other}"),
                Some(&key),
                "{\"a\":\"mac-other\"}",
            ));
        }
        for unique in 0..4 {
            let name = format!("machine-4711-{round}-{unique}.upd.example");
            batch.sighting(sighting(
                "mac-secret",
                "10.77.88.99",
                &name,
                round * HOUR * 2,
            ));
            batch.sighting(sighting(
                "ip-secret-alias",
                "fd77:88::99",
                &name,
                round * HOUR * 2,
            ));
            batch.reply(reply("mac-secret", &name, round * HOUR * 2));
        }
        let mut names_it = sighting(
            "mac-other-1",
            "10.7.0.1",
            "peer.upd.example",
            round * HOUR * 2,
        );
        names_it
            .sum
            .samples
            .push(sample(round, "10.7.0.1", "10.77.88.99"));
        batch.sighting(names_it);
        batch.event(event(&format!("{round}-by-host"), Some("mac-secret"), "{}"));
        batch.event(event(
            &format!("{round}-by-ip"),
            None,
            "{\"ip\":\"10.77.88.99\"}",
        ));
        batch.event(event(
            &format!("{round}-by-mac"),
            None,
            "{\"mac\":\"02:00:00:77:88:99\"}",
        ));
        store.write(&batch).unwrap();
        store
            .prune(at(round * HOUR * 2), Duration::from_secs(400 * 86_400))
            .unwrap();
    }
    let mut batch = Batch::default();
    batch.host(host("mac-secret", &["ip-secret-alias"]));
    batch.binding(binding("mac-secret", "10.77.88.99", 0, None));
    store.write(&batch).unwrap();
    let others = |store: &mut Store| -> u64 {
        let page = store.sightings(&Filter::default(), None, 100_000).unwrap();
        let others = page
            .sightings
            .iter()
            .filter(|row| row.key.host.as_str().contains("other"));
        others.map(|row| row.sum.count).sum()
    };
    let before = others(&mut store);
    let texts: [&[u8]; 8] = [
        b"mac-secret",
        b"ip-secret-alias",
        b"10.77.88.99",
        &[10, 77, 88, 99],
        &[0xfd, 0x77, 0, 0x88],
        b"02:00:00:77:88:99",
        &[2, 0, 0, 0x77, 0x88, 0x99],
        b"machine-4711",
    ];
    for text in texts {
        let found = files_with(folder.path(), text);
        assert!(!found.is_empty(), "{} was never there", text.escape_ascii());
    }
    let erased = store.erase(&HostKey::restored("ip-secret-alias")).unwrap();
    assert!(erased.rows > 100 && erased.copies.is_empty(), "{erased:?}");
    assert_eq!(erased.events, 120);
    assert!(erased.samples >= 8, "{erased:?}");
    for text in texts {
        let found = files_with(folder.path(), text);
        assert!(
            found.is_empty(),
            "{} is still in {found:?}",
            text.escape_ascii()
        );
    }
    assert_eq!(others(&mut store), before);
    assert_eq!(store.outbox_after(0, 10_000).unwrap().len(), 2_400);
    assert!(store.erase(&HostKey::restored("mac-secret")).unwrap().rows == 0);
    // The file that took the other's place goes on as that would have.
    let mut batch = Batch::default();
    batch.event(event("next", None, "{}"));
    store.write(&batch).unwrap();
    let next = store.outbox_after(40 * 63, 10).unwrap();
    assert_eq!(next.len(), 1, "no sequence comes twice");
    let pragma = |name| -> String {
        let value = |row: &rusqlite::Row<'_>| row.get::<_, rusqlite::types::Value>(0);
        format!(
            "{:?}",
            store
                .connection
                .pragma_query_value(None, name, value)
                .unwrap()
        )
    };
    assert_eq!(pragma("auto_vacuum"), "Integer(2)");
    assert_eq!(pragma("journal_mode"), "Text(\"wal\")");
    let file = std::fs::metadata(folder.path().join(FILE_NAME)).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
}

#[test]
fn an_address_that_went_to_another_stays_the_others() {
    let folder = TempDir::new().unwrap();
    let mut store = open(&folder);
    let mut batch = Batch::default();
    batch.binding(binding("old", "10.0.0.5", 0, Some(100)));
    batch.binding(binding("new", "10.0.0.5", 200, None));
    batch.sighting(sighting("new", "10.0.0.5", "a.upd.example", 300));
    let mut third = sighting("third", "10.0.0.6", "a.upd.example", 10);
    third.sum.samples = vec![
        sample(50, "10.0.0.6", "10.0.0.5"),
        sample(300, "10.0.0.6", "10.0.0.5"),
    ];
    batch.sighting(third);
    let mut later = event("1", Some("new"), "{\"ip\":\"10.0.0.5\"}");
    later.time = at(310);
    batch.event(later);
    batch.event(event("2", Some("third"), "{\"ip\":\"10.0.0.5\"}"));
    store.write(&batch).unwrap();
    let erased = store.erase(&HostKey::restored("old")).unwrap();
    assert_eq!((erased.samples, erased.events), (1, 1));
    let page = store.sightings(&Filter::default(), None, 10).unwrap();
    let samples: usize = page.sightings.iter().map(|row| row.sum.samples.len()).sum();
    assert_eq!(samples, 2);
    assert_eq!(store.outbox_after(0, 10).unwrap()[0].1.id, "1");
}

#[test]
fn a_reader_keeps_an_erasure_from_being_whole_and_it_says_so() {
    let folder = TempDir::new().unwrap();
    let mut store = open(&folder);
    store
        .connection
        .busy_timeout(Duration::from_millis(50))
        .unwrap();
    let mut batch = Batch::default();
    batch.sighting(sighting("mac-secret", "10.0.0.1", "a.upd.example", 0));
    store.write(&batch).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    let error = store.erase(&HostKey::restored("mac-secret")).unwrap_err();
    assert!(matches!(error, StoreError::StillRead { .. }), "{error}");
    assert_eq!(store.stats().errors[Operation::Write as usize], 1);
    drop(reader);
    store.erase(&HostKey::restored("mac-secret")).unwrap();
    assert!(files_with(folder.path(), b"mac-secret").is_empty());
}

#[test]
fn a_migration_keeps_a_copy_and_a_newer_store_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let mut store = open(&folder);
    let mut batch = Batch::default();
    batch.sighting(sighting("h", "10.0.0.1", "a.upd.example", 0));
    store.write(&batch).unwrap();
    drop(store);
    let now = schema::latest(schema::MIGRATIONS);
    let steps = [
        schema::MIGRATIONS,
        &["ALTER TABLE files ADD COLUMN note TEXT"],
    ]
    .concat();
    let (mut store, notice) = open::open(folder.path(), Settings::default(), &steps).unwrap();
    let Some(Notice::Migrated { from, to, backup }) = notice else {
        panic!("{notice:?}")
    };
    assert_eq!((from, to), (now, now + 1));
    assert_eq!(everything(&mut store).len(), 1);
    let mode = std::fs::metadata(&backup).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let copy = Connection::open(&backup).unwrap();
    assert_eq!(schema::version(&copy).unwrap(), now);
    assert_eq!(
        store.erase(&HostKey::restored("h")).unwrap().copies,
        [backup]
    );
    drop(store);

    let path = folder.path().join(FILE_NAME);
    let before = std::fs::read(&path).unwrap();
    let error = Store::open(folder.path(), Settings::default()).unwrap_err();
    assert!(
        matches!(error, StoreError::Newer { found, known, .. } if (found, known) == (now + 1, now)),
        "{error}"
    );
    let error = Reader::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn replies_of_the_first_schema_come_from_no_known_resolver() {
    let folder = TempDir::new().unwrap();
    let first = &schema::MIGRATIONS[..1];
    drop(open::open(folder.path(), Settings::default(), first).unwrap());
    let old = Connection::open(folder.path().join(FILE_NAME)).unwrap();
    old.execute_batch(
        "INSERT INTO hosts (id, key, used_day) VALUES (1, 'h', 0);
         INSERT INTO questions VALUES (7, 'acme', 'update', 'databases', 'a.upd.example', 'dns', 'refused', 0);
         INSERT INTO replies VALUES (1, 1, 7, 0, 1, 5, 5, 1);",
    )
    .unwrap();
    drop(old);
    let (mut store, _) = Store::open(folder.path(), Settings::default()).unwrap();
    let mut expected = reply("h", "a.upd.example", 0);
    expected.key.kind = ReplyKind::Refused;
    expected.sum.span = Span::at(Timestamp::from_nanos(5));
    let replies = |store: &mut Store| -> Vec<StoredReply> {
        let all = everything(store).into_iter();
        all.filter_map(|one| match one {
            Stored::Reply(reply) => Some(reply),
            _ => None,
        })
        .collect()
    };
    assert_eq!(replies(&mut store), [expected.clone()]);
    // From now on it is known, and stands apart.
    let mut batch = Batch::default();
    let mut own = expected.clone();
    own.key.own_resolver = true;
    batch.reply(own.clone());
    store.write(&batch).unwrap();
    assert_eq!(replies(&mut store), [expected, own]);
}

#[test]
fn a_migration_that_fails_changes_nothing() {
    let folder = TempDir::new().unwrap();
    drop(open(&folder));
    let steps = [
        schema::MIGRATIONS,
        &["DROP TABLE files; DROP TABLE no_such_table"],
    ]
    .concat();
    let error = open::open(folder.path(), Settings::default(), &steps).unwrap_err();
    assert!(error.to_string().contains("no_such_table"), "{error}");
    let mut store = open(&folder);
    assert!(!store.has_file(&[0; 32]).unwrap());
}

#[test]
fn a_database_of_another_program_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(FILE_NAME);
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)")
        .unwrap();
    drop(other);
    let before = std::fs::read(&path).unwrap();
    let error = Store::open(folder.path(), Settings::default()).unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn the_limit_of_the_file_is_a_full_disk() {
    let folder = TempDir::new().unwrap();
    let settings = Settings {
        max_bytes: 400 << 10,
        ..Settings::default()
    };
    let (mut store, _) = Store::open(folder.path(), settings).unwrap();
    let mut batch = Batch::default();
    for name in 0..5_000 {
        batch.sighting(sighting(
            "h",
            "10.0.0.1",
            &format!("s{name}.upd.example"),
            0,
        ));
    }
    store.write(&batch).unwrap();
    let mut next = Batch::default();
    next.sighting(sighting("h", "10.0.0.1", "a.upd.example", 0));
    let error = store.write(&next).unwrap_err();
    assert!(matches!(error, StoreError::LimitReached { .. }), "{error}");
    assert_eq!(store.stats().errors[Operation::Write as usize], 1);
    let far = at(40 * 24 * HOUR);
    while store.prune(far, Duration::from_secs(86_400)).unwrap().more {}
    store.write(&next).unwrap();
    assert_eq!(everything(&mut store).len(), 1);
}

#[test]
fn what_is_beyond_a_cap_is_counted() {
    let mut batch = Batch::default();
    for event in 0..=batch::MAX_EVENTS {
        batch.event(self::event(&event.to_string(), None, "{}"));
    }
    for first in 0..=batch::MAX_LOOKED as i64 {
        batch.looked(looked("eth0", first * 10, first * 10 + 1));
    }
    let lost = batch.lost();
    assert_eq!((lost.events, lost.looked, lost.sightings), (1, 1, 0));
    let mut earlier = Batch::default();
    earlier.absorb(batch);
    assert_eq!(earlier.lost().events, 1);
}

/// A change, small enough that changes often meet.
#[derive(Clone, Debug)]
enum Change {
    Sighting(u8, u8, u8, bool),
    Reply(u8, u8),
    Host(u8, u8),
    Binding(u8, u8, Option<u8>),
    Looked(u8, u8),
    Event(u8),
    Acknowledge(u8),
    Remember(u8),
}

fn change() -> impl Strategy<Value = Change> {
    let small = 0_u8..3;
    prop_oneof![
        (small.clone(), small.clone(), 0_u8..120, any::<bool>())
            .prop_map(|(host, name, minute, bytes)| Change::Sighting(host, name, minute, bytes)),
        (small.clone(), 0_u8..120).prop_map(|(host, minute)| Change::Reply(host, minute)),
        (small.clone(), any::<u8>()).prop_map(|(host, time)| Change::Host(host, time)),
        (small.clone(), small.clone(), prop::option::of(any::<u8>()))
            .prop_map(|(host, from, until)| Change::Binding(host, from, until)),
        (small.clone(), 0_u8..120).prop_map(|(sensor, minute)| Change::Looked(sensor, minute)),
        (0_u8..9).prop_map(Change::Event),
        any::<u8>().prop_map(Change::Acknowledge),
        any::<u8>().prop_map(Change::Remember),
    ]
}

fn apply(batch: &mut Batch, change: &Change) {
    match *change {
        Change::Sighting(host, name, minute, bytes) => {
            let name = format!("s{name}.upd.example");
            let mut row = sighting(
                &format!("h{host}"),
                "10.0.0.1",
                &name,
                i64::from(minute) * 60,
            );
            if bytes {
                (row.sum.count, row.sum.reached) = (0, None);
                row.sum.samples.clear();
            }
            batch.sighting(row);
        }
        Change::Reply(host, minute) => {
            batch.reply(reply(
                &format!("h{host}"),
                "a.example",
                i64::from(minute) * 60,
            ));
        }
        Change::Host(host, time) => {
            let mut record = self::host(&format!("h{host}"), &[&format!("alias-{time}")]);
            record.span = span(i64::from(time), i64::from(time) + 5);
            batch.host(record);
        }
        Change::Binding(host, from, until) => {
            let until = until.map(i64::from);
            let mut row = binding(&format!("h{host}"), "10.0.0.1", i64::from(from), until);
            row.mac = row.mac.filter(|_| from % 2 == 0);
            batch.binding(row);
        }
        Change::Looked(sensor, minute) => {
            let first = i64::from(minute) * 60;
            batch.looked(looked(&format!("eth{sensor}"), first, first + 60));
        }
        Change::Event(id) => batch.event(event(&id.to_string(), None, "{}")),
        Change::Acknowledge(sequence) => batch.acknowledge("a", u64::from(sequence)),
        Change::Remember(value) => batch.remember("x", value.to_string()),
    }
}

/// Everything in the store, in an order that does not depend on when rows were made.
fn content(store: &mut Store) -> Vec<String> {
    let mut rows: Vec<String> = everything(store)
        .iter()
        .map(|row| format!("{row:?}"))
        .collect();
    rows.sort();
    rows.push(format!("{:?}", store.outbox_after(0, 100).unwrap()));
    rows.push(format!(
        "{:?}",
        (
            store.acknowledged("a").unwrap(),
            store.remembered("x").unwrap()
        )
    ));
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Merging batches and writing the whole, writing them one after another, and writing with failures in between
    /// come to the same.
    #[test]
    fn merged_or_one_by_one(parts in prop::collection::vec(prop::collection::vec(change(), 0..12), 1..6), failing in any::<u8>()) {
        let batches: Vec<Batch> = parts.iter().map(|changes| {
            let mut batch = Batch::default();
            changes.iter().for_each(|change| apply(&mut batch, change));
            batch
        }).collect();

        let folder = TempDir::new().unwrap();
        let mut one_by_one = open(&folder);
        for batch in &batches {
            one_by_one.write(batch).unwrap();
        }
        let expected = content(&mut one_by_one);

        let folder = TempDir::new().unwrap();
        let mut merged = open(&folder);
        let mut whole = Batch::default();
        batches.iter().for_each(|batch| whole.absorb(batch.clone()));
        merged.write(&whole).unwrap();
        prop_assert_eq!(&content(&mut merged), &expected);

        let folder = TempDir::new().unwrap();
        let mut with_faults = open(&folder);
        let mut waiting = Batch::default();
        for (at, batch) in batches.iter().enumerate() {
            waiting.absorb(batch.clone());
            if failing >> at & 1 == 1 {
                // All of it is written, and then the commit fails.
                let fault = with_faults.transact(Operation::Write, "write", |connection| {
                    write::batch(connection, &waiting, 100)?;
                    connection.execute("INSERT INTO no_such_table VALUES (1)", [])
                });
                prop_assert!(fault.is_err());
            } else {
                with_faults.write(&waiting).unwrap();
                waiting = Batch::default();
            }
        }
        with_faults.write(&waiting).unwrap();
        prop_assert_eq!(&content(&mut with_faults), &expected);
    }
}
