//! Two namespaces joined by a veth pair: clients in one, servers, daemon and recorder in the other.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, Stdio};
use std::time::{Duration, Instant};

use crate::namespace::{Namespace, Running, wait_for_word};
use crate::needs::{self, beside_this};
use crate::served::{Served, wait_for};

/// What a client does must show within this time.
const SHOWS_WITHIN: Duration = Duration::from_secs(5);

/// The first client.
pub(crate) const CLIENT: &str = "10.99.0.2";
/// A second client on the same link.
pub(crate) const OTHER_CLIENT: &str = "10.99.0.3";
/// Where every server listens.
pub(crate) const SERVER: &str = "10.99.0.1";
/// The same servers over a path of 576 bytes, so that a long hello comes in several segments.
pub(crate) const NARROW: &str = "10.99.0.9";
/// Every name below it has the server's address.
pub(crate) const ZONE: &str = "stand-in.example";

const TOOLS: [&str; 9] = [
    "ip", "unshare", "nsenter", "curl", "dig", "dnsmasq", "openssl", "python3", "tcpdump",
];

/// A kernel without IPv6 is as quiet.
const QUIET: &str = "ip link set sg0 addrgenmode none 2>/dev/null || true";

pub(crate) struct Laboratory {
    pub(crate) client: Namespace,
    pub(crate) server: Namespace,
    servers: Vec<Running>,
    folder: tempfile::TempDir,
}

impl Laboratory {
    /// `None`, loudly, where it cannot be built.
    pub(crate) fn build() -> Option<Self> {
        if !needs::are_here(&TOOLS) {
            return None;
        }
        let laboratory = Self {
            client: Namespace::new(),
            server: Namespace::new(),
            servers: Vec::new(),
            folder: tempfile::tempdir().unwrap(),
        };
        laboratory.wire();
        Some(laboratory)
    }

    /// Puts the wire between the two, or puts it there again.
    pub(crate) fn wire(&self) {
        let (client, server) = (&self.client, &self.server);
        let veth = format!(
            "ip link add sg0 type veth peer name sg0 netns {}",
            server.pid()
        );
        let narrow = format!("ip route add {NARROW} dev sg0 src {CLIENT} mtu lock 576");
        for (namespace, command) in [
            (client, veth),
            (client, format!("ip addr add {CLIENT}/24 dev sg0")),
            (client, format!("ip addr add {OTHER_CLIENT}/24 dev sg0")),
            (server, format!("ip addr add {SERVER}/24 dev sg0")),
            (server, format!("ip addr add {NARROW}/24 dev sg0")),
            // Without addresses of its own the link is silent: everything on it is a client's doing.
            (client, QUIET.to_owned()),
            (server, QUIET.to_owned()),
            // What is sent stands on the wire in the segments of its path, not in one large one.
            (client, "ip link set sg0 gso_max_segs 1".to_owned()),
            (client, "ip link set sg0 up".to_owned()),
            (server, "ip link set sg0 up".to_owned()),
            (server, "ip link set lo up".to_owned()),
            (client, narrow),
        ] {
            let output = namespace.shell(&command);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{command}: {said}");
        }
    }

    /// A file of this laboratory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the site's resolver and everything that speaks TCP; all of it answers when this returns.
    pub(crate) fn serve(&mut self) {
        let folder = self.folder.path().display();
        let certificate = format!(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=stand-in \
             -keyout {folder}/key -out {folder}/cert"
        );
        assert!(self.server.shell(&certificate).status.success());
        // The binding of https.dns: priority 1, this name itself, alpn=h2, ipv4hint of the server.
        let dnsmasq = format!(
            "exec dnsmasq --keep-in-foreground --no-resolv --no-hosts --conf-file=/dev/null --pid-file= --user=root \
             --listen-address={SERVER} --bind-interfaces \
             --address=/upd.kaspersky.com/{SERVER} --address=/{ZONE}/{SERVER} \
             --dns-rr=https.dns.{ZONE},65,00010000010003026832000400040a630001"
        );
        let mut dnsmasq = self.server.line(&dnsmasq);
        dnsmasq
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.servers.push(Running(dnsmasq.spawn().unwrap()));
        // Asked from its own side: nothing of it is on the link.
        let ask = format!("dig +short +time=1 +tries=1 @{SERVER} ready.{ZONE}");
        wait_for("the resolver", || {
            self.server
                .shell(&ask)
                .stdout
                .starts_with(SERVER.as_bytes())
        });
        self.serve_by("python3", "servers.py", &[]);
    }

    /// Starts a script of ours that serves with the laboratory's certificate, and waits until it says that it is ready.
    pub(crate) fn serve_by(&mut self, python: &str, script: &str, arguments: &[&str]) {
        let mut command = self.server.command(python);
        command
            .arg(beside_this(script))
            .args(arguments)
            .args([self.file("cert"), self.file("key")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut server = Running(command.spawn().unwrap());
        wait_for_word(server.0.stdout.take().unwrap(), "ready");
        self.servers.push(server);
    }

    /// Ends every server but the resolver.
    pub(crate) fn end_servers(&mut self) {
        self.servers.truncate(1);
    }

    /// The daemon, capturing on the servers' side.
    pub(crate) fn capture(&self, arguments: &[&str]) -> Served {
        let mut command = self.server.command(env!("CARGO_BIN_EXE_straggler"));
        command
            .args(["run", "--listen", "127.0.0.1:0", "--interface", "sg0"])
            .args(arguments);
        let served = Served::spawn(command);
        self.wait_for_metric(&served, "straggler_capture_up{interface=\"sg0\"} 1");
        served
    }

    /// tcpdump on the same interface, writing to a file; it captures when this returns.
    pub(crate) fn record(&self, file: &Path) -> Recorder {
        let mut command = self.server.line(
            // As it comes, so that the file says what was seen; by its own times, as the daemon has them.
            "exec tcpdump -i sg0 -B 16384 -n -U --immediate-mode --time-stamp-precision=nano -w -",
        );
        command
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(file).unwrap())
            .stderr(Stdio::piped());
        let mut process = Running(command.spawn().unwrap());
        let said = process.0.stderr.take().unwrap();
        Recorder {
            said: wait_for_word(said, "listening on"),
            process,
        }
    }

    /// What the daemon serves at a path, asked for from inside its namespace.
    pub(crate) fn get(&self, served: &Served, path: &str) -> String {
        let command = format!("curl -s http://{}{path}", served.address);
        String::from_utf8(self.server.shell(&command).stdout).unwrap()
    }

    pub(crate) fn wait_for_metric(&self, served: &Served, line: &str) {
        let start = Instant::now();
        wait_for(line, || {
            let metrics = self.get(served, "/metrics");
            metrics.lines().any(|other| other == line)
        });
        let took = start.elapsed();
        assert!(took < SHOWS_WITHIN, "{line} showed after {took:?}");
    }
}

/// A tcpdump that records.
pub(crate) struct Recorder {
    process: Running,
    said: BufReader<ChildStderr>,
}

impl Recorder {
    /// Ends the recording; nothing of it may have been lost.
    pub(crate) fn end(mut self) {
        self.process.interrupt();
        let mut said = String::new();
        self.said.read_to_string(&mut said).unwrap();
        assert!(said.contains("\n0 packets dropped by kernel"), "{said}");
    }
}
