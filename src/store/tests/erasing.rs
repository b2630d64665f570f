//! Erasing a host.

use std::os::unix::fs::MetadataExt as _;

use super::*;

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

/// An administrator who erases a host leaves nothing that the sensor, which is another user, cannot open.
#[test]
fn files_belong_to_whoever_has_the_folder() {
    let folder = TempDir::new().unwrap();
    let nobody = Some(65_534);
    if std::os::unix::fs::chown(folder.path(), nobody, nobody).is_err() {
        eprintln!("SKIPPED: only root can give a folder to somebody else");
        return;
    }
    let mut store = open(&folder);
    let mut batch = Batch::default();
    batch.sighting(sighting("mac-secret", "10.0.0.1", "a.upd.example", 0));
    store.write(&batch).unwrap();
    store.erase(&HostKey::restored("mac-secret")).unwrap();
    store.write(&batch).unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        assert_eq!(
            (metadata.uid(), metadata.gid()),
            (65_534, 65_534),
            "{entry:?}"
        );
    }
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
