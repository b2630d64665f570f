//! Interfaces that are not there yet, change their names, or lose them to others.

use crate::laboratory::Laboratory;
use crate::namespace::Running;
use crate::served::{Served, wait_for};

/// The daemon on an interface of the servers' side, whatever that is.
fn capture(laboratory: &Laboratory, more: &[&str]) -> Served {
    let mut command = laboratory.server.command(env!("CARGO_BIN_EXE_straggler"));
    command
        .args(["run", "--listen", "127.0.0.1:0", "--interface", "sg0"])
        .args(more);
    Served::spawn(command)
}

fn metric(laboratory: &Laboratory, served: &Served, name: &str, value: u8) {
    let line = format!("straggler_capture_{name}{{interface=\"sg0\"}} {value}");
    laboratory.wait_for_metric(served, &line);
}

fn says(laboratory: &Laboratory, served: &Served, words: &str) {
    wait_for(words, || laboratory.get(served, "/").contains(words));
}

/// A client asks for a name of the vendor, nobody answers, and the daemon has seen so many such questions.
fn asks(laboratory: &Laboratory, served: &Served, number: u8) {
    // Until the other side refuses a connection (7), the link is still being found.
    wait_for("the link", || {
        let refused = laboratory.client.shell("curl -s -m 1 http://10.99.0.9:9/");
        refused.status.code() == Some(7)
    });
    laboratory.client.shell(&format!(
        "dig +tries=1 +time=1 @10.99.0.9 s0{number}.upd.kaspersky.com"
    ));
    let asked = format!(
        "straggler_sightings_total{{vendor=\"kaspersky\",category=\"update\",signal=\"dns\",evidence=\"lookup\",phase=\"after\"}} {number}"
    );
    laboratory.wait_for_metric(served, &asked);
}

fn server(laboratory: &Laboratory, line: &str) {
    let output = laboratory.server.shell(line);
    assert!(output.status.success(), "{line}: {output:?}");
}

#[test]
fn an_interface_that_is_not_there_yet_is_waited_for() {
    let Some(laboratory) = Laboratory::build() else {
        return;
    };
    for workers in [1, 2] {
        server(&laboratory, "ip link del sg0");
        server(&laboratory, "ip link set lo up");
        let config = laboratory.file("awaited.toml");
        std::fs::write(&config, format!("[capture]\nworkers = {workers}\n")).unwrap();
        let served = capture(&laboratory, &["--config", config.to_str().unwrap()]);
        metric(&laboratory, &served, "up", 0);
        // A mistake in typing shows at once.
        says(
            &laboratory,
            &served,
            "sg0: waiting for it: no such interface; there are: ",
        );
        assert_eq!(laboratory.get(&served, "/-/ready"), "ready\n");
        laboratory.wire();
        metric(&laboratory, &served, "up", 1);
        metric(&laboratory, &served, "restarts_total", 0);
        let page = laboratory.get(&served, "/");
        assert!(!page.contains("waiting for it"), "{page}");
        asks(&laboratory, &served, 1);
        // Its address is the sensor's own, though the sensor had none when it started.
        let own = "dig +tries=1 +time=1 @10.99.0.9 s02.upd.kaspersky.com";
        laboratory
            .client
            .shell(&own.replace("10.99.0.9", "10.99.0.1"));
        laboratory
            .server
            .shell(&own.replace("10.99.0.9", "10.99.0.2"));
        wait_for("the sensor itself", || {
            let hosts = laboratory.get(&served, "/api/v1/hosts?host=10.99.0.1");
            hosts.contains("\"gateway\"")
        });
        let (status, said, _) = served.end("TERM");
        assert_eq!(status.code(), Some(0), "{said}");
        assert!(said.contains("captured now"), "{said}");
    }
}

#[test]
fn an_interface_that_is_down_at_start_is_waited_for() {
    let Some(laboratory) = Laboratory::build() else {
        return;
    };
    server(&laboratory, "ip link set sg0 down");
    let served = capture(&laboratory, &[]);
    metric(&laboratory, &served, "up", 0);
    says(
        &laboratory,
        &served,
        "sg0: waiting for it: the interface is down",
    );
    // In a network that is no private one, of which nobody knew.
    server(
        &laboratory,
        "ip addr add 198.51.100.1/24 dev sg0 && ip link set sg0 up",
    );
    metric(&laboratory, &served, "up", 1);
    asks(&laboratory, &served, 1);
    says(
        &laboratory,
        &served,
        "sg0: its networks were not known at start (198.51.100.0/24)",
    );
    let (status, said, _) = served.end("TERM");
    assert_eq!(status.code(), Some(0), "{said}");
}

#[test]
fn without_reopening_nothing_is_waited_for() {
    let Some(laboratory) = Laboratory::build() else {
        return;
    };
    let config = laboratory.file("straggler.toml");
    std::fs::write(&config, "[capture]\nreopen = false\n").unwrap();
    for (line, words) in [
        ("ip link set sg0 down", "sg0: the interface is down"),
        ("ip link del sg0", "sg0: no such interface; there are: "),
    ] {
        server(&laboratory, line);
        let mut command = laboratory.server.command(env!("CARGO_BIN_EXE_straggler"));
        command.args(["run", "--listen", "127.0.0.1:0", "--interface", "sg0"]);
        let output = command.arg("--config").arg(&config).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn a_renamed_interface_is_captured_on_and_told_until_another_has_its_name() {
    let Some(laboratory) = Laboratory::build() else {
        return;
    };
    let served = capture(&laboratory, &[]);
    metric(&laboratory, &served, "up", 1);
    // As udev does it, so that every kernel takes it.
    let rename = |from: &str, to: &str| {
        let line = format!(
            "ip link set {from} down && ip link set {from} name {to} && ip link set {to} up"
        );
        server(&laboratory, &line);
    };
    rename("sg0", "lan0");
    says(&laboratory, &served, "sg0: it is called lan0 now");
    metric(&laboratory, &served, "up", 1);
    asks(&laboratory, &served, 1);
    // Whether there is a link is asked of the interface, whatever it is called.
    server(&laboratory, "ip link set lan0 down");
    metric(&laboratory, &served, "up", 0);
    server(&laboratory, "ip link set lan0 up");
    metric(&laboratory, &served, "up", 1);
    rename("lan0", "sg0");
    wait_for("its own name", || {
        !laboratory.get(&served, "/").contains("it is called")
    });
    asks(&laboratory, &served, 2);
    metric(&laboratory, &served, "restarts_total", 0);

    rename("sg0", "lan0");
    says(&laboratory, &served, "sg0: it is called lan0 now");
    server(
        &laboratory,
        "ip link add sg0 type veth peer name sg9 && ip link set sg9 up && ip link set sg0 up",
    );
    metric(&laboratory, &served, "restarts_total", 1);
    metric(&laboratory, &served, "up", 1);
    let page = laboratory.get(&served, "/");
    assert!(
        !page.contains("it is called") && !page.contains("another interface"),
        "{page}"
    );
    // What has the name is what was asked for: the client on the other link is not seen any more, one on this is.
    laboratory
        .client
        .shell("dig +tries=1 +time=1 @10.99.0.9 s09.upd.kaspersky.com");
    server(
        &laboratory,
        "ip addr add 10.97.0.1/24 dev sg9 && ip neigh add 10.97.0.2 lladdr 02:00:00:00:00:01 dev sg9",
    );
    let dig = "exec dig +tries=1 +time=1 -b 10.97.0.1 @10.97.0.2 s03.upd.kaspersky.com";
    let mut asking = laboratory.server.line(dig);
    let _asking = Running(asking.stdout(std::process::Stdio::null()).spawn().unwrap());
    let asked = "straggler_sightings_total{vendor=\"kaspersky\",category=\"update\",signal=\"dns\",evidence=\"lookup\",phase=\"after\"} 3";
    laboratory.wait_for_metric(&served, asked);
    let (status, said, _) = served.end("TERM");
    assert_eq!(status.code(), Some(0), "{said}");
}
