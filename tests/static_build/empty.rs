//! A folder that has the program and nothing else, as the root of all that runs in it, with a network of its own.

use std::fs;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use nix::sched::{CloneFlags, setns};

use crate::namespace::Namespace;
use crate::needs;
use crate::served::{PATIENCE, wait_for};

pub(crate) struct Empty {
    folder: tempfile::TempDir,
    network: Namespace,
}

impl Empty {
    /// `None`, loudly, where something is missing.
    pub(crate) fn new() -> Option<Self> {
        if !needs::are_here(&["unshare", "nsenter", "chroot", "ip", "curl"]) {
            return None;
        }
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/static/straggler");
        if !program.exists() {
            needs::skip("target/static/straggler (`make static` builds it)");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        fs::copy(program, folder.path().join("straggler")).unwrap();
        let network = Namespace::new();
        for line in [
            "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6 || true",
            "ip link set lo up",
            "ip link add s0 type veth peer name s1",
            "ip link set s0 mtu 65535 up",
            "ip link set s1 mtu 65535 up",
        ] {
            assert!(network.shell(line).status.success(), "{line}");
        }
        Some(Self { folder, network })
    }

    /// A file in it, as it is seen from here.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The program in it.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.network.command("chroot");
        command.arg(self.folder.path()).arg("/straggler");
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    /// The ordinary program, in its network alone.
    pub(crate) fn ordinary(&self) -> Command {
        self.network.command(env!("CARGO_BIN_EXE_straggler"))
    }

    /// Who hears what is sent in its network.
    pub(crate) fn receiver(&self) -> UdpSocket {
        self.inside(|| {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            socket
        })
    }

    /// Sends the frames of a capture on the wire whose other end is captured.
    pub(crate) fn send(&self, capture: &Path) {
        self.inside(|| {
            let mut recording = pcap::Capture::from_file(capture).unwrap();
            let wire = pcap::Capture::from_device(pcap::Device::from("s0")).unwrap();
            let mut wire = wire.open().unwrap();
            while let Ok(packet) = recording.next_packet() {
                wire.sendpacket(packet.data).unwrap();
            }
        });
    }

    /// Runs something in its network, on a thread of its own that stays there.
    fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let path = format!("/proc/{}/ns/net", self.network.pid());
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                setns(File::open(path).unwrap(), CloneFlags::CLONE_NEWNET).unwrap();
                work()
            });
            thread.join().unwrap()
        })
    }
}

/// A daemon that captures in it, and is ended with the test.
pub(crate) struct Daemon {
    child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
    listen: &'static str,
}

impl Daemon {
    /// Starts it by a command that ends with the program, and waits until it serves.
    pub(crate) fn start(mut command: Command, listen: &'static str, args: &[&str]) -> Self {
        command.args(["run", "--interface", "s1", "--listen", listen]);
        command
            .args(args)
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut daemon = Self {
            stderr: BufReader::new(child.stderr.take().unwrap()),
            child,
            said: String::new(),
            listen,
        };
        while !daemon.said.contains("page and metrics on") {
            let read = daemon.stderr.read_line(&mut daemon.said).unwrap();
            assert!(read > 0, "it ended at once: {}", daemon.said);
        }
        daemon
    }

    pub(crate) fn metrics(&self, empty: &Empty) -> String {
        let mut curl = empty.network.command("curl");
        let address = format!("http://{}/metrics", self.listen);
        good(curl.args(["-sS", "--max-time", "5", &address]))
    }

    /// Ends it as a service manager does.
    pub(crate) fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
        wait_for("the end of the daemon", || {
            self.child.try_wait().unwrap().is_some()
        });
        self.stderr.read_to_string(&mut self.said).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{}", self.said);
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Ended already, or about to be: either is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs it to its end, which must be a good one; gives what it printed.
pub(crate) fn good(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{said}");
    String::from_utf8(output.stdout).unwrap()
}
