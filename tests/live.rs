//! Live capture on a veth pair: real clients in one network namespace, servers and the daemon in another.
//!
//! Needs root and the tools that `make test` installs; says so and skips where they are missing.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod served;

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use served::{Served, wait_for};

/// What a client does must show within this time.
const SHOWS_WITHIN: Duration = Duration::from_secs(5);

const CLIENT: &str = "10.99.0.2";
const SERVER: &str = "10.99.0.1";

static LABORATORIES: AtomicUsize = AtomicUsize::new(0);

/// Two namespaces joined by a veth pair, with a resolver and a TLS server in one of them.
struct Laboratory {
    client: String,
    server: String,
    children: Vec<Child>,
    folder: tempfile::TempDir,
}

impl Laboratory {
    /// `None`, loudly, where it cannot be built.
    fn build() -> Option<Self> {
        let missing: Vec<&str> = ["ip", "curl", "dig", "dnsmasq", "openssl"]
            .into_iter()
            .filter(|tool| {
                Command::new("sh")
                    .args(["-c", &format!("PATH=$PATH:/usr/sbin command -v {tool}")])
                    .output()
                    .is_ok_and(|o| !o.status.success())
            })
            .collect();
        let root = Command::new("id")
            .arg("-u")
            .output()
            .is_ok_and(|output| output.stdout == b"0\n");
        if !root || !missing.is_empty() {
            assert!(
                std::env::var_os("CI").is_none(),
                "in CI this test must run; missing: {missing:?}, root: {root}"
            );
            eprintln!("SKIPPED: needs root and {missing:?}");
            return None;
        }
        // Tests of one process run at once, so each laboratory has a number.
        let number = LABORATORIES.fetch_add(1, Ordering::Relaxed);
        let id = format!("{}-{number}", std::process::id());
        let laboratory = Self {
            client: format!("sg-client-{id}"),
            server: format!("sg-server-{id}"),
            children: Vec::new(),
            folder: tempfile::tempdir().unwrap(),
        };
        laboratory.wire();
        Some(laboratory)
    }

    fn wire(&self) {
        let (client, server) = (&self.client, &self.server);
        for command in [
            format!("ip netns add {client}"),
            format!("ip netns add {server}"),
            format!("ip -n {client} link add sg0 type veth peer name sg0 netns {server}"),
            format!("ip -n {client} addr add {CLIENT}/24 dev sg0"),
            format!("ip -n {server} addr add {SERVER}/24 dev sg0"),
            format!("ip -n {client} link set sg0 up"),
            format!("ip -n {server} link set sg0 up"),
            format!("ip -n {server} link set lo up"),
        ] {
            let output = shell(&command);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{command}: {said}");
        }
    }

    fn serve(&mut self) {
        let folder = self.folder.path().display().to_string();
        let certificate = format!(
            "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=stand-in -keyout {folder}/key -out {folder}/cert"
        );
        assert!(shell(&certificate).status.success());
        for command in [
            // The real resolver of the site, and a stand-in for the vendor's server.
            format!(
                "exec dnsmasq --no-daemon --no-resolv --no-hosts --listen-address={SERVER} --bind-interfaces --address=/upd.kaspersky.com/{SERVER}"
            ),
            format!(
                "exec openssl s_server -accept 443 -www -key {folder}/key -cert {folder}/cert -quiet"
            ),
        ] {
            let child = Command::new("ip")
                .args([
                    "netns",
                    "exec",
                    &self.server,
                    "sh",
                    "-c",
                    &format!("PATH=$PATH:/usr/sbin; {command}"),
                ])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            self.children.push(child);
        }
    }

    /// Runs a client; its output.
    fn client(&self, command: &str) -> std::process::Output {
        shell(&format!("ip netns exec {} {command}", self.client))
    }

    /// The daemon's metrics, asked for from inside its namespace.
    fn metrics(&self, served: &Served) -> String {
        let command = format!(
            "ip netns exec {} curl -s http://{}/metrics",
            self.server, served.address
        );
        String::from_utf8(shell(&command).stdout).unwrap()
    }

    fn wait_for_metric(&self, served: &Served, line: &str) {
        let start = Instant::now();
        wait_for(line, || {
            self.metrics(served).lines().any(|other| other == line)
        });
        let took = start.elapsed();
        assert!(took < SHOWS_WITHIN, "{line} showed after {took:?}");
    }
}

impl Drop for Laboratory {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        for namespace in [&self.client, &self.server] {
            shell(&format!("ip netns del {namespace}"));
        }
    }
}

fn shell(command: &str) -> std::process::Output {
    Command::new("sh").args(["-c", command]).output().unwrap()
}

#[test]
fn what_real_clients_do_shows_within_seconds() {
    let Some(mut laboratory) = Laboratory::build() else {
        return;
    };
    laboratory.serve();
    let mut command = Command::new("ip");
    command.args([
        "netns",
        "exec",
        &laboratory.server,
        env!("CARGO_BIN_EXE_straggler"),
    ]);
    command.args(["run", "--listen", "127.0.0.1:0", "--interface", "sg0"]);
    let served = Served::spawn(command);
    laboratory.wait_for_metric(&served, "straggler_capture_up{interface=\"sg0\"} 1");

    let dig = format!("dig +short +tries=5 +time=1 @{SERVER} s07.upd.kaspersky.com");
    let answer = String::from_utf8(laboratory.client(&dig).stdout).unwrap();
    assert_eq!(answer.trim(), SERVER);
    let asking = "straggler_hosts{vendor=\"kaspersky\",category=\"update\",status=\"asking\"} 1";
    laboratory.wait_for_metric(&served, asking);

    let curl = format!(
        "curl -sk --retry 5 --retry-connrefused --resolve s07.upd.kaspersky.com:443:{SERVER} https://s07.upd.kaspersky.com/"
    );
    assert!(laboratory.client(&curl).status.success());
    let straggling = format!(
        "straggler_host_straggling{{host=\"ip-{CLIENT}\",vendor=\"kaspersky\",category=\"update\"}} 1"
    );
    laboratory.wait_for_metric(&served, &straggling);
    let contacting =
        "straggler_hosts{vendor=\"kaspersky\",category=\"update\",status=\"contacting\"} 1";
    laboratory.wait_for_metric(&served, contacting);
    let metrics = laboratory.metrics(&served);
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
    let mut command = Command::new("ip");
    command.args([
        "netns",
        "exec",
        &laboratory.server,
        env!("CARGO_BIN_EXE_straggler"),
    ]);
    command.args(["run", "--listen", "127.0.0.1:0", "--interface", "sg0"]);
    let served = Served::spawn(command);
    laboratory.wait_for_metric(&served, "straggler_capture_up{interface=\"sg0\"} 1");
    shell(&format!("ip -n {} link del sg0", laboratory.server));
    let (status, said, _) = served.wait();
    assert_eq!(status.code(), Some(3), "{said}");
    assert!(said.contains("no interface is captured any more"), "{said}");
}
