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
use crate::support::{ClientHello, Frame, Link, Pcap, Talk, application_data, merge, server_hello};

/// Between two steps: one more a second than sensors look for rules.
const PAUSE: Duration = Duration::from_millis(500);
/// Frames on the wire, and how many of them in a second: ten seconds.
const FRAMES: usize = 80_000;
/// Connections to a vendor among them.
const UPDATES: usize = 300;
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
    let frames = frames();
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
    // What waits in a worker comes within some seconds.
    let mut told = (Vec::new(), Vec::new());
    for _ in 0..20 {
        told = (counts(&metrics(&steady)), counts(&metrics(&restless)));
        if told.0 == told.1 {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    let differ: Vec<_> = told.0.iter().zip(&told.1).filter(|(a, b)| a != b).collect();
    assert!(differ.is_empty(), "{differ:#?}");
    let packets = told
        .0
        .iter()
        .find(|(name, _)| name.starts_with("straggler_capture_packets_total"));
    assert_eq!(packets.unwrap().1, frames.len() as f64);
    for evidence in ["attempt", "contact", "transfer"] {
        let sightings = format!(
            "straggler_sightings_total{{vendor=\"kaspersky\",category=\"update\",signal=\"tls\",evidence=\"{evidence}\",phase=\"after\"}}"
        );
        let count = told.0.iter().find(|(name, _)| *name == sightings).unwrap();
        assert!(count.1 >= UPDATES as f64, "{count:?}");
    }
    for sensor in [steady, restless] {
        let (status, said, _) = sensor.end("TERM");
        assert_eq!(status.code(), Some(0), "{said}");
    }
}

/// Traffic of an office, and in between connections to a vendor that go on over several reloads.
fn frames() -> Vec<Frame> {
    let link = Link::ethernet();
    let updates = (0..UPDATES).map(|number| {
        let client = format!(
            "10.20.{}.{}:{}",
            number % 7,
            1 + number % 250,
            20_000 + number
        );
        let data = application_data(8_000);
        let talk = Talk::tcp(client.as_str(), "198.51.100.7:443")
            .at(number as u64 * 20_000_000)
            .gap(Duration::from_millis(150))
            .open()
            .client(&ClientHello::to("s07.upd.kaspersky.com").stream())
            .server(&server_hello());
        (0..5).fold(talk, |talk, _| talk.server(&data)).close()
    });
    let updates = link.frames(&merge(updates));
    let office = Office::new(40, 7).map(|(frame, _)| frame);
    let mut office = office.take(FRAMES - updates.len());
    // As evenly as it goes: what stands between is sent by the order in the file.
    let share = FRAMES / updates.len() - 1;
    let mut frames = Vec::with_capacity(FRAMES);
    for update in updates {
        frames.extend(office.by_ref().take(share));
        frames.push(update);
    }
    frames.extend(office);
    frames
}

/// All that is counted of traffic and hosts. What stands in tables now is not: two sensors need not forget an idle flow in
/// the same moment.
fn counts(metrics: &str) -> Vec<(String, f64)> {
    let own = [
        "straggler_config_",
        "straggler_capture_last_packet",
        "straggler_host_last_sighting",
        "straggler_table_entries",
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
