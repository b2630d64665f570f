//! The read API: what docs/api.md shows is what comes, and wrong requests are told what to write.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod served;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use served::Served;

/// Values that differ from run to run, or with the packs.
const CHANGING: [&str; 8] = [
    "version",
    "digest",
    "pack",
    "pack_version",
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
        ("status=contacting", 3),
        ("category=telemetry", 3),
        ("category=update&straggler=true", 2),
        ("category=licensing", 0),
        ("host=mac-0a:20:00:00:00:11", 1),
        ("host=10.20.0.11", 1),
        ("host=0A:20:00:00:00:11", 1),
        ("host=0a-20-00-00-00-11", 1),
        ("host=::ffff:10.20.0.11", 1),
    ] {
        let (status, page) = body(&served, &format!("/api/v1/hosts?{query}"));
        assert_eq!(
            (status, page["total"].as_u64()),
            (200, Some(count)),
            "{query}"
        );
    }
    let (status, page) = body(&served, "/api/v1/hosts?host=nobody");
    let error = page["error"].as_str().unwrap();
    assert_eq!(status, 404);
    assert!(error.contains("nothing is known of `nobody`"), "{error}");
}

/// What nobody looks for must not read like what nobody does.
#[test]
fn a_vendor_of_which_nothing_is_known_is_no_empty_answer() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let served = serve(Some(&state));
    for path in ["hosts", "sightings"] {
        for vendor in ["Kaspersky", "nope", "a%20b", "tiktok"] {
            let (status, error) = body(&served, &format!("/api/v1/{path}?vendor={vendor}"));
            let error = error["error"].as_str().unwrap().to_owned();
            assert_eq!(status, 400, "{path} {vendor}: {error}");
            assert!(
                error.contains("write one of: ") && error.contains("kaspersky"),
                "{error}"
            );
        }
        let (status, page) = body(&served, &format!("/api/v1/{path}?vendor=kaspersky&limit=1"));
        assert_eq!((status, page[path].as_array().unwrap().len()), (200, 1));
    }
    // In force, and not seen: that is an answer.
    let (status, page) = body(&served, "/api/v1/hosts?vendor=sophos");
    assert_eq!((status, &page["total"]), (200, &Value::from(0)));
    drop(served);
    // What is stored of a vendor outlives its pack.
    let database = rusqlite::Connection::open(state.join("straggler.db")).unwrap();
    let renamed = "UPDATE subjects SET vendor = 'bygone' WHERE vendor = 'kaspersky' AND category = 'telemetry'";
    assert!(database.execute(renamed, []).unwrap() > 0);
    drop(database);
    let served = serve(Some(&state));
    for path in ["hosts", "sightings"] {
        let (status, page) = body(&served, &format!("/api/v1/{path}?vendor=bygone"));
        assert_eq!(status, 200, "{path}: {page}");
    }
}

/// Before the rules are in force no vendor is known, and none is wrong.
#[test]
fn while_captures_are_read_no_vendor_is_refused() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_straggler"));
    command.args(["run", "--listen", "127.0.0.1:0", "--replay", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut served = Served::spawn_as_it_is(command);
    let _open = served.take_stdin();
    let (status, error) = body(&served, "/api/v1/hosts?vendor=kaspersky");
    assert_eq!(status, 503, "{error}");
    assert!(error["error"].as_str().unwrap().contains("/-/ready"));
    let page = served.get("/?vendor=kaspersky").1;
    assert!(!page.contains("left aside"), "{page}");
}

#[test]
fn sightings_are_found_by_whatever_a_host_is_known_by() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = folder.path().join("inventory.csv");
    std::fs::write(
        &inventory,
        "mac,name,id\n0a:20:00:00:00:13,Front-Desk,pc-13\n0a:20:00:00:00:11,front-desk,pc-11\n",
    )
    .unwrap();
    let config = folder.path().join("c.toml");
    std::fs::write(&config, format!("inventory = {inventory:?}\n")).unwrap();
    let state = folder.path().join("state");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/office.pcapng");
    let served = Served::start(&[
        "--config",
        config.to_str().unwrap(),
        "--state-dir",
        state.to_str().unwrap(),
        "--replay",
        example.to_str().unwrap(),
    ]);
    served.wait_ready();
    let hosts = |served: &Served, host: &str| -> Vec<String> {
        let path = format!("/api/v1/sightings?limit=1000&host={host}");
        let (status, page) = body(served, &path);
        assert_eq!(status, 200, "{host}: {page}");
        let rows = page["sightings"].as_array().unwrap().iter();
        let mut hosts: Vec<_> = rows
            .map(|row| row["host"].as_str().unwrap().to_owned())
            .collect();
        hosts.sort();
        hosts.dedup();
        hosts
    };
    served::wait_for("the store to have it", || {
        !body(&served, "/api/v1/sightings").1["sightings"]
            .as_array()
            .unwrap()
            .is_empty()
    });
    for (text, expected) in [
        ("pc-13", &["pc-13"][..]),
        ("mac-0a:20:00:00:00:13", &["pc-13"]),
        ("10.20.0.13", &["pc-13"]),
        ("0A:20:00:00:00:13", &["pc-13"]),
        ("FRONT-DESK", &["pc-11", "pc-13"]),
    ] {
        assert_eq!(hosts(&served, text), expected, "{text}");
    }
    let (status, error) = body(&served, "/api/v1/sightings?host=10.20.0.99");
    assert_eq!(status, 404, "{error}");
    let error = error["error"].as_str().unwrap();
    assert!(
        error.contains("nothing is known of `10.20.0.99`"),
        "{error}"
    );
}

#[test]
fn wrong_requests_are_told_what_to_write() {
    let served = serve(None);
    for (path, status, words) in [
        ("hosts?limit=0", 400, "from 1 to 1000"),
        ("hosts?limit=1001", 400, "from 1 to 1000"),
        (
            "hosts?limit=abc",
            400,
            "limit: write a whole number from 1 to 1000",
        ),
        (
            "hosts?offset=-1",
            400,
            "offset: write a whole number, 0 or more",
        ),
        ("hosts?straggler=1", 400, "straggler: write true or false"),
        ("hosts?limit=1&limit=2", 400, "limit: write it once"),
        ("hosts?vendor=", 400, "vendor: it is empty"),
        (
            "hosts?stragler=true",
            400,
            "`stragler`: no such parameter; write one of: host",
        ),
        ("hosts?status=sleeping", 400, "write one of: excepted"),
        ("hosts?category=updates", 400, "write one of: update"),
        ("sightings?after=x", 400, "next_after"),
        ("sightings?since=yesterday", 400, "2026-11-01T00:00:00Z"),
        (
            "sightings?limit=abc",
            400,
            "limit: write a whole number from 1 to 1000",
        ),
        ("status?x=1", 400, "takes no parameters"),
        ("vendors?x=1", 400, "takes no parameters"),
        ("blind-spots?x=1", 400, "takes no parameters"),
        ("sightings", 404, "without --state-dir"),
        ("nope", 404, "write one of: /api/v1/status"),
        ("hosts/", 404, "no such endpoint"),
    ] {
        let (given, error) = body(&served, &format!("/api/v1/{path}"));
        assert_eq!(given, status, "{path}");
        let error = error["error"].as_str().unwrap().to_owned();
        assert!(error.contains(words), "{path}: {error}");
        assert!(
            !error.contains("field") && !error.contains("digit"),
            "{path}: {error}"
        );
    }
    let (status, head, text) = served::send(served.address, "POST", "/api/v1/hosts");
    assert_eq!(status, 405, "{head}");
    assert!(head.to_lowercase().contains("allow: get"), "{head}");
    assert!(text.contains("\"error\":\"this is read only"), "{text}");
}

/// The writer knows why there is no store; a reader sees no more than a file without tables.
#[test]
fn a_store_without_room_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["-t", "tmpfs", "-o", "size=120k", "tmpfs"];
    let mounted = Command::new("mount")
        .args(options)
        .arg(folder.path())
        .output();
    if !mounted.as_ref().is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: needs root to mount ({mounted:?})");
        return;
    }
    let unmount = Unmount(folder.path());
    // A replay ends where it cannot keep anything; a live sensor goes on.
    let state = folder.path().to_str().unwrap();
    let served = Served::start(&["--interface", "lo", "--state-dir", state]);
    served::wait_for("the fault", || {
        body(&served, "/api/v1/status").1["store"]["fault"].is_string()
    });
    for _ in 0..2 {
        let (status, error) = body(&served, "/api/v1/sightings");
        assert_eq!(status, 503, "{error}");
        let error = error["error"].as_str().unwrap();
        assert!(error.contains("the disk is full"), "{error}");
        std::thread::sleep(Duration::from_millis(1_500));
    }
    let page = served.get("/hosts/nobody").1;
    assert!(
        page.contains("cannot be read now: ") && page.contains("the disk is full"),
        "{page}"
    );
    assert!(!folder.path().join("straggler.db.before-schema-2").exists());
    drop(served);
    drop(unmount);
}

struct Unmount<'a>(&'a Path);

impl Drop for Unmount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}
