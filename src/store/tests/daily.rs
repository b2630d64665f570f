//! Queries by day.

use super::*;

/// A row of a host at a level, on a day counted from the first.
fn on(host: &str, day: i64, evidence: Evidence, phase: Phase) -> StoredSighting {
    let mut row = sighting(host, "10.0.0.1", "s1.upd.example", day * 24 * HOUR);
    row.key.evidence = evidence;
    row.key.phase = phase;
    row
}

fn read(rows: Vec<StoredSighting>) -> (TempDir, Reader) {
    let folder = TempDir::new().unwrap();
    let mut batch = Batch::default();
    batch.host(host("mac-a", &["ip-10.0.0.1"]));
    batch.binding(binding("mac-a", "10.0.0.1", 0, Some(60)));
    batch.binding(binding("mac-a", "10.0.0.2", 60, None));
    for row in rows {
        batch.sighting(row);
    }
    let mut store = open(&folder);
    store.write(&batch).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    (folder, reader)
}

#[test]
fn a_host_counts_once_a_day_and_only_behind_the_cutoff() {
    use Evidence::{Attempt, Contact, Lookup, Transfer};
    let mut weak = on("mac-w", 1, Transfer, Phase::After);
    weak.key.strength = Strength::Weak;
    let mut bytes_only = on("mac-b", 1, Transfer, Phase::After);
    bytes_only.sum.count = 0;
    let mut other = on("mac-a", 1, Contact, Phase::After);
    other.key.category = Category::Telemetry;
    let (_folder, reader) = read(vec![
        on("mac-a", 0, Transfer, Phase::Before),
        on("mac-a", 1, Contact, Phase::After),
        on("mac-a", 1, Transfer, Phase::After),
        other,
        on("mac-c", 1, Contact, Phase::After),
        on("mac-d", 1, Lookup, Phase::After),
        on("mac-d", 1, Attempt, Phase::After),
        on("mac-a", 2, Contact, Phase::After),
        weak,
        bytes_only,
    ]);
    let days = reader.vendor_days(at(0), at(3 * 24 * HOUR)).unwrap();
    let days: Vec<_> = days
        .iter()
        .map(|day| (day.day - START / 24, day.hosts, day.transfers))
        .collect();
    assert_eq!(days, [(1, 2, 1), (2, 1, 0)]);
    let late = reader
        .vendor_days(at(2 * 24 * HOUR), at(3 * 24 * HOUR))
        .unwrap();
    assert_eq!(late.len(), 1);
}

#[test]
fn the_past_of_a_host_is_that_of_all_its_keys() {
    let (_folder, reader) = read(vec![
        on("ip-10.0.0.1", 0, Evidence::Lookup, Phase::Before),
        on("mac-a", 0, Evidence::Contact, Phase::Before),
        on("mac-a", 3, Evidence::Transfer, Phase::After),
        on("mac-c", 3, Evidence::Transfer, Phase::After),
    ]);
    let past = reader
        .host(&HostKey::restored("ip-10.0.0.1"), 100)
        .unwrap()
        .unwrap();
    assert_eq!(past.record.unwrap().key.as_str(), "mac-a");
    let addresses: Vec<_> = past
        .bindings
        .iter()
        .map(|binding| binding.address.to_string())
        .collect();
    assert_eq!(addresses, ["10.0.0.2", "10.0.0.1"]);
    let days: Vec<_> = past
        .days
        .iter()
        .map(|day| (day.day - START / 24, day.counts, day.received))
        .collect();
    assert_eq!(days, [(3, [0, 0, 0, 1], 1_000), (0, [1, 0, 1, 0], 2_000)]);
    assert!(
        reader
            .host(&HostKey::restored("mac-x"), 100)
            .unwrap()
            .is_none()
    );
}
