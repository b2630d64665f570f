//! Live capture on a veth pair: real clients in one network namespace, servers and the daemon in another.
//!
//! Needs root and the tools that `make test` installs; says so and skips where they are missing.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod served;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use served::{Served, wait_for};

/// What a client does must show within this time.
const SHOWS_WITHIN: Duration = Duration::from_secs(5);

const CLIENT: &str = "10.99.0.2";
const SERVER: &str = "10.99.0.1";

/// A network namespace that lives as long as its process: nothing is mounted, nothing is left behind.
struct Namespace(Child);

impl Namespace {
    fn new() -> Self {
        let child = Command::new("unshare")
            .args(["--net", "sleep", "600"])
            .spawn()
            .unwrap();
        let namespace = Self(child);
        let own = std::fs::read_link("/proc/self/ns/net").unwrap();
        wait_for("a network namespace", || {
            let path = format!("/proc/{}/ns/net", namespace.pid());
            std::fs::read_link(path).is_ok_and(|other| other != own)
        });
        namespace
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    /// A command to be run inside.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/proc/{}/ns/net", self.pid()))
            .arg(program);
        command
    }

    fn shell(&self, line: &str) -> std::process::Output {
        self.command("sh")
            .args(["-c", &format!("PATH=$PATH:/usr/sbin:/sbin; {line}")])
            .output()
            .unwrap()
    }

    /// The daemon, capturing inside.
    fn capture(&self) -> Served {
        let mut command = self.command(env!("CARGO_BIN_EXE_straggler"));
        command.args(["run", "--listen", "127.0.0.1:0", "--interface", "sg0"]);
        Served::spawn(command)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Two namespaces joined by a veth pair, with a resolver and a TLS server in one of them.
struct Laboratory {
    client: Namespace,
    server: Namespace,
    children: Vec<Child>,
    folder: tempfile::TempDir,
}

impl Laboratory {
    /// `None`, loudly, where it cannot be built.
    fn build() -> Option<Self> {
        let missing: Vec<&str> = [
            "ip", "unshare", "nsenter", "curl", "dig", "dnsmasq", "openssl",
        ]
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
        let laboratory = Self {
            client: Namespace::new(),
            server: Namespace::new(),
            children: Vec::new(),
            folder: tempfile::tempdir().unwrap(),
        };
        laboratory.wire();
        Some(laboratory)
    }

    fn wire(&self) {
        let (client, server) = (&self.client, &self.server);
        for (namespace, command) in [
            (
                client,
                format!(
                    "ip link add sg0 type veth peer name sg0 netns {}",
                    server.pid()
                ),
            ),
            (client, format!("ip addr add {CLIENT}/24 dev sg0")),
            (server, format!("ip addr add {SERVER}/24 dev sg0")),
            (client, "ip link set sg0 up".to_owned()),
            (server, "ip link set sg0 up".to_owned()),
            (server, "ip link set lo up".to_owned()),
        ] {
            let output = namespace.shell(&command);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{command}: {said}");
        }
    }

    fn serve(&mut self) {
        let folder = self.folder.path().display().to_string();
        let certificate = format!(
            "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=stand-in -keyout {folder}/key -out {folder}/cert"
        );
        assert!(self.server.shell(&certificate).status.success());
        for command in [
            // The real resolver of the site, and a stand-in for the vendor's server.
            format!(
                "exec dnsmasq --no-daemon --no-resolv --no-hosts --listen-address={SERVER} --bind-interfaces --address=/upd.kaspersky.com/{SERVER}"
            ),
            format!(
                "exec openssl s_server -accept 443 -www -key {folder}/key -cert {folder}/cert -quiet"
            ),
        ] {
            let child = self
                .server
                .command("sh")
                .args(["-c", &format!("PATH=$PATH:/usr/sbin; {command}")])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            self.children.push(child);
        }
    }

    /// The daemon's metrics, asked for from inside its namespace.
    fn metrics(&self, served: &Served) -> String {
        let command = format!("curl -s http://{}/metrics", served.address);
        String::from_utf8(self.server.shell(&command).stdout).unwrap()
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
    }
}

#[test]
fn what_real_clients_do_shows_within_seconds() {
    let Some(mut laboratory) = Laboratory::build() else {
        return;
    };
    laboratory.serve();
    let served = laboratory.server.capture();
    laboratory.wait_for_metric(&served, "straggler_capture_up{interface=\"sg0\"} 1");

    let dig = format!("dig +short +tries=5 +time=1 @{SERVER} s07.upd.kaspersky.com");
    let answer = String::from_utf8(laboratory.client.shell(&dig).stdout).unwrap();
    assert_eq!(answer.trim(), SERVER);
    let asking = "straggler_hosts{vendor=\"kaspersky\",category=\"update\",status=\"asking\"} 1";
    laboratory.wait_for_metric(&served, asking);

    let curl = format!(
        "curl -sk --retry 5 --retry-connrefused --resolve s07.upd.kaspersky.com:443:{SERVER} https://s07.upd.kaspersky.com/"
    );
    assert!(laboratory.client.shell(&curl).status.success());
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
    let served = laboratory.server.capture();
    laboratory.wait_for_metric(&served, "straggler_capture_up{interface=\"sg0\"} 1");
    laboratory.server.shell("ip link del sg0");
    let (status, said, _) = served.wait();
    assert_eq!(status.code(), Some(3), "{said}");
    assert!(said.contains("no interface is captured any more"), "{said}");
}
