//! What is written comes back.

use std::collections::BTreeSet;

use super::*;

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
    // Where nobody can look, it is not said that there is none. (A folder that is closed to us would need another user.)
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = Reader::open(&file).unwrap_err().to_string();
    assert!(refused.contains("cannot look for the store"), "{refused}");
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
        hosts: Some(BTreeSet::from([HostKey::restored("ip-10.0.0.1")])),
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
