//! Live capture on a veth pair: real clients in one network namespace, servers and the daemon in another.
//!
//! Needs root and the tools that `make test` installs; says so and skips where they are missing.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod clients;
mod laboratory;
mod namespace;
mod needs;
mod recorded;
#[path = "../served/mod.rs"]
mod served;
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
fn an_interface_that_goes_away_ends_the_daemon_with_an_error() {
    let Some(laboratory) = Laboratory::build() else {
        return;
    };
    let served = laboratory.capture(&[]);
    laboratory.server.shell("ip link del sg0");
    let (status, said, _) = served.wait();
    assert_eq!(status.code(), Some(3), "{said}");
    assert!(said.contains("no interface is captured any more"), "{said}");
}
