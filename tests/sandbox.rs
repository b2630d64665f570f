//! What the sandboxed process cannot do, tried from inside: each case runs in a process of its own, because what was given
//! up does not come back.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod served;

use std::fs;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

use served::{Served, wait_for};
use straggler::model::Protection;
use straggler::sandbox::{Mode, Needs, Sandbox};

/// Set in the process that enters the sandbox.
const INSIDE: &str = "STRAGGLER_TEST_INSIDE_SANDBOX";

/// Runs a test of this name once more in a process of its own, with a folder to work in. True inside.
fn alone(name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    assert!(said.contains("1 passed"), "{said}");
    false
}

fn folder(name: &str) -> std::path::PathBuf {
    let path = Path::new(&std::env::var_os(INSIDE).unwrap()).join(name);
    fs::create_dir_all(&path).unwrap();
    path
}

fn kind<T>(result: std::io::Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

const DENIED: Option<ErrorKind> = Some(ErrorKind::PermissionDenied);

#[test]
fn only_what_is_needed_can_be_done() {
    if !alone("only_what_is_needed_can_be_done") {
        return;
    }
    let (read, write, other) = (folder("read"), folder("write"), folder("other"));
    for folder in [&read, &write, &other] {
        fs::write(folder.join("file"), "before").unwrap();
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    let local = (other.join("socket"), UnixDatagram::unbound().unwrap());
    let _receiver = UnixDatagram::bind(&local.0).unwrap();
    let needs = Needs {
        read: vec![read.clone()],
        write: vec![write.clone()],
        ..Needs::default()
    };
    let sandbox = Sandbox::enter(Mode::Require, &needs).unwrap();
    let protections = sandbox.leave_capture().unwrap();
    for layer in Protection::ALL {
        assert!(protections.has(*layer), "{layer}");
    }

    // What it is for goes on.
    assert_eq!(fs::read_to_string(read.join("file")).unwrap(), "before");
    fs::write(write.join("new"), "after").unwrap();
    fs::rename(write.join("new"), write.join("file")).unwrap();
    fs::remove_file(write.join("file")).unwrap();
    assert_eq!(std::thread::spawn(|| 7).join().unwrap(), 7);
    assert!(
        fs::read_to_string("/proc/thread-self/status")
            .unwrap()
            .contains("NoNewPrivs:\t1")
    );

    // Files.
    assert_eq!(kind(fs::read(other.join("file"))), DENIED);
    assert_eq!(kind(fs::read("/etc/passwd")), DENIED);
    assert_eq!(kind(fs::read_dir("/")), DENIED);
    assert_eq!(kind(fs::write(read.join("file"), "after")), DENIED);
    assert_eq!(kind(fs::write(read.join("new"), "after")), DENIED);
    assert_eq!(kind(fs::write(other.join("new"), "after")), DENIED);
    assert_eq!(kind(fs::remove_file(other.join("file"))), DENIED);
    use std::os::unix::fs::PermissionsExt as _;
    let open = fs::Permissions::from_mode(0o777);
    assert!(fs::set_permissions(other.join("file"), open).is_err());
    let moved = fs::rename(write.join("file"), other.join("moved"));
    assert!(moved.is_err());
    // By another thread too.
    let path = other.join("file");
    assert_eq!(
        std::thread::spawn(move || kind(fs::read(path)))
            .join()
            .unwrap(),
        DENIED
    );

    // Programs.
    for program in ["/bin/sh", "/proc/self/exe"] {
        let started = Command::new(program).arg("--version").output();
        assert!(started.is_err(), "{program}");
    }

    // Connections.
    assert_eq!(kind(TcpStream::connect(address)), DENIED);
    assert_eq!(kind(TcpListener::bind("127.0.0.1:0")), DENIED);
    assert_eq!(kind(UdpSocket::bind("127.0.0.1:0")), DENIED);
    assert_eq!(kind(datagrams.connect("127.0.0.1:9")), DENIED);
    assert_eq!(kind(datagrams.send_to(b"a", "127.0.0.1:9")), DENIED);
    assert_eq!(kind(local.1.send_to(b"a", &local.0)), DENIED);
    assert_eq!(
        kind(std::os::unix::net::UnixStream::connect("/run/x")),
        DENIED
    );
    assert!(pcap_opens().is_err());
}

/// Whether loopback can be captured.
fn pcap_opens() -> Result<(), String> {
    let settings = straggler::capture::Settings::default();
    match straggler::capture::Live::open("lo", &settings, None) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn events_go_to_their_receiver_and_nowhere_else() {
    if !alone("events_go_to_their_receiver_and_nowhere_else") {
        return;
    }
    let [receiver, other] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [receiver_at, other_at] = [&receiver, &other].map(|it| it.local_addr().unwrap());
    let needs = Needs {
        tcp: vec![receiver_at.port()],
        sends: true,
        ..Needs::default()
    };
    let sandbox = Sandbox::enter(Mode::Require, &needs).unwrap();
    sandbox.leave_capture().unwrap();
    TcpStream::connect(receiver_at).unwrap();
    assert_eq!(kind(TcpStream::connect(other_at)), DENIED);
    let multipath = socket2::Protocol::from(libc::IPPROTO_MPTCP);
    let multipath = socket2::Socket::new(
        socket2::Domain::IPV4,
        socket2::Type::STREAM,
        Some(multipath),
    );
    assert!(multipath.is_err());
    let passing = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let sent = passing.send_to_with_flags(b"x", &other_at.into(), libc::MSG_FASTOPEN);
    assert_eq!(kind(sent), DENIED);
    UdpSocket::bind("127.0.0.1:0").unwrap();
    assert!(pcap_opens().is_err());
}

#[test]
fn a_capture_thread_keeps_one_capability_for_opening_again() {
    if !alone("a_capture_thread_keeps_one_capability_for_opening_again") {
        return;
    }
    let capabilities = || {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("CapPrm:"));
        u64::from_str_radix(line.unwrap().split_whitespace().nth(1).unwrap(), 16).unwrap()
    };
    const NET_RAW: u64 = 1 << 13;
    let had = capabilities() & NET_RAW;
    for reopens in [true, false] {
        let reading = std::thread::spawn(move || {
            let needs = Needs {
                captures: true,
                reopens,
                ..Needs::default()
            };
            let sandbox = Sandbox::enter(Mode::Require, &needs).unwrap();
            let capture = sandbox.clone();
            let kept = std::thread::spawn(move || {
                capture.keep_for_capture().unwrap();
                (capabilities(), pcap_opens())
            });
            let kept = kept.join().unwrap();
            sandbox.leave_capture().unwrap();
            (kept, capabilities(), pcap_opens())
        });
        let ((kept, opened), rest, opened_by_rest) = reading.join().unwrap();
        assert_eq!(kept, if reopens { had } else { 0 });
        assert_eq!(opened.is_ok(), reopens && had != 0, "{opened:?}");
        assert_eq!(rest, 0);
        assert!(opened_by_rest.is_err());
    }
}

/// A daemon on loopback, with this configuration and mode.
fn daemon(config: &Path, mode: &str) -> Served {
    let config = config.to_str().unwrap();
    let args = ["run", "--interface", "lo", "--listen", "127.0.0.1:0"];
    let more = ["--config", config, "--sandbox", mode];
    let mut command = Command::new(env!("CARGO_BIN_EXE_straggler"));
    command.args(args).args(more);
    Served::spawn(command)
}

/// Whether loopback can be captured here; says so where not.
fn captures() -> bool {
    let can = pcap_opens();
    if let Err(why) = &can {
        eprintln!("SKIPPED for want of root or CAP_NET_RAW: {why}");
    }
    can.is_ok()
}

#[test]
fn a_reload_that_would_need_more_needs_a_restart() {
    if !captures() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let [inside, outside] = ["inside", "outside"].map(|name| {
        let path = folder.path().join(name);
        fs::create_dir(&path).unwrap();
        path
    });
    let [etc, links] = ["etc", "links"].map(|name| {
        let path = folder.path().join(name);
        fs::create_dir(&path).unwrap();
        path
    });
    // By a link, as some keep their configuration.
    let config = links.join("straggler.toml");
    std::os::unix::fs::symlink(etc.join("straggler.toml"), &config).unwrap();
    let name_rules = |rules: &Path| {
        let next = etc.join("next");
        fs::write(&next, format!("rules = {:?}\n", rules.to_str().unwrap())).unwrap();
        // As editors do: another file of the same name.
        fs::rename(next, etc.join("straggler.toml")).unwrap();
    };
    name_rules(&inside);
    let served = daemon(&config, "require");
    served.wait_ready();
    let metrics = || served.get("/metrics").1;
    for layer in Protection::ALL {
        let line = format!("straggler_sandbox_enabled{{layer=\"{layer}\"}} 1\n");
        assert!(metrics().contains(&line), "{layer}");
    }
    let packs = || metrics().matches("straggler_rule_pack_info{").count();
    let before = packs();

    name_rules(&outside);
    wait_for("the refusal", || {
        metrics().contains("straggler_config_last_reload_successful 0\n")
    });
    let page = served.get("/").1;
    assert!(page.contains("restart needed"), "{page}");

    name_rules(&inside);
    let pack = fs::read_to_string("rules/kaspersky.toml").unwrap();
    let pack = pack.replacen("vendor = \"kaspersky\"", "vendor = \"another\"", 1);
    fs::write(inside.join("another.toml"), pack).unwrap();
    wait_for("what lies inside", || {
        metrics().contains("straggler_config_last_reload_successful 1\n")
    });
    let (_, said, _) = served.end("TERM");
    assert!(
        said.contains("`rules` names what the sandbox was not told of"),
        "{said}"
    );
    assert!(before > 0);
}

#[test]
fn it_can_be_left_out() {
    if !captures() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("straggler.toml");
    fs::write(&config, "").unwrap();
    let served = daemon(&config, "off");
    served.wait_ready();
    let metrics = served.get("/metrics").1;
    for layer in Protection::ALL {
        let line = format!("straggler_sandbox_enabled{{layer=\"{layer}\"}} 0\n");
        assert!(metrics.contains(&line), "{metrics}");
    }
    let page = served.get("/").1;
    assert!(
        page.contains("none: the process may do whatever its user may"),
        "{page}"
    );
}
