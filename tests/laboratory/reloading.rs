//! Rules that change under load: what a sensor finds does not depend on how often it reads them again.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::namespace::Namespace;
use crate::sensor::{Sensor, pack};
use crate::served::{Served, wait_for};
use crate::support::office::Office;
use crate::support::{Frame, Link, Pcap};

/// Between two steps: one more a second than sensors look for rules.
const PAUSE: Duration = Duration::from_millis(500);
/// Frames on the wire, and how many of them in a second: ten seconds.
const FRAMES: usize = 80_000;
const PER_SECOND: usize = 8_000;
const OK: &str = "straggler_config_last_reload_successful 1";
const REFUSED: &str = "straggler_config_last_reload_successful 0";

/// Runs `work` while a sensor is told again and again to read its packs: the same ones, one more of a vendor that nobody
/// uses, and a bad one. At the end they are as they were.
pub(crate) fn during<T>(sensor: &Sensor<'_>, work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reloads = scope.spawn(|| {
            let mut turns = 0;
            while !done.load(Ordering::Relaxed) {
                turn(sensor.pid(), sensor.rules(), &|| sensor.metrics(), turns);
                turns += 1;
            }
            turns
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        assert!(
            reloads.join().unwrap() >= 5,
            "too few reloads to prove anything"
        );
        result
    })
}

/// One round: as they are, another pack more, a bad one, and as before.
fn turn(pid: u32, rules: &Path, metrics: &dyn Fn() -> String, number: u32) {
    let extra = rules.join("extra.toml");
    let sound = pack("extra", &number.to_string(), "2026-01-01T00:00:00Z");
    let is_told = |line: &str| {
        hang_up(pid);
        wait_for(line, || metrics().lines().any(|told| told == line));
        std::thread::sleep(PAUSE);
    };
    is_told(OK);
    std::fs::write(&extra, &sound).unwrap();
    hang_up(pid);
    let version = format!("vendor=\"extra\",role=\"restricted\",version=\"{number}\"");
    wait_for("the pack", || metrics().contains(&version));
    std::fs::write(
        &extra,
        sound.replace("category = \"update\"", "category = \"updates\""),
    )
    .unwrap();
    is_told(REFUSED);
    assert!(
        metrics().contains(&version),
        "the pack of before stays in force"
    );
    std::fs::remove_file(&extra).unwrap();
    is_told(OK);
    wait_for("its end", || !metrics().contains("vendor=\"extra\""));
}

fn hang_up(pid: u32) {
    let told = Command::new("kill")
        .args(["-s", "HUP", &pid.to_string()])
        .status();
    assert!(told.unwrap().success());
}

/// Two sensors on one wire, of which one is told all the time to read its packs again: at the end every count is the same.
pub(crate) fn changes_no_count() {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("office.pcap");
    let link = Link::ethernet();
    let frames: Vec<Frame> = Office::new(40, 7)
        .take(FRAMES)
        .map(|(frame, _)| frame)
        .collect();
    Pcap::new(link.link_type())
        .write(&capture, &frames)
        .unwrap();
    let wire = Namespace::new();
    for line in [
        // What the kernel says by itself the second one to start would miss.
        "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6",
        "ip link add left type veth peer name right",
        "ip link set left up",
        "ip link set right up",
        "ip link set lo up",
    ] {
        assert!(wire.shell(line).status.success(), "{line}");
    }
    let start = |name: &str| {
        let rules = folder.path().join(name);
        std::fs::create_dir(&rules).unwrap();
        let mut command = wire.command(env!("CARGO_BIN_EXE_straggler"));
        command.args([
            "run",
            "--listen",
            "127.0.0.1:0",
            "--interface",
            "right",
            "--rules",
        ]);
        command.arg(&rules);
        (Served::spawn(command), rules)
    };
    let (steady, _) = start("steady");
    let (restless, rules) = start("restless");
    let metrics = |sensor: &Served| {
        let line = format!("curl -s http://{}/metrics", sensor.address);
        String::from_utf8(wire.shell(&line).stdout).unwrap()
    };
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut turns = 0;
            while !done.load(Ordering::Relaxed) || turns == 0 {
                turn(restless.pid(), &rules, &|| metrics(&restless), turns);
                turns += 1;
            }
        });
        let line = format!(
            "tcpreplay --intf1 left --pps {PER_SECOND} {}",
            capture.display()
        );
        let sent = wire.shell(&line);
        assert!(
            sent.status.success(),
            "{}",
            String::from_utf8_lossy(&sent.stderr)
        );
        done.store(true, Ordering::Relaxed);
    });
    let mut told = (Vec::new(), Vec::new());
    wait_for("both to have told all", || {
        told = (counts(&metrics(&steady)), counts(&metrics(&restless)));
        told.0 == told.1
    });
    let packets = told
        .0
        .iter()
        .find(|(name, _)| name.starts_with("straggler_capture_packets_total"));
    assert_eq!(packets.unwrap().1, FRAMES as f64);
    let stragglers = told
        .0
        .iter()
        .filter(|(name, _)| name.starts_with("straggler_host_straggling"));
    assert!(stragglers.count() > 3, "there is something to find");
    for sensor in [steady, restless] {
        let (status, said, _) = sensor.end("TERM");
        assert_eq!(status.code(), Some(0), "{said}");
    }
}

/// All that is counted of traffic and hosts.
fn counts(metrics: &str) -> Vec<(String, f64)> {
    let own = [
        "straggler_config_",
        "straggler_capture_last_packet",
        "straggler_host_last_sighting",
    ];
    metrics
        .lines()
        .filter(|line| line.starts_with("straggler_"))
        .filter(|line| !own.iter().any(|own| line.starts_with(own)))
        .filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        })
        .collect()
}

/// What events say of the sensor: packs that were taken, and one that was refused.
pub(crate) fn is_told_by(events: &[Value]) {
    for condition in ["reloaded", "reload_failed"] {
        let told = |event: &&Value| event["straggler"]["condition"] == condition;
        assert!(
            events.iter().any(|event| told(&event)),
            "no event says {condition}"
        );
    }
}
