//! A wire between two ends, one of which sends what it is told to.

use std::fs::File;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};
use pcap::{Active, Capture, Device};

use crate::namespace::Namespace;
use crate::needs;

/// Two namespaces and the wire between them, on which nobody speaks by itself.
pub(crate) struct Wire {
    pub(crate) left: Namespace,
    pub(crate) right: Namespace,
}

impl Wire {
    /// `None`, loudly, where there can be none.
    pub(crate) fn lay() -> Option<Self> {
        if !needs::are_here(&["ip", "unshare", "nsenter", "curl"]) {
            return None;
        }
        let wire = Self {
            left: Namespace::new(),
            right: Namespace::new(),
        };
        for end in [&wire.left, &wire.right] {
            for line in [
                "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6 || true",
                "ip link set lo up",
            ] {
                assert!(end.shell(line).status.success(), "{line}");
            }
        }
        wire.connect();
        Some(wire)
    }

    /// Puts the wire between the two, or puts it there again.
    pub(crate) fn connect(&self) {
        let line = format!(
            "ip link add sg0 type veth peer name sg0 netns {}",
            self.right.pid()
        );
        assert!(self.left.shell(&line).status.success());
        for end in [&self.left, &self.right] {
            // Frames of any length, as they are where a network card joins segments.
            assert!(end.shell("ip link set sg0 mtu 65535 up").status.success());
        }
    }
}

/// Runs something inside a namespace, on a thread of its own that stays there.
pub(crate) fn inside<T: Send>(namespace: &Namespace, work: impl FnOnce() -> T + Send) -> T {
    let path = format!("/proc/{}/ns/net", namespace.pid());
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            setns(File::open(path).unwrap(), CloneFlags::CLONE_NEWNET).unwrap();
            work()
        });
        thread.join().unwrap()
    })
}

/// Sends frames on the wire of the namespace that this thread is in, so many a second.
pub(crate) struct Sender {
    capture: Capture<Active>,
    gap: Duration,
    next: Instant,
}

impl Sender {
    pub(crate) fn new(per_second: u32) -> Self {
        let capture = Capture::from_device(Device::from("sg0")).unwrap();
        Self {
            capture: capture.snaplen(64).open().unwrap(),
            gap: Duration::from_secs(1) / per_second,
            next: Instant::now(),
        }
    }

    pub(crate) fn send(&mut self, frame: &[u8]) {
        std::thread::sleep(self.next.saturating_duration_since(Instant::now()));
        self.next += self.gap;
        self.capture.sendpacket(frame).unwrap();
    }
}
