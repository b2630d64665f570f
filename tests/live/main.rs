//! Live capture on a veth pair: real clients in one network namespace, servers and the daemon in another.
//!
//! Needs root and the tools that `make test` installs; says so and skips where they are missing.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod awaited;
mod clients;
mod laboratory;
mod namespace;
mod needs;
#[path = "../program/mod.rs"]
mod program;
mod recorded;
#[path = "../served/mod.rs"]
mod served;
mod signals;
mod wire;

use laboratory::{Laboratory, SERVER};

#[test]
fn what_real_clients_do_shows_within_seconds() {
    let Some(mut laboratory) = Laboratory::build() else {
        return;
    };
    laboratory.serve();
    let served = laboratory.capture(&[]);

    let dig = format!("dig +short @{SERVER} s07.upd.kaspersky.com");
    let answer = String::from_utf8(laboratory.client.shell(&dig).stdout).unwrap();
    assert_eq!(answer.trim(), SERVER);
    let asking = "straggler_hosts{vendor=\"kaspersky\",category=\"update\",status=\"asking\"} 1";
    laboratory.wait_for_metric(&served, asking);

    let curl = format!(
        "curl -sk --resolve s07.upd.kaspersky.com:443:{SERVER} https://s07.upd.kaspersky.com/"
    );
    assert!(laboratory.client.shell(&curl).status.success());
    let link = laboratory.client.shell("ip -o link show sg0").stdout;
    let link = String::from_utf8(link).unwrap();
    let (_, link) = link.split_once("link/ether ").unwrap();
    let (mac, _) = link.split_once(' ').unwrap();
    let straggling = format!(
        "straggler_host_straggling{{host=\"mac-{mac}\",vendor=\"kaspersky\",category=\"update\"}} 1"
    );
    laboratory.wait_for_metric(&served, &straggling);
    let contacting =
        "straggler_hosts{vendor=\"kaspersky\",category=\"update\",status=\"contacting\"} 1";
    laboratory.wait_for_metric(&served, contacting);
    let metrics = laboratory.get(&served, "/metrics");
    assert!(metrics.contains(
        "straggler_capture_dropped_packets_total{interface=\"sg0\",reason=\"kernel\"} 0"
    ));

    let (status, said, _) = served.end("TERM");
    assert_eq!(status.code(), Some(0), "{said}");
}

#[test]
fn an_interface_without_a_link_is_not_looked_at() {
    let Some(laboratory) = Laboratory::build() else {
        return;
    };
    let served = laboratory.capture(&[]);
    let up = |up: u8| format!("straggler_capture_up{{interface=\"sg0\"}} {up}");
    laboratory.wait_for_metric(&served, &up(1));
    for end in [&laboratory.server, &laboratory.client] {
        end.shell("ip link set sg0 down");
        laboratory.wait_for_metric(&served, &up(0));
        let page = laboratory.get(&served, "/");
        assert!(page.contains("sg0: the interface is down"), "{page}");
        end.shell("ip link set sg0 up");
        laboratory.wait_for_metric(&served, &up(1));
        let page = laboratory.get(&served, "/");
        assert!(!page.contains("sg0: the interface is down"), "{page}");
    }
    let (status, said, _) = served.end("TERM");
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.contains("captured again"), "{said}");
}

#[test]
fn an_interface_that_goes_away_is_captured_again_when_it_is_back() {
    let Some(laboratory) = Laboratory::build() else {
        return;
    };
    let served = laboratory.capture(&[]);
    let metric = |name: &str, value: u8| {
        let line = format!("straggler_capture_{name}{{interface=\"sg0\"}} {value}");
        laboratory.wait_for_metric(&served, &line);
    };
    metric("up", 1);
    for times in 1..=2 {
        laboratory.server.shell("ip link del sg0");
        metric("up", 0);
        let page = laboratory.get(&served, "/");
        assert!(
            page.contains("opened again as soon as it is there"),
            "{page}"
        );
        laboratory.wire();
        metric("up", 1);
        metric("restarts_total", times);
        // Nobody answers, and the question is seen.
        laboratory.client.shell(&format!(
            "dig +tries=1 +time=1 @10.99.0.9 s0{times}.upd.kaspersky.com"
        ));
        let asked = format!(
            "straggler_sightings_total{{vendor=\"kaspersky\",category=\"update\",signal=\"dns\",evidence=\"lookup\",phase=\"after\"}} {times}"
        );
        laboratory.wait_for_metric(&served, &asked);
    }
    let page = laboratory.get(&served, "/");
    assert!(!page.contains("opened again as soon"), "{page}");
    let (status, said, _) = served.end("TERM");
    assert_eq!(status.code(), Some(0), "{said}");
}

#[test]
fn without_reopening_an_interface_that_goes_away_ends_the_daemon_with_an_error() {
    let Some(laboratory) = Laboratory::build() else {
        return;
    };
    let config = laboratory.file("straggler.toml");
    std::fs::write(&config, "[capture]\nreopen = false\n").unwrap();
    let served = laboratory.capture(&["--config", config.to_str().unwrap()]);
    laboratory.server.shell("ip link del sg0");
    let (status, said, _) = served.wait();
    assert_eq!(status.code(), Some(3), "{said}");
    assert!(said.contains("no interface is captured any more"), "{said}");
}
