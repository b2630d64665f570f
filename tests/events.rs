//! Events: their form, their ids, and what hostile text does to them.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

#[path = "events/samples.rs"]
mod samples;

use std::collections::BTreeSet;
use std::path::Path;

use jsonschema::Validator;
use proptest::prelude::*;
use samples::{all, finding, golden, host, judged, name, sighting, time};
use serde_json::Value;
use straggler::model::{
    DomainName, EventAction, Evidence, Happening, NameBuf, Personal, SensorCondition, Signal, Stamp,
};

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/event.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn validator() -> Validator {
    jsonschema::draft202012::new(&schema()).unwrap()
}

fn check(validator: &Validator, line: &str) -> Value {
    assert!(line.is_ascii() && !line.contains(['\n', '\r']), "{line:?}");
    let value: Value = serde_json::from_str(line).unwrap();
    let faults: Vec<String> = validator
        .iter_errors(&value)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{line}\n{}", faults.join("\n"));
    value
}

#[test]
fn every_kind_is_as_the_golden_file_and_the_schema_say() {
    let validator = validator();
    let mut kinds = BTreeSet::new();
    for (name, event) in all() {
        check(&validator, &event.line());
        kinds.insert(event.action());
        insta::assert_snapshot!(name, golden(&event));
    }
    assert_eq!(kinds.len(), EventAction::ALL.len());
}

/// An unknown field is refused wherever it stands, and so is a kind that is not in the list.
#[test]
fn the_schema_is_closed() {
    let validator = validator();
    for (name, event) in all() {
        let value: Value = serde_json::from_str(&event.line()).unwrap();
        let mut places = Vec::new();
        objects(&value, String::new(), &mut places);
        assert!(places.len() > 4, "{name}");
        for place in &places {
            let mut changed = value.clone();
            let object = changed.pointer_mut(place).unwrap();
            object["unheard_of"] = Value::from(1);
            assert!(!validator.is_valid(&changed), "{name}: {place}");
        }
        let mut changed = value;
        changed["event"]["action"] = "unheard_of".into();
        assert!(!validator.is_valid(&changed), "{name}");
    }
}

/// No field is in the schema that no event has: what is documented occurs.
#[test]
fn every_field_of_the_schema_occurs() {
    let mut occurring = BTreeSet::new();
    for (_, event) in all() {
        let value: Value = serde_json::from_str(&event.line()).unwrap();
        fields(&value, String::new(), &mut occurring);
    }
    let schema = schema();
    let mut declared = BTreeSet::new();
    for action in EventAction::ALL {
        declared_fields(
            &schema,
            &schema["$defs"][action.label()],
            String::new(),
            &mut declared,
        );
    }
    // Where addresses are hidden only; another test has them.
    let hidden = ["source.address", "destination.address"].map(str::to_owned);
    let missing: Vec<&String> = declared
        .iter()
        .filter(|field| !occurring.contains(*field) && !hidden.contains(field))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/events.md"))
            .unwrap();
    let undocumented: Vec<&String> = declared
        .iter()
        .filter(|field| !text.contains(&format!("`{field}`")))
        .collect();
    assert!(undocumented.is_empty(), "docs/events.md: {undocumented:?}");
}

/// The examples of docs/events.md are the golden files.
#[test]
fn the_documents_examples_are_events() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/events.md");
    let text = std::fs::read_to_string(path).unwrap();
    let shown: Vec<Value> = text
        .split("```json\n")
        .skip(1)
        .filter_map(|rest| serde_json::from_str(rest.split("```").next()?).ok())
        .collect();
    let golden: Vec<Value> = all()
        .iter()
        .map(|(_, event)| serde_json::from_str(&golden(event)).unwrap())
        .collect();
    assert_eq!(shown.len(), EventAction::ALL.len(), "one of each kind");
    for example in shown {
        assert!(golden.contains(&example), "{example}");
    }
}

#[test]
fn a_replay_gives_the_same_ids_and_they_sort_by_capture_time() {
    let mut events = all();
    let ids: Vec<String> = events
        .iter()
        .map(|(_, event)| event.id.to_string())
        .collect();
    let again: Vec<String> = all()
        .iter()
        .map(|(_, event)| event.id.to_string())
        .collect();
    assert_eq!(ids, again);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    events.sort_by_key(|(_, event)| event.id);
    assert!(events.is_sorted_by_key(|(_, event)| event.happening.time));
    let mut other = Stamp::new("gw-2", 0);
    let elsewhere = other.event(events[0].1.happening.clone(), None);
    assert_ne!(elsewhere.id, events[0].1.id);
}

#[test]
fn the_sequence_goes_on_where_it_ended() {
    let state = || Happening::sensor_state(SensorCondition::Started, time(0), None);
    let mut stamp = Stamp::new("GW-1.", 41);
    let first = stamp.event(state(), None);
    let second = stamp.event(state().nth(1), Some(time(5)));
    assert_eq!(
        (first.sequence, second.sequence, stamp.last()),
        (42, 43, 43)
    );
    assert_ne!(first.id, second.id);
    assert_eq!(&*first.sensor, "gw-1");
    let value = check(&validator(), &first.line());
    assert_eq!(value["event"].get("created"), None);
}

/// The last of the samples stands for what was counted without one.
#[test]
fn a_rolled_up_sighting_is_an_event_for_each_sample() {
    let rolled = sighting(Signal::Tls, name(), 8, 20);
    let events = Happening::sightings(&host("pc"), &rolled, judged(Evidence::Contact));
    let mut stamp = Stamp::new("gw-1", 0);
    let counts: Vec<Value> = events
        .into_iter()
        .map(|it| check(&validator(), &stamp.event(it, None).line())["straggler"]["count"].clone())
        .collect();
    assert_eq!(counts.len(), 8);
    assert_eq!((&counts[0], &counts[7]), (&1.into(), &13.into()));
    let bytes_only = sighting(Signal::Tls, name(), 0, 0);
    assert!(Happening::sightings(&host("pc"), &bytes_only, judged(Evidence::Contact)).is_empty());
}

/// With pseudonyms nothing of the device is left, in the id neither.
#[test]
fn a_hidden_host_is_not_to_be_found() {
    let validator = validator();
    for (name, event) in all() {
        let token = |what: Personal, _: &str| Some(format!("token-{what}"));
        let mut stamp = Stamp::new("gw-1", 0);
        let hidden = stamp.event(event.happening.clone().hidden(token), None);
        let line = hidden.line();
        check(&validator, &line);
        for tell in [
            "10.0.0.",
            "2001:db8::",
            "pc-17",
            "02-00-00",
            "community_id",
            "192.0.2.7",
        ] {
            assert!(!line.contains(tell), "{name}: {tell} in {line}");
        }
        if event.happening.host.is_some() {
            assert!(line.contains(r#""host":"token-host""#), "{line}");
            assert_ne!(hidden.id, event.id);
        }
        let shown = stamp.event(event.happening.clone().hidden(|_, _| None), None);
        assert_eq!(shown.id, event.id);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hostile_names_are_harmless(
        labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..64), 1..5),
        text in any::<String>(),
        signal in prop::sample::select(Signal::ALL),
    ) {
        let mut buf = NameBuf::default();
        if labels.iter().any(|label| buf.push_label(label).is_err()) {
            return Ok(());
        }
        let name: DomainName = buf.as_name().unwrap().to_owned();
        let validator = validator();
        let mut stamp = Stamp::new(&text, 0);
        let rolled = sighting(signal, name.clone(), 1, 1);
        let mut happenings = Happening::sightings(&host(&text), &rolled, judged(rolled.evidence));
        happenings.push(Happening::straggler_new(host(&text), &finding(&[name]), time(1)));
        happenings.push(Happening::sensor_state(SensorCondition::Dropping, time(2), Some(&text)));
        for happening in happenings {
            let value = check(&validator, &stamp.event(happening, None).line());
            let mut texts = Vec::new();
            strings(&value, &mut texts);
            for text in texts {
                prop_assert!(text.chars().all(|c| c.is_alphanumeric() || (' '..='~').contains(&c)), "{text:?}");
                prop_assert!(text.chars().count() <= 1_020);
            }
        }
    }
}

fn objects(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                objects(field, format!("{place}/{name}"), places);
            }
            places.push(place);
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                objects(item, format!("{place}/{index}"), places);
            }
        }
        _ => {}
    }
}

fn strings(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.values().for_each(|field| strings(field, texts)),
        Value::Array(items) => items.iter().for_each(|item| strings(item, texts)),
        Value::String(text) => texts.push(text.clone()),
        _ => {}
    }
}

/// Names of all leaves, with dots.
fn fields(value: &Value, name: String, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields_of) => {
            for (field, value) in fields_of {
                fields(value, joined(&name, field), found);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for item in items {
                fields(item, name.clone(), found);
            }
        }
        _ => {
            found.insert(name);
        }
    }
}

fn declared_fields(root: &Value, schema: &Value, name: String, found: &mut BTreeSet<String>) {
    let mut schema = schema;
    while let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        schema = root.pointer(target.trim_start_matches('#')).unwrap();
    }
    if let Some(items) = schema.get("items").filter(|_| schema["type"] == "array")
        && items.get("properties").is_some()
    {
        schema = items;
    }
    match schema.get("properties").and_then(Value::as_object) {
        Some(properties) => {
            for (field, value) in properties {
                declared_fields(root, value, joined(&name, field), found);
            }
        }
        None => {
            found.insert(name);
        }
    }
}

fn joined(name: &str, field: &str) -> String {
    if name.is_empty() {
        field.to_owned()
    } else {
        format!("{name}.{field}")
    }
}
