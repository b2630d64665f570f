//! Batches: their caps, and that merging them changes nothing.

use proptest::prelude::*;

use super::*;

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
