//! What a service manager hears of a live daemon: ready, alive, stopping. The manager is a socket of the test.
//!
//! Needs root, because an interface is captured; a disk that stalls needs a loop device too. Skipped and said so elsewhere.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

#[path = "live/needs.rs"]
mod needs;
mod served;

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use served::{Served, wait_for};

/// The daemon on loopback under a manager at this address, that wants to hear from it every two seconds.
fn started(address: &str, state: &Path) -> Served {
    let mut command = Command::new(env!("CARGO_BIN_EXE_straggler"));
    command
        .args(["run", "--interface", "lo", "--listen", "127.0.0.1:0"])
        .args(["--sandbox", "require", "--state-dir"])
        .arg(state)
        .env("NOTIFY_SOCKET", address)
        .env("WATCHDOG_USEC", "2000000")
        .env_remove("WATCHDOG_PID");
    Served::spawn(command)
}

/// The next message, if one comes within this time.
fn heard(manager: &UnixDatagram, within: Duration) -> Option<String> {
    manager.set_read_timeout(Some(within)).unwrap();
    let mut buffer = [0; 4096];
    let length = manager.recv(&mut buffer).ok()?;
    Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
}

/// Reads on until a message has this line.
fn wait_to_hear(manager: &UnixDatagram, line: &str) -> String {
    let began = Instant::now();
    loop {
        let message = heard(manager, served::PATIENCE).unwrap();
        if message.lines().any(|one| one == line) {
            return message;
        }
        assert!(began.elapsed() < served::PATIENCE, "{message}");
    }
}

#[test]
fn it_tells_that_it_is_ready_alive_and_stopping() {
    if !needs::are_here(&[]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let name = format!("straggler-test-manager-{}", std::process::id());
    let abstract_address = SocketAddr::from_abstract_name(&name).unwrap();
    for (manager, address) in [
        (
            UnixDatagram::bind(&path).unwrap(),
            path.to_str().unwrap().to_owned(),
        ),
        // The sandbox keeps it from all abstract sockets but the one that it had before.
        (
            UnixDatagram::bind_addr(&abstract_address).unwrap(),
            format!("@{name}"),
        ),
    ] {
        let served = started(&address, &folder.path().join("state"));
        let first = heard(&manager, served::PATIENCE).unwrap();
        let rest = match first == "WATCHDOG=1" {
            true => wait_to_hear(&manager, "READY=1"),
            false => first,
        };
        let page = format!("STATUS=page and metrics on http://{}/", served.address);
        assert_eq!(rest, format!("READY=1\n{page}"));
        for beat in 0..5 {
            let message = heard(&manager, Duration::from_secs(2));
            assert_eq!(message.as_deref(), Some("WATCHDOG=1"), "{beat}");
        }
        let (status, said, _) = served.end("TERM");
        assert_eq!(status.code(), Some(0), "{said}");
        wait_to_hear(&manager, "STOPPING=1");
    }
}

#[test]
fn a_manager_that_is_not_there_keeps_nothing_from_starting() {
    if !needs::are_here(&[]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let served = started("/nonexistent/notify", &folder.path().join("state"));
    served.wait_ready();
    let (status, said, _) = served.end("TERM");
    assert_eq!(status.code(), Some(0), "{said}");
}

/// A file system in a file, on which the kernel can be told to hold up all writes.
struct Disk {
    at: PathBuf,
    _folder: tempfile::TempDir,
}

impl Disk {
    /// `None`, loudly, where there are no loop devices.
    fn new() -> Option<Self> {
        if !needs::are_here(&["mkfs.ext4", "mount", "fsfreeze", "losetup"]) {
            return None;
        }
        if !Path::new("/dev/loop-control").exists() {
            needs::say_skipped("loop devices: a disk that stalls");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (image, at) = (folder.path().join("image"), folder.path().join("disk"));
        let file = std::fs::File::create(&image).unwrap();
        file.set_len(32 << 20).unwrap();
        std::fs::create_dir(&at).unwrap();
        run("mkfs.ext4", &["-q", image.to_str().unwrap()]);
        let options = ["-o", "loop", image.to_str().unwrap(), at.to_str().unwrap()];
        run("mount", &options);
        Some(Self {
            at,
            _folder: folder,
        })
    }

    fn freeze(&self, how: &str) {
        run("fsfreeze", &[how, self.at.to_str().unwrap()]);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What fails here has failed before.
        for (program, option) in [("fsfreeze", "--unfreeze"), ("umount", "--lazy")] {
            let _ = command(program, &[option]).arg(&self.at).output();
        }
    }
}

/// System programs are found for whoever has a short path.
fn command(program: &str, args: &[&str]) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("env");
    command.arg(format!("PATH={path}:/usr/sbin:/sbin"));
    command.arg(program).args(args);
    command
}

fn run(program: &str, args: &[&str]) {
    let output = command(program, args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {said}");
}

/// A start anew would lose what waits in memory for the disk.
#[test]
fn a_disk_that_stalls_is_told_and_gets_nothing_killed() {
    // Ended after the disk goes on, because it waits for it.
    let served;
    let Some(disk) = Disk::new() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    served = started(path.to_str().unwrap(), &disk.at.join("state"));
    wait_to_hear(&manager, "READY=1");
    wait_for("a store", || {
        !served
            .get("/metrics")
            .1
            .contains("straggler_store_last_write_timestamp_seconds 0\n")
    });
    disk.freeze("--freeze");
    let fault = || {
        let status = served.get("/api/v1/status").1;
        status.contains("the disk does not answer")
    };
    let frozen = Instant::now();
    let mut beats = 0;
    // It is told, and the daemon goes on being alive.
    while !fault() || beats < 15 {
        assert!(
            frozen.elapsed() < Duration::from_secs(60),
            "nothing is told"
        );
        let message = heard(&manager, Duration::from_secs(2));
        assert_eq!(message.as_deref(), Some("WATCHDOG=1"), "{beats}");
        beats += 1;
    }
    disk.freeze("--unfreeze");
    wait_for("the end of the fault", || !fault());
    let (status, said, _) = served.end("TERM");
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.contains("store: the disk does not answer"), "{said}");
}
