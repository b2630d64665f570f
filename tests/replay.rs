//! `straggler replay` and `names` as a user runs them: the example's findings, determinism, bad input.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod program;
mod support;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use program::{example, straggler, text};
use serde_json::Value;
use support::Packing;

/// The findings of a capture.
fn findings(path: &Path, more: &[&str]) -> Vec<Value> {
    let args = ["replay", "--format", "json", path.to_str().unwrap()];
    program::findings(&[&args[..], more].concat())
}

fn row(finding: &Value) -> (String, String, String, bool) {
    let word = |key: &str| finding[key].as_str().unwrap().to_owned();
    (
        word("host"),
        format!("{} {}", word("vendor"), word("category")),
        word("status"),
        finding["straggler"].as_bool().unwrap(),
    )
}

/// What examples/README.md says must be found, host by host.
#[test]
fn the_example_comes_out_as_its_readme_says() {
    let rows: Vec<_> = findings(&example(), &[]).iter().map(row).collect();
    let expected = [
        (
            "mac-0a:20:00:00:00:12",
            "kaspersky update",
            "fetching",
            true,
        ),
        (
            "mac-0a:20:00:00:00:11",
            "kaspersky update",
            "fetching",
            true,
        ),
        (
            "mac-0a:20:00:00:00:20",
            "kaspersky telemetry",
            "contacting",
            true,
        ),
        (
            "mac-0a:20:00:00:00:13",
            "kaspersky telemetry",
            "contacting",
            true,
        ),
        (
            "mac-0a:20:00:00:00:21",
            "kaspersky update",
            "blocked",
            false,
        ),
        (
            "mac-0a:20:00:00:00:14",
            "kaspersky update",
            "blocked",
            false,
        ),
        ("mac-0a:20:00:00:00:15", "kaspersky update", "asking", false),
        ("mac-0a:20:00:00:00:18", "kaspersky update", "silent", false),
        ("mac-0a:20:00:00:00:16", "kaspersky update", "silent", false),
        (
            "mac-0a:20:00:00:00:18",
            "microsoft-defender update",
            "fetching",
            false,
        ),
        (
            "mac-0a:20:00:00:00:18",
            "microsoft-defender telemetry",
            "contacting",
            false,
        ),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(host, what, status, straggler)| {
            (
                (*host).to_owned(),
                (*what).to_owned(),
                (*status).to_owned(),
                *straggler,
            )
        })
        .collect();
    assert_eq!(rows, expected);
}

#[test]
fn the_table_of_the_example() {
    let output = straggler(&["replay", example().to_str().unwrap()]);
    assert!(output.status.success());
    insta::assert_snapshot!(text(&output.stdout));
}

/// Before the cutoff nobody is a straggler, whatever they fetch; `--at` leaves out what came later.
#[test]
fn at_an_earlier_instant_the_findings_are_those_of_then() {
    let before = findings(&example(), &["--at", "2024-09-28T23:00:00-04:00"]);
    assert!(before.iter().all(|finding| finding["straggler"] == false));
    let fetching = before
        .iter()
        .filter(|finding| finding["status"] == "fetching")
        .count();
    assert_eq!(fetching, 5, "the five that fetch on the first day");
    // Half a week later nothing lies in the window, and the capture does not reach into it.
    let after = findings(&example(), &["--at", "2024-10-04T00:00:00Z"]);
    assert!(
        after
            .iter()
            .all(|finding| finding["status"] == "unknown" && finding["straggler"] == false)
    );
}

#[test]
fn replaying_twice_gives_the_same_bytes() {
    for args in [
        vec!["replay", "--format", "json"],
        vec!["replay", "--format", "table"],
        vec!["names", "--format", "json"],
    ] {
        let path = example();
        let args: Vec<&str> = args.into_iter().chain([path.to_str().unwrap()]).collect();
        let (first, second) = (straggler(&args), straggler(&args));
        assert!(first.status.success() && !first.stdout.is_empty());
        assert_eq!(first.stdout, second.stdout, "{args:?}");
    }
}

#[test]
fn standard_input_is_read_like_a_file() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_straggler"))
        .args(["replay", "--format", "json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let bytes = std::fs::read(example()).unwrap();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let piped = child.wait_with_output().unwrap();
    let direct = straggler(&["replay", "--format", "json", example().to_str().unwrap()]);
    assert_eq!(piped.stdout, direct.stdout);
}

/// A ring of captures, given as a folder, is one recording: in the order of time, whatever the files are called.
#[test]
fn a_folder_is_read_in_the_order_of_recording() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(example()).unwrap();
    let blocks = pcapng_blocks(&bytes);
    let (head, frames) = blocks.split_at(2);
    // The second half gets the name that sorts first.
    let half = frames.len() / 2;
    std::fs::create_dir(folder.path().join("deep")).unwrap();
    for (name, part) in [
        ("z.pcapng", &frames[..half]),
        ("deep/a.pcapng", &frames[half..]),
    ] {
        std::fs::write(
            folder.path().join(name),
            [head.concat(), part.concat()].concat(),
        )
        .unwrap();
    }
    std::fs::write(folder.path().join("README.txt"), "no capture").unwrap();
    let whole = straggler(&["names", example().to_str().unwrap()]);
    let parts = straggler(&["names", folder.path().to_str().unwrap()]);
    assert_eq!(text(&parts.stdout), text(&whole.stdout));
    assert!(text(&parts.stderr).contains("1 files in folders are no captures"));
}

/// The blocks of a little-endian pcapng, the section header and the interface first.
fn pcapng_blocks(bytes: &[u8]) -> Vec<&[u8]> {
    let mut blocks = Vec::new();
    let mut rest = bytes;
    while rest.len() >= 8 {
        let len = u32::from_le_bytes(rest[4..8].try_into().unwrap()) as usize;
        let (block, tail) = rest.split_at(len);
        blocks.push(block);
        rest = tail;
    }
    blocks
}

/// Each row: how the file is spoilt, words of the one line, and whether something was read all the same.
#[test]
fn bad_captures_get_one_clear_line_and_keep_what_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let good = std::fs::read(example()).unwrap();
    let blocks = pcapng_blocks(&good);
    let frame = blocks[400].len();
    let before = blocks[..400].concat().len();
    let mut damaged = good.clone();
    damaged[before + 4] ^= 2; // no multiple of four any more
    let mut longer = good.clone();
    longer[before + frame - 1] ^= 1; // the length behind the block
    let gzip = |bytes: &[u8]| Packing::Gzip.pack(bytes);
    let zstd = |bytes: &[u8]| Packing::Zstd.pack(bytes);
    let half = |bytes: Vec<u8>| bytes[..bytes.len() / 2].to_vec();
    let cases: [(&str, Vec<u8>, &str, bool); 16] = [
        ("empty.pcap", Vec::new(), "the file is empty", false),
        (
            "text.pcap",
            b"this is no capture at all".to_vec(),
            "not a pcap or pcapng capture",
            false,
        ),
        (
            "cut.pcapng",
            good[..good.len() - 30].to_vec(),
            "cut off after",
            true,
        ),
        (
            "damaged.pcapng",
            damaged,
            "damaged after frame 398 (a block of",
            true,
        ),
        (
            "longer.pcapng",
            longer,
            "damaged after frame 398 (a block that begins",
            true,
        ),
        (
            "head.pcap.gz",
            gzip(&good)[..8].to_vec(),
            "it ends within its header",
            false,
        ),
        (
            "head.pcap.zst",
            zstd(&good)[..8].to_vec(),
            "it ends within its header",
            false,
        ),
        ("cut.pcap.gz", half(gzip(&good)), "cut off after", true),
        ("cut.pcap.zst", half(zstd(&good)), "cut off after", true),
        (
            "cut-inside.pcap.gz",
            gzip(&half(good.clone())),
            "cut off after",
            true,
        ),
        (
            "text.gz",
            gzip(b"this is no capture at all"),
            "gzip that unpacks to something else",
            false,
        ),
        (
            "twice.zst",
            zstd(&gzip(&good)),
            "zstd that unpacks to something else",
            false,
        ),
        ("empty.gz", gzip(b""), "gzip that unpacks to nothing", false),
        (
            "packed.pcap.xz",
            b"\xfd7zXZ\x00\x00\x04".to_vec(),
            "xz -dc",
            false,
        ),
        (
            "packed.pcap.bz2",
            b"BZh91AY&SY".to_vec(),
            "bzip2 -dc",
            false,
        ),
        (
            "packed.pcap.lz4",
            b"\x04\x22\x4d\x18\x64\x40\xa7".to_vec(),
            "lz4 -dc",
            false,
        ),
    ];
    for (name, bytes, words, something) in cases {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let output = straggler(&["replay", "--format", "json", path.to_str().unwrap()]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{name}: {said}");
        assert_eq!(said.lines().count(), 1, "{name}: {said}");
        assert!(
            said.contains(words) && said.contains(name),
            "{name}: {said}"
        );
        assert_eq!(!output.stdout.is_empty(), something, "{name}");
    }
}

#[test]
fn a_bad_file_does_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty.pcap"), "").unwrap();
    let empty = folder.path().join("empty.pcap");
    let output = straggler(&[
        "replay",
        "--format",
        "json",
        empty.to_str().unwrap(),
        example().to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(text(&output.stdout).lines().count(), 11);
}

#[test]
fn names_say_who_asked_whom_for_what() {
    let output = straggler(&["names", "--format", "json", example().to_str().unwrap()]);
    let lines: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let first = lines.iter().find(|line| line["signal"] == "tls").unwrap();
    for key in ["time", "signal", "client", "server", "name", "matched"] {
        assert!(first.get(key).is_some(), "{key}");
    }
    assert!(lines.iter().any(|line| line["matched"] == "databases"));
    assert!(
        lines
            .iter()
            .any(|line| line["matched"].is_null() && line["name"] == "www.example.org")
    );
    let unmatched = straggler(&["names", "--unmatched", example().to_str().unwrap()]);
    let unmatched = text(&unmatched.stdout);
    assert!(unmatched.contains("www.example.org") && !unmatched.contains("kaspersky"));
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let command = format!(
        "{} names {} | head -1; exit ${{PIPESTATUS[0]}}",
        env!("CARGO_BIN_EXE_straggler"),
        example().display()
    );
    let output = Command::new("bash")
        .args(["-c", &command])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    assert_eq!(text(&output.stdout).lines().count(), 1);
}
