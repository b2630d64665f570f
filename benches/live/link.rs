//! Two interfaces, what is sent on one comes in at the other; and tcpreplay, which sends.

use std::process::Command;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use super::Traffic;
use super::namespace::Namespace;

/// Where frames come in.
pub const INTERFACE: &str = "sg0";
const OTHER_END: &str = "sg1";
/// No frame of an ordinary capture is longer; a longer one would be cut or refused by the sender, which is checked.
const MTU: u32 = 9_216;

/// How fast is sent.
#[derive(Clone, Copy, Debug)]
pub enum Speed {
    /// As fast as tcpreplay reads the file.
    Reading,
    /// As fast as it sends what it has read into its memory before.
    Top,
    /// Packets a second.
    Rate(u64),
}

/// What was sent.
pub struct Sent {
    pub packets: u64,
    /// By the clock.
    pub seconds: f64,
    /// Of the sender: with all that the kernel does until the frame is in the receiver's buffer.
    pub cpu_seconds: f64,
}

impl Sent {
    pub fn rate(&self) -> u64 {
        (self.packets as f64 / self.seconds) as u64
    }
}

/// The link, in a namespace of its own.
pub struct Link {
    pub namespace: Namespace,
}

impl Link {
    pub fn new() -> Self {
        let namespace = Namespace::new();
        for line in [
            format!("ip link add {INTERFACE} mtu {MTU} type veth peer name {OTHER_END} mtu {MTU}"),
            "ip link set lo up".to_owned(),
            // Without addresses of its own the link is silent: all that comes was sent here.
            format!("ip link set {INTERFACE} addrgenmode none 2>/dev/null || true"),
            format!("ip link set {OTHER_END} addrgenmode none 2>/dev/null || true"),
            format!("ip link set {INTERFACE} up && ip link set {OTHER_END} up"),
        ] {
            let done = namespace.shell(&line);
            assert!(done.status.success(), "{line}: {done:?}");
        }
        Self { namespace }
    }

    /// Sends all of it, and fails unless all of it arrived.
    pub fn send(&self, traffic: &Traffic, speed: Speed) -> Sent {
        let mut command = self.namespace.command("tcpreplay");
        command.args(["-q", "-i", OTHER_END]);
        match speed {
            Speed::Reading => command.arg("--topspeed"),
            Speed::Top => command.args(["--topspeed", "--preload-pcap"]),
            Speed::Rate(rate) => command.arg(format!("--pps={rate}")),
        };
        command.arg(&traffic.capture);
        let arrived = self.arrived();
        let spent = children();
        let said = output_of(&mut command);
        let cpu_seconds = children() - spent;
        let actual = said
            .lines()
            .find_map(|line| line.strip_prefix("Actual: "))
            .unwrap_or_else(|| panic!("{said}"));
        // Actual: 1430000 packets (1443836903 bytes) sent in 3.93 seconds
        let words: Vec<&str> = actual.split(' ').collect();
        let packets = words[0].parse().unwrap();
        assert_eq!(packets, traffic.packets, "{said}");
        assert_eq!(self.arrived() - arrived, packets, "{said}");
        Sent {
            packets,
            seconds: words[6].parse().unwrap(),
            cpu_seconds,
        }
    }

    /// Frames that came in at the interface since it is there.
    fn arrived(&self) -> u64 {
        let told = self.namespace.shell("cat /proc/net/dev").stdout;
        let told = String::from_utf8(told).unwrap();
        let prefix = format!("{INTERFACE}:");
        let line = told
            .lines()
            .find_map(|line| line.trim().strip_prefix(&prefix));
        let packets = line.and_then(|line| line.split_whitespace().nth(1));
        packets.unwrap().parse().unwrap()
    }
}

/// CPU seconds of all children that ended.
fn children() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    (usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1e6
}

fn output_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complaint}");
    said
}
