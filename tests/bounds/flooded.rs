//! The daemon under a flood: fed by a pipe, or capturing a link in a network namespace of its own.

use std::io::Write;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::namespace::Namespace;
use crate::served::{Served, get};

/// The interface that the daemon captures, and the one at the other end of the link.
pub(crate) const INTERFACE: &str = "sg0";
const OTHER_END: &str = "sg1";
/// Tells the test program which interface to send on instead of testing.
const SEND_ON: &str = "STRAGGLER_BOUNDS_SEND_ON";
/// Frames that are sent before it is waited: as many as the sensor's buffer takes for sure.
const AT_ONCE: u32 = 200;

/// A daemon, and what it takes frames from.
pub(crate) struct Flooded {
    pub(crate) served: Served,
    link: Option<(Namespace, Child)>,
}

impl Flooded {
    /// A daemon that replays what is written into the pipe.
    pub(crate) fn by_pipe() -> (Self, ChildStdin) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_straggler"));
        command.args(["run", "--listen", "127.0.0.1:0", "--replay", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut served = Served::spawn_as_it_is(command);
        let stdin = served.take_stdin();
        (Self { served, link: None }, stdin)
    }

    /// A daemon with a store that captures a link, on which is sent what is written into the pipe; `None` where that
    /// needs what is not there.
    pub(crate) fn on_a_link(state: &Path) -> Option<(Self, ChildStdin)> {
        if !has_all_it_needs() {
            return None;
        }
        let namespace = Namespace::new();
        for line in [
            format!("ip link add {INTERFACE} type veth peer name {OTHER_END}"),
            "ip link set lo up".to_owned(),
            format!("ip link set {INTERFACE} addrgenmode none 2>/dev/null || true"),
            format!("ip link set {OTHER_END} addrgenmode none 2>/dev/null || true"),
            format!("ip link set {INTERFACE} up && ip link set {OTHER_END} up"),
        ] {
            let done = namespace.shell(&line);
            assert!(done.status.success(), "{line}: {done:?}");
        }
        let mut command = namespace.command(env!("CARGO_BIN_EXE_straggler"));
        command.args(["run", "--listen", "127.0.0.1:0", "--interface", INTERFACE]);
        command.arg("--state-dir").arg(state);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let served = Served::spawn_as_it_is(command);
        let own = std::env::current_exe().unwrap();
        let mut sender = namespace
            .command(own.to_str().unwrap())
            .args(["--exact", "flooded::sends_what_it_is_given", "--nocapture"])
            .env(SEND_ON, OTHER_END)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let pipe = sender.stdin.take().unwrap();
        let link = Some((namespace, sender));
        Some((Self { served, link }, pipe))
    }

    /// Status code and body of a path.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let Some((namespace, _)) = &self.link else {
            return get(self.served.address, path);
        };
        let url = format!("http://{}{path}", self.served.address);
        let mut curl = namespace.command("curl");
        curl.args(["-s", "-m", "20", "-w", "\n%{http_code}", &url]);
        let answer = String::from_utf8(curl.output().unwrap().stdout).unwrap();
        let (body, status) = answer.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), body.to_owned())
    }

    /// A command to be run where the daemon is.
    pub(crate) fn command(&self, program: &str) -> Command {
        match &self.link {
            Some((namespace, _)) => namespace.command(program),
            None => Command::new(program),
        }
    }

    /// Waits until all that was written is on the link.
    pub(crate) fn sent(&mut self) {
        if let Some((_, sender)) = &mut self.link {
            assert!(sender.wait().unwrap().success());
        }
    }
}

fn has_all_it_needs() -> bool {
    const TOOLS: &str = "ip unshare nsenter curl";
    let root = Command::new("id").arg("-u").output().unwrap();
    let tools = format!(
        "PATH=$PATH:/usr/sbin:/sbin; for tool in {TOOLS}; do command -v $tool || exit 1; done"
    );
    let tools = Command::new("sh").args(["-c", &tools]).output().unwrap();
    let has_all = root.stdout == b"0\n" && tools.status.success();
    if !has_all {
        let needs = format!("it needs root, and {TOOLS}");
        assert!(std::env::var_os("CI").is_none(), "{needs}");
        eprintln!("SKIPPED: {needs}");
    }
    has_all
}

/// No test: the other end of the link. The test program starts itself again inside the namespace for this.
#[test]
fn sends_what_it_is_given() {
    let Ok(interface) = std::env::var(SEND_ON) else {
        return;
    };
    let mut to = pcap::Capture::from_device(interface.as_str())
        .unwrap()
        .open()
        .unwrap();
    let mut from = pcap::Capture::from_file("/dev/stdin").unwrap();
    let mut sent: u32 = 0;
    while let Ok(packet) = from.next_packet() {
        to.sendpacket(packet.data).unwrap();
        sent += 1;
        if sent.is_multiple_of(AT_ONCE) {
            std::thread::sleep(crate::PAUSE);
        }
    }
    std::io::stderr().flush().unwrap();
}
