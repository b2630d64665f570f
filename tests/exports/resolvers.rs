//! The resolvers themselves: they take the file, and answer the names in it and no others with an address that leads nowhere.

use std::io::Write;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{BELOW_A_SPARED_NAME, NAMES, WITHOUT_WORD, exported};

/// The place of a program that `make test` brings; `None`, loudly, without it. In CI it must be there.
fn program(name: &str) -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools");
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([own, "/usr/sbin".into(), "/sbin".into()]);
    // One that was taken out of a package may lack a library, and then says nothing at all.
    let starts = |path: &PathBuf| {
        Command::new(path)
            .arg("-h")
            .output()
            .is_ok_and(|output| output.status.code() != Some(127))
    };
    let found = folders
        .map(|folder| folder.join(name))
        .find(|path| path.exists() && starts(path));
    if found.is_none() {
        let in_ci = std::env::var("CI").is_ok_and(|value| !["", "false"].contains(&value.as_str()));
        assert!(!in_ci, "in CI nothing is skipped; missing: {name}");
        // Not by `eprintln`, of which a test that passes shows nothing.
        let _ = writeln!(std::io::stderr(), "SKIPPED for want of {name}");
    }
    found
}

/// Runs a program that must find nothing wrong.
fn must_take(command: &mut Command, text: &str) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}\n{text}");
    assert!(!said.contains("warning"), "{said}\n{text}");
}

fn written(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("export");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn bind_takes_the_zone() {
    let Some(program) = program("named-checkzone") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (text, _) = exported("rpz", &[]);
    let file = written(folder.path(), &text);
    must_take(Command::new(program).arg("rpz.example").arg(file), &text);
}

#[test]
fn dnsmasq_answers_by_the_file() {
    let Some(program) = program("dnsmasq") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (text, _) = exported("dnsmasq", &[]);
    let port = free_port();
    // Everything else is asked for where everything has this address.
    let upstream = free_port();
    let file = written(folder.path(), &text);
    must_take(
        Command::new(&program)
            .arg("--test")
            .arg(format!("--conf-file={}", file.display())),
        &text,
    );
    let common = [
        "--keep-in-foreground",
        "--no-hosts",
        "--no-resolv",
        "--pid-file=",
        "--listen-address=127.0.0.1",
        "--bind-interfaces",
    ];
    let _others = Running::start(
        Command::new(&program)
            .args(common)
            .args(["--conf-file=/dev/null", "--address=/#/192.0.2.1"])
            .arg(format!("--port={upstream}")),
    );
    let _resolver = Running::start(
        Command::new(&program)
            .args(common)
            .arg(format!("--conf-file={}", file.display()))
            .arg(format!("--server=127.0.0.1#{upstream}"))
            .arg(format!("--port={port}")),
    );
    // An exact name that is spared goes with what lies below.
    answers_as_meant(port, &text, &[BELOW_A_SPARED_NAME]);
}

#[test]
fn unbound_answers_by_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (text, _) = exported("unbound", &[]);
    // An exact name that is spared goes with what lies below.
    by_unbound(folder.path(), &text, "iterator", "", &[BELOW_A_SPARED_NAME]);
}

#[test]
fn unbound_answers_by_the_zone() {
    let folder = tempfile::tempdir().unwrap();
    let (text, _) = exported("rpz", &[]);
    let zone = folder.path().join("zone");
    std::fs::write(&zone, text).unwrap();
    let rpz = format!("rpz:\n    name: \"rpz.example.\"\n    zonefile: {zone:?}\n");
    by_unbound(folder.path(), "server:\n", "respip iterator", &rpz, &[]);
}

/// Unbound with these lines of configuration, others behind them, and these modules answers as is meant.
fn by_unbound(folder: &Path, text: &str, modules: &str, behind: &str, but: &[&str]) {
    let (Some(checker), Some(program), Some(dnsmasq)) = (
        program("unbound-checkconf"),
        program("unbound"),
        program("dnsmasq"),
    ) else {
        return;
    };
    let (port, upstream) = (free_port(), free_port());
    let place = folder.display();
    let whole = format!(
        "{text}    interface: 127.0.0.1@{port}\n    do-daemonize: no\n    chroot: \"\"\n    username: \"\"\n\
         \x20   directory: \"{place}\"\n    pidfile: \"\"\n    use-syslog: no\n    module-config: \"{modules}\"\n\
         \x20   do-not-query-localhost: no\nforward-zone:\n    name: \".\"\n    forward-addr: 127.0.0.1@{upstream}\n{behind}"
    );
    let file = written(folder, &whole);
    must_take(Command::new(checker).arg(&file), &whole);
    let _others = Running::start(Command::new(dnsmasq).args([
        "--keep-in-foreground",
        "--no-hosts",
        "--no-resolv",
        "--pid-file=",
        "--listen-address=127.0.0.1",
        "--bind-interfaces",
        "--conf-file=/dev/null",
        "--address=/#/192.0.2.1",
        &format!("--port={upstream}"),
    ]));
    let _resolver = Running::start(Command::new(program).arg("-d").arg("-c").arg(file));
    answers_as_meant(port, &whole, but);
}

/// Asks for every name of the case, and for nothing that a format cannot part.
fn answers_as_meant(port: u16, text: &str, but: &[&str]) {
    wait_until_answers(port);
    for (name, is_meant) in NAMES {
        if WITHOUT_WORD.contains(&name) || but.contains(&name) {
            continue;
        }
        let nowhere =
            address_of(port, name).unwrap_or_else(|| panic!("no answer for {name}\n{text}"));
        assert_eq!(
            nowhere == [0, 0, 0, 0],
            is_meant,
            "{name}: {nowhere:?}\n{text}"
        );
    }
}

fn wait_until_answers(port: u16) {
    let start = Instant::now();
    while address_of(port, "www.example").is_none() {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "no resolver answers"
        );
    }
}

/// Asks for the IPv4 address of a name; the last four bytes of the answer are the address. Two servers are at work, so a
/// question may be lost once.
fn address_of(port: u16, name: &str) -> Option<[u8; 4]> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let mut query = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).unwrap());
        query.extend(label.bytes());
    }
    query.extend([0, 0, 1, 0, 1]);
    let mut answer = [0; 512];
    for _ in 0..3 {
        socket.send_to(&query, ("127.0.0.1", port)).unwrap();
        if let Ok(len) = socket.recv(&mut answer)
            && answer[7] == 1
        {
            return answer[len - 4..len].try_into().ok();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    None
}

fn free_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

/// A server that ends with the test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        let quiet = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(quiet.spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already, or about to be: either is fine.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
