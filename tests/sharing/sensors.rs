//! Sensors with 1, 2 and 4 workers on one wire: findings, series and counts are the same.

use std::process::Command;
use std::time::Duration;

use crate::namespace::Namespace;
use crate::served::{Served, wait_for};
use crate::support::dns_messages::{A, AAAA, Message};
use crate::support::office::Office;
use crate::support::{
    ClientHello, Datagram, Frame, Ip, Link, Side, Talk, TimedPacket, application_data, merge,
    server_hello,
};
use crate::wire::{Sender, Wire, inside};

const WORKERS: [usize; 3] = [1, 2, 4];
const PER_SECOND: u32 = 8_000;
/// Frames of an office among which the others stand.
const OFFICE: usize = 30_000;
const UPDATE: &str = "s07.upd.kaspersky.com";
/// Clients with a fragmented answer, over each version of IP.
const ANSWERED: u32 = 40;
/// Clients that fetch something, every other one over IPv6.
const FETCHING: u32 = 60;

#[test]
fn what_is_found_does_not_depend_on_the_number_of_workers() {
    let Some(wire) = Wire::lay() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let frames = frames();
    let start = |workers: usize| {
        let file = |what: &str| folder.path().join(format!("{workers}.{what}"));
        let said = format!(
            "local_networks = [\"fd20:20::/64\", \"2001:db8:7::/48\"]\nstate_dir = {:?}\n[capture]\nworkers = {workers}\n",
            file("state")
        );
        std::fs::write(file("toml"), said).unwrap();
        let mut command = wire.right.command(env!("CARGO_BIN_EXE_straggler"));
        command.args(["run", "--listen", "127.0.0.1:0", "--interface", "sg0"]);
        command.arg("--config").arg(file("toml"));
        (Served::spawn(command), file("toml"))
    };
    let sensors = WORKERS.map(start);
    let metrics = |sensor: &Served| metrics(&wire.right, sensor);
    for (sensor, _) in &sensors {
        wait_for("capturing", || {
            let up = "straggler_capture_up{interface=\"sg0\"} 1";
            metrics(sensor).lines().any(|line| line == up)
        });
    }
    inside(&wire.left, || {
        let mut wire = Sender::new(PER_SECOND);
        for frame in &frames {
            wire.send(&frame.bytes);
        }
    });
    let packets = format!(
        "straggler_capture_packets_total{{interface=\"sg0\"}} {}",
        frames.len()
    );
    for (sensor, _) in &sensors {
        wait_for(&packets, || metrics(sensor).contains(&packets));
    }
    // Flows are counted ten seconds after their start.
    std::thread::sleep(Duration::from_secs(12));
    let told = sensors.each_ref().map(|(sensor, _)| metrics(sensor));
    let reports = sensors.map(|(sensor, config)| {
        let (status, said, _) = sensor.end("TERM");
        assert_eq!(status.code(), Some(0), "{said}");
        report(&config)
    });
    let [one, others @ ..] = told.each_ref().map(|told| counts(told));
    for evidence in ["attempt", "contact", "transfer"] {
        let sightings = format!(
            "straggler_sightings_total{{vendor=\"kaspersky\",category=\"update\",signal=\"tls\",evidence=\"{evidence}\",phase=\"after\"}}"
        );
        let count = one.iter().find(|(name, _)| *name == sightings).unwrap();
        assert!(count.1 >= f64::from(FETCHING), "{count:?}");
    }
    assert!(reports[0].len() >= (FETCHING + 2 * ANSWERED) as usize);
    for (at, other) in others.iter().enumerate() {
        let differ: Vec<_> = one.iter().zip(other).filter(|(a, b)| a != b).collect();
        assert!(
            differ.is_empty(),
            "{} workers: {differ:#?}",
            WORKERS[at + 1]
        );
        assert_eq!(one.len(), other.len());
        assert_eq!(reports[0], reports[at + 1], "{} workers", WORKERS[at + 1]);
    }
    // Each worker has its part, and the parts make up all.
    for (workers, told) in WORKERS.into_iter().zip(&told) {
        let shares: Vec<usize> = shares(told);
        assert_eq!(shares.len(), if workers == 1 { 0 } else { workers });
        if workers > 1 {
            assert_eq!(shares.iter().sum::<usize>(), frames.len());
            let least = frames.len() / workers / 8;
            assert!(shares.iter().all(|share| *share > least), "{shares:?}");
        }
    }
}

#[test]
fn workers_give_an_interface_up_and_open_it_again_together() {
    let Some(wire) = Wire::lay() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("straggler.toml");
    std::fs::write(&config, "[capture]\nworkers = 3\n").unwrap();
    let mut command = wire.right.command(env!("CARGO_BIN_EXE_straggler"));
    command.args(["run", "--listen", "127.0.0.1:0", "--interface", "sg0"]);
    command.arg("--config").arg(&config);
    let sensor = Served::spawn(command);
    let is_told = |line: &str| {
        wait_for(line, || {
            metrics(&wire.right, &sensor)
                .lines()
                .any(|told| told == line)
        });
    };
    let up = |up: u8| format!("straggler_capture_up{{interface=\"sg0\"}} {up}");
    is_told(&up(1));
    let mut sent = 0;
    for times in 1..=2 {
        wire.right.shell("ip link del sg0");
        is_told(&up(0));
        wire.connect();
        is_told(&up(1));
        is_told(&format!(
            "straggler_capture_restarts_total{{interface=\"sg0\"}} {times}"
        ));
        // Each of them sees its part of what passes now, and nothing twice.
        inside(&wire.left, || {
            let mut wire = Sender::new(1_000);
            for host in 0..200_u32 {
                let client = format!("10.20.{times}.{host}:40000");
                let question = Message::query(7, UPDATE, A);
                let talk = Talk::udp(client.as_str(), "198.51.100.53:53").asks(&question);
                wire.send(&Link::ethernet().wrap(&talk.packets()[0].bytes));
            }
        });
        sent += 200;
        is_told(&format!(
            "straggler_capture_packets_total{{interface=\"sg0\"}} {sent}"
        ));
        is_told(&format!(
            "straggler_sightings_total{{vendor=\"kaspersky\",category=\"update\",signal=\"dns\",evidence=\"lookup\",phase=\"after\"}} {sent}"
        ));
    }
    let shares = shares(&metrics(&wire.right, &sensor));
    assert!(
        shares.len() == 3 && shares.iter().all(|share| *share > 20),
        "{shares:?}"
    );
    let (status, said, _) = sensor.end("TERM");
    assert_eq!(status.code(), Some(0), "{said}");
    // Once for the interface, not for each worker. It may be there before its link is.
    let links = said.matches("has no link").count();
    assert_eq!(said.matches("captured again").count(), 2 + links, "{said}");
    assert_eq!(said.matches("opened again as soon as").count(), 2, "{said}");
}

/// An office, fragmented answers over both versions, and downloads over both.
fn frames() -> Vec<Frame> {
    let link = Link::ethernet();
    let fetching = (0..FETCHING).map(|number| {
        let (client, server) = match number % 2 {
            0 => (
                format!("10.20.9.{number}:{}", 20_000 + number),
                "198.51.100.7:443".to_owned(),
            ),
            _ => (
                format!("[2001:db8:7::{number:x}]:{}", 20_000 + number),
                "[2001:db8:51::7]:443".to_owned(),
            ),
        };
        let data = application_data(20_000);
        Talk::tcp(client.as_str(), server.as_str())
            .at(u64::from(number) * 1_000_000)
            .open()
            .client(&ClientHello::to(UPDATE).stream())
            .server(&server_hello())
            .server(&data)
            .server(&data)
            .close()
    });
    let mut packets = merge(fetching);
    for number in 0..ANSWERED {
        packets.extend(answered(
            &format!("10.20.8.{number}"),
            "198.51.100.53",
            number,
        ));
        let six = format!("2001:db8:7:1::{number:x}");
        packets.extend(answered(&six, "2001:db8:51::53", number));
    }
    let ours = link.frames(&packets);
    let mut office = Office::new(40, 7).map(|(frame, _)| frame).take(OFFICE);
    let share = OFFICE / ours.len();
    let mut frames = Vec::new();
    for frame in ours {
        frames.extend(office.by_ref().take(share));
        frames.push(frame);
    }
    frames.extend(office);
    frames
}

/// A question, and its answer in fragments: the name that it is about is in all of it only.
fn answered(client: &str, resolver: &str, number: u32) -> Vec<TimedPacket> {
    let (client, resolver) = (client.parse().unwrap(), resolver.parse().unwrap());
    let kind = if number.is_multiple_of(2) { A } else { AAAA };
    let question = Message::query(number as u16, UPDATE, kind);
    let port = 30_000 + number as u16;
    let asked = Datagram::new(port, 53).payload(&question.bytes());
    let mut answer = question.response();
    for address in 0..60 {
        let address = format!("203.0.113.{address}");
        answer = answer.address(UPDATE, address.parse().unwrap());
    }
    let answer = Datagram::new(53, port).payload(&answer.bytes());
    let question = Ip::between(client, resolver).packet(&asked);
    let fragments = Ip::between(resolver, client).fragments(&answer, 400, number);
    assert!(fragments.len() > 2);
    let packet = |from, bytes| TimedPacket {
        time: 0,
        from,
        bytes,
    };
    let fragments = fragments.into_iter();
    std::iter::once(packet(Side::Client, question))
        .chain(fragments.map(|bytes| packet(Side::Server, bytes)))
        .collect()
}

fn metrics(end: &Namespace, sensor: &Served) -> String {
    let line = format!("curl -s http://{}/metrics", sensor.address);
    String::from_utf8(end.shell(&line).stdout).unwrap()
}

/// Frames that each worker took.
fn shares(metrics: &str) -> Vec<usize> {
    let lines = metrics.lines();
    let shares = lines.filter(|line| line.starts_with("straggler_capture_worker_packets_total"));
    let shares = shares.map(|line| line.rsplit(' ').next().unwrap().parse().unwrap());
    shares.collect()
}

/// All that is counted of traffic and hosts. What stands in tables now is not, and no time: sensors take a packet at different
/// times. Nor is what frames tell of a device: each worker tells that once a minute, so several know it earlier than one.
fn counts(metrics: &str) -> Vec<(String, f64)> {
    let own = [
        "straggler_config_",
        "straggler_capture_last_packet",
        "straggler_capture_worker_packets",
        "straggler_host_info",
        "straggler_host_last_sighting",
        "straggler_store_",
        "straggler_table_entries",
    ];
    let lines = metrics.lines();
    let lines = lines.filter(|line| line.starts_with("straggler_"));
    let lines = lines.filter(|line| !own.iter().any(|own| line.starts_with(own)));
    let counts = lines.filter_map(|line| {
        let (name, value) = line.rsplit_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    });
    counts.collect()
}

/// What `report` finds in the store, without times and without what frames tell of a device.
fn report(config: &std::path::Path) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_straggler"));
    command.args(["report", "--format", "csv", "--config"]);
    let output = command.arg(config).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let table = String::from_utf8(output.stdout).unwrap();
    let header: Vec<&str> = table.lines().next().unwrap().split(',').collect();
    let of_frames = ["host_macs", "host_confidence"];
    let is_time = |cell: &str| cell.len() > 18 && cell.contains('T') && cell.ends_with('Z');
    let rows = table.lines().map(|row| {
        let cells = row.split(',').enumerate();
        let is_kept = |at: usize| header.get(at).is_none_or(|name| !of_frames.contains(name));
        let cells = cells.filter(|(at, cell)| is_kept(*at) && !is_time(cell));
        cells.map(|(_, cell)| cell).collect::<Vec<_>>().join(",")
    });
    let mut rows: Vec<String> = rows.collect();
    rows.sort();
    rows
}
