//! What is old leaves, and what is too much is refused.

use super::*;

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
