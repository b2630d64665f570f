//! Hostile input on the stable compiler: what `fuzz` checks, over its seeds and over damaged copies of them; and `names`
//! on damaged captures, by the library and as a program. The damage is the same on every run.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

#[path = "../fuzz/src/checks/mod.rs"]
mod checks;
#[path = "../fuzz/src/seeds/mod.rs"]
mod seeds;
mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, LazyLock};

use straggler::capture::Inputs;
use straggler::replay::{Replay, Replayed, Settings};
use straggler::report;
use straggler::rules::{Library, RuleSet};
use straggler::tracker::{NameRead, Witness};
use support::office::Office;
use support::{Interface, Noise, Packing, Pcap, Pcapng};

/// Damaged copies of each seed of a target.
const COPIES: u64 = 20;
/// Damaged copies of each capture, read by the library and by the program.
const CAPTURES: (u64, u64) = (25, 4);
/// Memory of the program, in KiB: what it has at its start, and less than the widest window of zstd.
const MEMORY_KIB: u32 = 120_000;
/// A capture is cut after each so many bytes.
const CUT_STEP: usize = 53;
/// Frames of the office that a capture has.
const FRAMES: usize = 400;

/// The input with a few bytes changed, and perhaps cut, with a piece out, or with one twice.
fn damaged(input: &[u8], noise: &mut Noise) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..noise.below(6) {
        if bytes.is_empty() {
            break;
        }
        let at = noise.below(bytes.len() as u64) as usize;
        bytes[at] = match noise.below(3) {
            0 => bytes[at] ^ 1 << noise.below(8),
            1 => *noise.pick(&[0, 1, 0x7f, 0x80, 0xff]),
            _ => noise.bits() as u8,
        };
    }
    let (a, b) = (
        noise.below(bytes.len() as u64 + 1) as usize,
        noise.below(bytes.len() as u64 + 1) as usize,
    );
    match noise.below(4) {
        0 => bytes.truncate(a),
        1 => drop(bytes.drain(a.min(b)..a.max(b))),
        2 => {
            let piece = bytes[a.min(b)..a.max(b)].to_vec();
            let end = bytes.split_off(a);
            bytes.extend(piece);
            bytes.extend(end);
        }
        _ => {}
    }
    bytes
}

/// Runs `check`, and says which input it was if it fails: the same can be given to the fuzz target.
fn holds(target: &str, name: &str, input: &[u8], check: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(check)).is_err() {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hostile-{target}"));
        std::fs::write(&file, input).unwrap();
        panic!("{target}: {name}, damaged: the input is {}", file.display());
    }
}

/// What must hold for a target, over its seeds and damaged copies of them.
fn check_seeds_of(target: &str) {
    let (_, check) = checks::ALL
        .iter()
        .find(|(name, _)| *name == target)
        .unwrap();
    let mut noise = Noise::new(7);
    let seeds = seeds::all();
    let mut seeds = seeds.iter().filter(|seed| seed.target == target).peekable();
    assert!(seeds.peek().is_some(), "no seed for {target}");
    for seed in seeds {
        check(&seed.bytes);
        for _ in 0..COPIES {
            let input = damaged(&seed.bytes, &mut noise);
            holds(target, &seed.name, &input, || check(&input));
        }
    }
}

#[test]
fn frames_hold() {
    check_seeds_of("frame");
}

#[test]
fn flows_hold() {
    check_seeds_of("tracker");
}

#[test]
fn dns_holds() {
    check_seeds_of("dns");
}

#[test]
fn tls_holds() {
    check_seeds_of("tls");
}

#[test]
fn quic_holds() {
    check_seeds_of("quic");
}

#[test]
fn http_holds() {
    check_seeds_of("http");
}

#[test]
fn savefiles_hold() {
    check_seeds_of("pcapng");
}

#[test]
fn rule_packs_hold() {
    check_seeds_of("rule_pack");
}

#[test]
fn dhcp_holds() {
    check_seeds_of("dhcp");
}

#[test]
fn what_devices_say_holds() {
    check_seeds_of("identity");
}

#[test]
fn files_about_devices_hold() {
    check_seeds_of("device_files");
}

#[test]
fn configurations_hold() {
    check_seeds_of("config");
}

/// A seed that reaches nothing is of no use, and nothing else would tell.
#[test]
fn seeds_reach_what_they_are_for() {
    for seed in seeds::all() {
        let reached = match seed.target {
            "tracker" => checks::tracker::names_read(&seed.bytes) > 0,
            "quic" => checks::quic::hello_found(&seed.bytes) != (seed.name == "negotiation"),
            "dhcp" => checks::dhcp::says_something(&seed.bytes),
            "identity" => checks::identity::says_something(&seed.bytes),
            "device_files" => checks::device_files::says_something(&seed.bytes),
            "config" => seed.name == "every-key" || checks::config::is_taken(&seed.bytes),
            _ => true,
        };
        assert!(reached, "{}: {}", seed.target, seed.name);
    }
}

/// Every target has seeds and a check, and stands where it has to.
#[test]
fn every_target_is_known() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let mut files: Vec<String> = std::fs::read_dir(fuzz.join("fuzz_targets"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let mut targets: Vec<&str> = checks::ALL.iter().map(|(name, _)| *name).collect();
    files.sort();
    targets.sort_unstable();
    assert_eq!(files, targets);
    for target in targets {
        assert!(
            manifest.contains(&format!("name = \"{target}\"")),
            "{target}"
        );
    }
}

/// The office's traffic in savefiles of several forms.
fn captures() -> Vec<(&'static str, Vec<u8>)> {
    let frames: Vec<_> = Office::new(20, 3)
        .take(FRAMES)
        .map(|(frame, _)| frame)
        .collect();
    let pcapng = Pcapng::new(vec![Interface::new(1)]);
    let plain = pcapng.bytes(&frames);
    vec![
        ("pcap", Pcap::new(1).bytes(&frames)),
        ("gzip", Packing::Gzip.pack(&plain)),
        ("zstd", Packing::ZstdFrames.pack(&plain)),
        ("pcapng", pcapng.other_blocks().bytes(&frames)),
    ]
}

#[derive(Default)]
struct Count(usize);

impl Witness for Count {
    fn name_read(&mut self, read: &NameRead<'_>) {
        checks::dns::name_holds(&read.name.to_owned());
        self.0 += 1;
    }
}

/// Names read in a file, and what it came to.
fn replayed(path: PathBuf) -> (usize, Replayed) {
    static RULES: LazyLock<Arc<RuleSet>> =
        LazyLock::new(|| Arc::new(Library::load(None).unwrap().compile(|pack| pack.enabled)));
    let mut replay = Replay::new(Settings::default(), Arc::clone(&RULES)).unwrap();
    let inputs = Inputs {
        files: vec![path],
        left_out: 0,
    };
    let mut names = Count::default();
    replay.read(&inputs, &mut names, &mut |_| {});
    (names.0, replay.finish())
}

#[test]
fn damaged_captures_are_replayed_as_far_as_they_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.pcap");
    let mut noise = Noise::new(11);
    for (name, capture) in captures() {
        std::fs::write(&path, &capture).unwrap();
        let (names, whole) = replayed(path.clone());
        assert!(names > 0 && whole.faults.is_empty(), "{name}");
        assert_eq!(whole.tracker.seen.frames, FRAMES as u64);
        for _ in 0..CAPTURES.0 {
            let input = damaged(&capture, &mut noise);
            std::fs::write(&path, &input).unwrap();
            holds("replay", name, &input, || {
                let (_, it) = replayed(path.clone());
                let report = report::Report {
                    snapshot: it.snapshot,
                    seen: it.tracker.seen,
                    ..report::Report::default()
                };
                let _ = report::table(&report, report::Style::default());
                let _ = (report::csv(&report), report::markdown(&report));
                let _ = report::html(&report);
                for line in report::finding_lines(&report) {
                    serde_json::to_string(&line).unwrap();
                }
            });
        }
    }
}

/// The longer a file is before its cut, the more is read, and never more than in the whole of it.
#[test]
fn a_cut_takes_away_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.pcap");
    for (name, capture) in seeds::savefiles() {
        std::fs::write(&path, &capture).unwrap();
        let (names, whole) = replayed(path.clone());
        assert!(names > 0 && whole.faults.is_empty(), "{name}");
        let mut before = (0, 0);
        for end in (0..capture.len()).step_by(CUT_STEP) {
            std::fs::write(&path, &capture[..end]).unwrap();
            let (names, cut) = replayed(path.clone());
            let now = (names, cut.tracker.seen.frames);
            assert!(
                now >= before,
                "{name}, cut at {end}: {before:?}, then {now:?}"
            );
            before = now;
        }
        assert!(before.0 <= names && before.1 <= whole.tracker.seen.frames);
    }
}

/// Runs the program with a bound on its memory; an allocation beyond it ends the program.
fn straggler(command: &str, path: &Path) -> Output {
    let bounded = format!("ulimit -v {MEMORY_KIB} && exec \"$0\" \"$@\"");
    Command::new("sh")
        .args(["-c", &bounded, env!("CARGO_BIN_EXE_straggler"), command])
        .arg(path)
        .output()
        .unwrap()
}

/// A few bytes that say they need much memory do not get it.
#[test]
fn a_frame_that_looks_far_back_takes_no_memory_by_its_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.pcap.zst");
    let (_, capture) = captures().remove(0);
    for frames in [
        [Packing::Zstd.pack(&capture), seeds::wide_window()],
        [seeds::wide_window(), Packing::Zstd.pack(&capture)],
    ] {
        std::fs::write(&path, frames.concat()).unwrap();
        let output = straggler("names", &path);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(!output.stdout.is_empty());
    }
}

/// 0: read to its end; 3: not. Nothing else, and no panic; what came before the damage is told.
#[test]
fn names_and_replay_of_damaged_captures_end_as_they_should() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.pcap");
    let mut noise = Noise::new(13);
    for (name, capture) in captures() {
        for copy in 0..CAPTURES.1 {
            let input = damaged(&capture, &mut noise);
            std::fs::write(&path, &input).unwrap();
            for command in ["names", "replay"] {
                let output = straggler(command, &path);
                let said = String::from_utf8(output.stderr).unwrap();
                let code = output.status.code();
                holds(command, name, &input, || {
                    assert!(matches!(code, Some(0 | 3)), "{copy}: {code:?}: {said}");
                    assert!(!said.contains("panicked"), "{said}");
                    assert_eq!(code == Some(3), !said.is_empty(), "{said}");
                });
            }
        }
    }
}
