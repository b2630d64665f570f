//! Stores of older and newer schemas, and of others.

use super::*;

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
    expected.key.period = Period::Hour(0);
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
fn a_store_that_is_taken_away_takes_no_more_and_another_is_begun() {
    let folder = TempDir::new().unwrap();
    let mut store = open(&folder);
    let mut batch = Batch::default();
    batch.sighting(sighting("mac-a", "10.0.0.1", "a.upd.example", 0));
    store.write(&batch).unwrap();
    std::fs::remove_file(folder.path().join(FILE_NAME)).unwrap();
    let error = store.write(&batch).unwrap_err();
    assert!(matches!(error, StoreError::Replaced { .. }), "{error}");
    drop(store);
    let mut store = open(&folder);
    assert!(everything(&mut store).is_empty());
    store.write(&batch).unwrap();
    assert_eq!(everything(&mut store).len(), 1);
}

/// What the former file had not yet got from its log is brought into no other.
#[test]
fn a_store_that_takes_another_ones_place_stays_as_it_is() {
    let (folder, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut other = open(&elsewhere);
    let mut batch = Batch::default();
    batch.sighting(sighting("mac-other", "10.0.0.9", "b.upd.example", 0));
    other.write(&batch).unwrap();
    drop(other);
    let mut store = open(&folder);
    let mut batch = Batch::default();
    batch.sighting(sighting("mac-a", "10.0.0.1", "a.upd.example", 0));
    store.write(&batch).unwrap();
    let [from, to] = [&elsewhere, &folder].map(|folder| folder.path().join(FILE_NAME));
    std::fs::rename(from, to).unwrap();
    let error = store.write(&batch).unwrap_err();
    assert!(matches!(error, StoreError::Replaced { .. }), "{error}");
    store.leave();
    let mut store = open(&folder);
    let rows = everything(&mut store);
    assert!(
        rows.iter()
            .any(|row| format!("{row:?}").contains("mac-other")),
        "{rows:?}"
    );
    assert!(
        !rows.iter().any(|row| format!("{row:?}").contains("mac-a")),
        "{rows:?}"
    );
}
