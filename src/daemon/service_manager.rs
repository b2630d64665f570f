//! What a service manager is told: ready, alive, stopping (<https://www.freedesktop.org/software/systemd/man/sd_notify.html>).
//!
//! One datagram each, to the socket that `NOTIFY_SOCKET` names. It is opened and connected before the sandbox is entered and kept:
//! afterwards no thread can open one, and Landlock lets a socket that was connected before speak to an abstract address
//! outside, and no other. Where there is no manager, or none that can be reached, nothing is told and nothing else changes.
//! Addresses of virtual machines (`vsock:`) are not handled.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The longest that a manager that reads nothing may hold up whoever tells it something.
const PATIENCE: Duration = Duration::from_millis(500);

/// The connection to a service manager, if there is one.
#[derive(Debug, Default)]
pub(super) struct ServiceManager {
    socket: Option<UnixDatagram>,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The one that the environment names.
    pub(super) fn of_environment() -> Self {
        let Some(address) = std::env::var_os("NOTIFY_SOCKET") else {
            return Self::default();
        };
        let variable = |name| std::env::var(name).ok();
        let watchdog = watchdog(
            variable("WATCHDOG_USEC").as_deref(),
            variable("WATCHDOG_PID").as_deref(),
            std::process::id(),
        );
        Self::at(&address, watchdog).unwrap_or_else(|error| {
            tracing::warn!(
                "NOTIFY_SOCKET {}: {error}; the service manager is told nothing",
                address.display()
            );
            Self::default()
        })
    }

    /// The one at an address, which kills a process that does not say within this time that it is alive.
    pub(super) fn at(address: &OsStr, watchdog: Option<Duration>) -> io::Result<Self> {
        let address = match address.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(address)?,
            _ => return Err(io::Error::other("neither a path nor an abstract address")),
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            socket: Some(socket),
            watchdog,
        })
    }

    /// Within which time it wants to hear that the process is alive, if it does.
    pub(super) fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// All is open; the status is for people.
    pub(super) fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={status}"));
    }

    /// Still alive.
    pub(super) fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    /// The end has begun.
    pub(super) fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=handing over what is left");
    }

    fn tell(&self, state: &str) {
        if let Some(socket) = &self.socket
            && let Err(error) = socket.send(state.as_bytes())
        {
            // It decides what follows from silence.
            tracing::warn!("the service manager could not be told {state:?}: {error}");
        }
    }
}

/// The time that the environment gives, where it is meant for this process.
fn watchdog(microseconds: Option<&str>, whose: Option<&str>, this: u32) -> Option<Duration> {
    if whose.is_some_and(|whose| whose.parse() != Ok(this)) {
        return None;
    }
    let microseconds = microseconds?.parse().ok().filter(|&time| time > 0)?;
    Some(Duration::from_micros(microseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_is_told_at_a_path_and_at_an_abstract_address() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let name = format!("straggler-test-{}", std::process::id());
        let abstract_address = SocketAddr::from_abstract_name(&name).unwrap();
        for (listening, address) in [
            (
                UnixDatagram::bind(&path).unwrap(),
                path.clone().into_os_string(),
            ),
            (
                UnixDatagram::bind_addr(&abstract_address).unwrap(),
                format!("@{name}").into(),
            ),
        ] {
            let manager = ServiceManager::at(&address, None).unwrap();
            manager.ready("fine");
            manager.alive();
            manager.stopping();
            let mut buffer = [0; 128];
            let mut next = || {
                let length = listening.recv(&mut buffer).unwrap();
                String::from_utf8(buffer[..length].to_vec()).unwrap()
            };
            assert_eq!(next(), "READY=1\nSTATUS=fine");
            assert_eq!(next(), "WATCHDOG=1");
            assert!(next().starts_with("STOPPING=1\n"));
        }
    }

    #[test]
    fn an_address_that_cannot_be_reached_is_an_error() {
        for address in ["/nonexistent/notify", "vsock:2:1234", ""] {
            assert!(
                ServiceManager::at(OsStr::new(address), None).is_err(),
                "{address}"
            );
        }
    }

    #[test]
    fn a_manager_that_reads_nothing_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let _deaf = UnixDatagram::bind(&path).unwrap();
        let manager = ServiceManager::at(path.as_os_str(), None).unwrap();
        let socket = manager.socket.as_ref().unwrap();
        socket.set_nonblocking(true).unwrap();
        while socket.send(b"WATCHDOG=1").is_ok() {}
        socket.set_nonblocking(false).unwrap();
        let began = std::time::Instant::now();
        manager.alive();
        assert!(began.elapsed() < PATIENCE * 10);
    }

    #[test]
    fn a_watchdog_is_that_of_this_process() {
        let second = Some(Duration::from_secs(1));
        assert_eq!(watchdog(Some("1000000"), None, 7), second);
        assert_eq!(watchdog(Some("1000000"), Some("7"), 7), second);
        assert_eq!(watchdog(Some("1000000"), Some("8"), 7), None);
        for wrong in [None, Some("0"), Some("soon"), Some("-1")] {
            assert_eq!(watchdog(wrong, None, 7), None, "{wrong:?}");
        }
    }
}
