//! The read API: what docs/api.md shows is what comes, and wrong requests are told what to write.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod served;

use std::path::Path;

use serde_json::Value;
use served::Served;

/// Values that differ from run to run, or with the packs.
const CHANGING: [&str; 9] = [
    "version",
    "digest",
    "pack",
    "pack_version",
    "services",
    "folder",
    "last_write",
    "size_bytes",
    "interface",
];

fn serve(state: Option<&Path>) -> Served {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/office.pcapng");
    let mut args = vec!["--replay", example.to_str().unwrap()];
    if let Some(state) = state {
        args.extend(["--state-dir", state.to_str().unwrap()]);
    }
    let served = Served::start(&args);
    served.wait_ready();
    served
}

fn body(served: &Served, path: &str) -> (u16, Value) {
    let (status, text) = served.get(path);
    (status, serde_json::from_str(&text).unwrap())
}

/// The requests in the document, each with its answer.
fn examples() -> Vec<(String, Value)> {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/api.md")).unwrap();
    let mut examples = Vec::new();
    let mut blocks = text.split("```");
    while let Some(block) = blocks.next() {
        if let Some(command) = block.strip_prefix("sh\n") {
            let url = command.split('\'').nth(1).unwrap();
            let path = url
                .strip_prefix("http://127.0.0.1:9842")
                .unwrap()
                .to_owned();
            let answer = blocks.nth(1).unwrap().strip_prefix("json\n").unwrap();
            examples.push((path, serde_json::from_str(answer).unwrap()));
        }
    }
    examples
}

/// The same keys everywhere and, but for what changes, the same values; of lists the document shows the first.
fn same(path: &str, shown: &Value, given: &Value) {
    match (shown, given) {
        (Value::Object(shown), Value::Object(given)) => {
            let keys = |map: &serde_json::Map<String, Value>| -> Vec<String> {
                map.keys().cloned().collect()
            };
            assert_eq!(keys(shown), keys(given), "{path}");
            for (key, value) in shown {
                if !CHANGING.contains(&key.as_str()) {
                    same(&format!("{path}.{key}"), value, &given[key]);
                }
            }
        }
        (Value::Array(shown), Value::Array(given)) => {
            assert!(given.len() >= shown.len(), "{path}");
            for (index, (shown, given)) in shown.iter().zip(given).enumerate() {
                same(&format!("{path}[{index}]"), shown, given);
            }
        }
        _ => assert_eq!(shown, given, "{path}"),
    }
}

#[test]
fn the_document_shows_what_comes() {
    let folder = tempfile::tempdir().unwrap();
    let served = serve(Some(&folder.path().join("state")));
    let examples = examples();
    assert_eq!(examples.len(), 5);
    for (path, shown) in examples {
        let (status, given) = body(&served, &path);
        assert_eq!(status, 200, "{path}: {given}");
        same(&path, &shown, &given);
    }
}

#[test]
fn pages_give_every_row_once() {
    let folder = tempfile::tempdir().unwrap();
    let served = serve(Some(&folder.path().join("state")));
    let (_, all) = body(&served, "/api/v1/hosts");
    let mut paged = Vec::new();
    let mut offset = Some(0);
    while let Some(from) = offset {
        let (_, page) = body(&served, &format!("/api/v1/hosts?limit=3&offset={from}"));
        paged.extend(page["hosts"].as_array().unwrap().clone());
        offset = page["next_offset"].as_u64();
    }
    assert_eq!(Value::Array(paged), all["hosts"]);
    assert!(all["total"].as_u64().unwrap() > 3);

    let (_, all) = body(&served, "/api/v1/sightings?limit=1000");
    let mut paged = Vec::new();
    let mut after = String::new();
    loop {
        let (_, page) = body(&served, &format!("/api/v1/sightings?limit=7{after}"));
        paged.extend(page["sightings"].as_array().unwrap().clone());
        match page["next_after"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(Value::Array(paged), all["sightings"]);
}

#[test]
fn filters_leave_what_they_say() {
    let served = serve(None);
    for (query, count) in [
        ("straggler=true", 4),
        ("straggler=true&vendor=microsoft-defender", 0),
        ("status=blocked", 2),
        ("host=10.20.0.11", 1),
        ("host=nobody", 0),
    ] {
        let (status, page) = body(&served, &format!("/api/v1/hosts?{query}"));
        assert_eq!(
            (status, page["total"].as_u64()),
            (200, Some(count)),
            "{query}"
        );
    }
}

#[test]
fn wrong_requests_are_told_what_to_write() {
    let served = serve(None);
    for (path, status, words) in [
        ("hosts?limit=0", 400, "1 to 1000"),
        ("hosts?limit=1001", 400, "1 to 1000"),
        ("hosts?stragler=true", 400, "unknown field `stragler`"),
        ("hosts?status=sleeping", 400, "write one of: excepted"),
        ("sightings?after=x", 400, "next_after"),
        ("sightings?since=yesterday", 400, "2026-11-01T00:00:00Z"),
        ("sightings", 404, "without --state-dir"),
    ] {
        let (given, error) = body(&served, &format!("/api/v1/{path}"));
        assert_eq!(given, status, "{path}");
        let error = error["error"].as_str().unwrap().to_owned();
        assert!(error.contains(words), "{path}: {error}");
    }
}
