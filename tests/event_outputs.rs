//! Event outputs against real sockets, files and a full disk.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

#[path = "events/samples.rs"]
#[allow(dead_code, reason = "tests/events.rs uses the rest")]
mod samples;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use straggler::events::{
    Backoff, Counts, Dispatcher, Facility, FileSettings, Handle, Message, Origin, Output,
    OutputError, OutputKind, Planned, Settings, StdoutSettings, SyslogFormat, SyslogSettings,
    SyslogTarget,
};
use straggler::model::{EventAction, Timestamp};

const LONG: Duration = Duration::from_secs(5);

fn origin() -> Origin {
    Origin {
        sensor: "gw-1".to_owned(),
        process: 77,
    }
}

fn message(number: usize) -> Message {
    Message {
        line: format!(r#"{{"n":{number}}}"#).into(),
        time: Timestamp::from_unix(1_730_000_000, 0),
        action: EventAction::Sighting,
        severity: 6,
    }
}

fn padded(number: usize, length: usize) -> Message {
    let line = format!(r#"{{"n":{number},"pad":"{}"}}"#, "x".repeat(length));
    Message {
        line: line.into(),
        ..message(number)
    }
}

/// With short pauses, so that tests need not wait.
fn settings() -> Settings {
    Settings {
        backoff: Backoff {
            first: Duration::from_millis(5),
            most: Duration::from_millis(40),
        },
        drain_seconds: 1,
        ..Settings::default()
    }
}

fn to_file(path: &Path, rotate_bytes: u64, keep: u32) -> Dispatcher {
    let file = FileSettings {
        path: path.to_owned(),
        rotate_bytes,
        keep,
        actions: Vec::new(),
    };
    start(Settings {
        file: vec![file],
        ..settings()
    })
}

fn to_syslog(to: &str, queue: usize) -> Dispatcher {
    start(Settings {
        syslog: vec![syslog(to)],
        queue,
        ..settings()
    })
}

fn syslog(to: &str) -> SyslogSettings {
    SyslogSettings {
        to: to.parse().unwrap(),
        facility: Facility::Daemon,
        format: SyslogFormat::Rfc5424,
        max_bytes: 2_048,
        actions: Vec::new(),
    }
}

fn start(settings: Settings) -> Dispatcher {
    Dispatcher::start(&settings, &origin()).unwrap()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LONG, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn counts(handle: &Handle) -> Counts {
    handle.counts()[0].1
}

/// What a store keeps is the line; an output needs no more.
#[test]
fn a_line_that_was_kept_goes_out_as_the_event_would() {
    for (_, event) in samples::all() {
        let message = Message::of_line(&event.line()).unwrap();
        let direct = Message::from(&event);
        assert_eq!(message, direct);
    }
    for broken in ["", "{}", "{\"@timestamp\":\"x\"}", "null"] {
        assert!(Message::of_line(broken).is_err(), "{broken}");
    }
}

/// The outputs of docs/events.md are what the configuration takes.
#[test]
fn the_documents_configuration_is_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/events.md");
    let text = fs::read_to_string(path).unwrap();
    let shown = text.split("```toml\n").nth(1).unwrap();
    let shown: toml::Table = shown.split("```").next().unwrap().parse().unwrap();
    let settings: Settings = shown["events"].clone().try_into().unwrap();
    assert_eq!(settings.check(), Ok(()));
    assert_eq!((settings.file.len(), settings.syslog.len()), (1, 2));
    let defaults = Settings::default();
    assert_eq!(settings.queue, defaults.queue);
    assert_eq!(settings.drain_seconds, defaults.drain_seconds);
}

fn header(number: usize) -> String {
    format!("<30>1 2024-10-27T03:33:20.000000Z gw-1 straggler 77 sighting - {{\"n\":{number}}}")
}

#[test]
fn udp_has_a_message_a_datagram_and_drops_what_is_too_long() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(LONG)).unwrap();
    let address = receiver.local_addr().unwrap();
    let outputs = to_syslog(&format!("udp://{address}"), 16);
    let handle = outputs.handle();
    handle.send(&message(1));
    handle.send(&padded(2, 2_048));
    handle.send(&message(3));
    let mut buffer = [0; 4_096];
    for number in [1, 3] {
        let length = receiver.recv(&mut buffer).unwrap();
        assert_eq!(
            std::str::from_utf8(&buffer[..length]).unwrap(),
            header(number)
        );
    }
    let counts = outputs.stop()[0].1;
    assert_eq!((counts.ok, counts.error, counts.dropped), (2, 0, 1));
}

/// Reads one frame of RFC 6587.
fn frame(stream: &mut impl Read) -> Option<String> {
    let mut length = String::new();
    loop {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(1) if byte[0] == b' ' => break,
            Ok(1) => length.push(char::from(byte[0])),
            _ => return None,
        }
    }
    let mut text = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut text).ok()?;
    Some(String::from_utf8(text).unwrap())
}

fn accept(listener: &TcpListener) -> BufReader<TcpStream> {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    BufReader::new(stream)
}

#[test]
fn tcp_counts_octets_and_connects_anew_when_the_peer_restarts() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let outputs = to_syslog(&format!("tcp://{address}"), 16);
    let handle = outputs.handle();
    handle.send(&message(1));
    handle.send(&message(2));
    let mut stream = accept(&listener);
    assert_eq!(frame(&mut stream).unwrap(), header(1));
    assert_eq!(frame(&mut stream).unwrap(), header(2));
    drop((stream, listener));
    handle.send(&message(3));
    until("failing tries", || counts(&handle).error >= 3);
    let listener = TcpListener::bind(address).unwrap();
    let mut stream = accept(&listener);
    handle.send(&message(4));
    assert_eq!(frame(&mut stream).unwrap(), header(3));
    assert_eq!(frame(&mut stream).unwrap(), header(4));
    let counts = outputs.stop()[0].1;
    assert_eq!((counts.ok, counts.dropped), (4, 0));
}

#[test]
fn a_peer_that_does_not_read_blocks_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let outputs = to_syslog(&format!("tcp://{address}"), 64);
    let handle = outputs.handle();
    handle.send(&padded(0, 1_500));
    let (_unread, _) = listener.accept().unwrap();
    let begun = Instant::now();
    let sent = 100_000;
    let heavy = padded(1, 1_500);
    for _ in 1..sent {
        handle.send(&heavy);
    }
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    assert!(counts(&handle).dropped > 0);
    // The buffers of both kernels' ends take some megabytes; then the writer stands.
    let mut before = counts(&handle).ok;
    until("a writer that stands", || {
        for _ in 0..200 {
            handle.send(&heavy);
        }
        let now = counts(&handle).ok;
        std::mem::replace(&mut before, now) == now
    });
    let begun = Instant::now();
    let counts = outputs.stop()[0].1;
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    assert!(counts.ok + counts.dropped >= sent, "{counts:?}");
}

#[test]
fn the_local_socket_has_either_form_and_may_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let bind = || {
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        socket
    };
    let receive = |socket: &UnixDatagram| {
        let mut buffer = [0; 4_096];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    let socket = bind();
    let to = format!("unix://{}", path.display());
    let outputs = to_syslog(&to, 16);
    let handle = outputs.handle();
    handle.send(&message(1));
    assert_eq!(receive(&socket), header(1));
    drop(socket);
    fs::remove_file(&path).unwrap();
    handle.send(&message(2));
    until("failing tries", || counts(&handle).error >= 2);
    let socket = bind();
    assert_eq!(receive(&socket), header(2));
    drop(outputs);
    let bsd = start(Settings {
        syslog: vec![SyslogSettings {
            format: SyslogFormat::Bsd,
            to: SyslogTarget::Unix(path.clone()),
            ..syslog(&to)
        }],
        ..settings()
    });
    bsd.handle().send(&message(3));
    assert_eq!(
        receive(&socket),
        "<30>Oct 27 03:33:20 straggler[77]: {\"n\":3}"
    );
}

/// A daemon that does not read, with the socket's own queue full.
#[test]
fn a_local_daemon_that_hangs_blocks_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let _unread = UnixDatagram::bind(&path).unwrap();
    let outputs = to_syslog(&format!("unix://{}", path.display()), 4);
    let handle = outputs.handle();
    let mut sent = 0;
    until("drops", || {
        handle.send(&message(sent));
        sent += 1;
        counts(&handle).dropped > 3
    });
    let begun = Instant::now();
    let counts = outputs.stop()[0].1;
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(counts.ok + counts.dropped, sent as u64);
}

fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{path:?}");
    text.lines().map(str::to_owned).collect()
}

fn numbered(range: std::ops::Range<usize>) -> Vec<String> {
    range
        .map(|number| message(number).line.to_string())
        .collect()
}

#[test]
fn a_file_is_rotated_between_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let outputs = to_file(&path, 30, 2);
    // Three lines of 8 bytes go into 30 bytes.
    for number in 0..10 {
        outputs.handle().send(&message(number));
    }
    assert_eq!(outputs.stop()[0].1.ok, 10);
    assert_eq!(lines(&path), numbered(9..10));
    assert_eq!(lines(&folder.path().join("events.jsonl.1")), numbered(6..9));
    assert_eq!(lines(&folder.path().join("events.jsonl.2")), numbered(3..6));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o027, 0, "nobody else may read it");
}

/// Moved away with and without word, and torn by an earlier crash.
#[test]
fn a_file_goes_on_whoever_moves_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    fs::write(&path, "{\"n\":").unwrap();
    let outputs = to_file(&path, 0, 0);
    let handle = outputs.handle();
    let written = |many| until("lines", || counts(&handle).ok == many);
    handle.send(&message(1));
    written(1);
    let moved = folder.path().join("moved");
    fs::rename(&path, &moved).unwrap();
    assert_eq!(lines(&moved), ["{\"n\":", "{\"n\":1}"]);
    handle.send(&message(2));
    written(2);
    assert_eq!(lines(&path), numbered(2..3));
    fs::rename(&path, &moved).unwrap();
    handle.reopen();
    handle.send(&message(3));
    written(3);
    assert_eq!(lines(&moved), numbered(2..3));
    // As logrotate's `copytruncate` does.
    fs::write(&path, "").unwrap();
    handle.send(&message(4));
    assert_eq!(outputs.stop()[0].1.ok, 4);
    assert_eq!(lines(&path), numbered(4..5));
}

#[test]
fn a_file_that_cannot_be_written_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/events.jsonl");
    let outputs = to_file(&path, 0, 0);
    let handle = outputs.handle();
    for number in 0..3 {
        handle.send(&message(number));
    }
    until("failing tries", || counts(&handle).error >= 3);
    assert_eq!(counts(&handle).ok, 0);
    fs::create_dir(path.parent().unwrap()).unwrap();
    until("lines", || counts(&handle).ok == 3);
    assert_eq!(lines(&path), numbered(0..3));
    // A folder in its place: what root may do too.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    handle.send(&message(3));
    let counts = outputs.stop()[0].1;
    assert_eq!((counts.ok, counts.dropped), (3, 1));
}

/// A tmpfs that goes with the test, however that ends.
struct Mounted<'a>(&'a Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        // Lazily, because the output may have its file open.
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_tears_no_line_and_loses_none() {
    let folder = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
        .arg(folder.path())
        .stderr(Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: a_full_disk_tears_no_line_and_loses_none needs root for a tmpfs");
        return;
    }
    let _mounted = Mounted(folder.path());
    let ballast = folder.path().join("ballast");
    fs::write(&ballast, vec![0; 40 * 1024]).unwrap();
    let path = folder.path().join("events.jsonl");
    let outputs = to_file(&path, 0, 0);
    let handle = outputs.handle();
    for number in 0..40 {
        handle.send(&padded(number, 1_000));
    }
    until("a full disk", || counts(&handle).error >= 3);
    // Between a try and its undoing a part of a line stands there, for a moment.
    until("whole lines", || {
        let text = fs::read_to_string(&path).unwrap();
        text.ends_with("\"}\n") && text.lines().all(|line| line.ends_with("\"}"))
    });
    fs::remove_file(&ballast).unwrap();
    until("lines", || counts(&handle).ok == 40);
    let expected: Vec<String> = (0..40)
        .map(|number| padded(number, 1_000).line.to_string())
        .collect();
    let found = lines(&path);
    assert_eq!(found, expected);
}

/// An output that never comes back from the system.
struct Hanging(mpsc::Receiver<()>);

impl Output for Hanging {
    fn write(&mut self, _: &Message) -> Result<(), OutputError> {
        let _ = self.0.recv();
        Ok(())
    }
}

struct Telling(mpsc::Sender<Message>);

impl Output for Telling {
    fn write(&mut self, message: &Message) -> Result<(), OutputError> {
        self.0.send(message.clone()).unwrap();
        Ok(())
    }
}

#[test]
fn an_output_that_hangs_holds_neither_the_others_nor_the_end() {
    let (release, hangs) = mpsc::channel();
    let (teller, told) = mpsc::channel();
    let planned = |kind, actions: &[EventAction], output| Planned {
        kind,
        target: "test".to_owned(),
        actions: actions.to_vec(),
        output,
    };
    let outputs = Dispatcher::start_outputs(
        vec![
            planned(OutputKind::Stdout, &[], Box::new(Hanging(hangs))),
            planned(
                OutputKind::File,
                &[EventAction::StragglerNew],
                Box::new(Telling(teller)),
            ),
        ],
        2,
        Duration::from_millis(50),
        Backoff::default(),
    )
    .unwrap();
    let handle = outputs.handle();
    for number in 0..20 {
        let action = [EventAction::Sighting, EventAction::StragglerNew][number % 2];
        handle.send(&Message {
            action,
            ..message(number)
        });
        if action == EventAction::StragglerNew {
            let got = told.recv_timeout(LONG).unwrap();
            assert_eq!(got.line, message(number).line);
        }
    }
    let counts = outputs.stop();
    let of = |kind| counts.iter().find(|it| it.0 == kind).unwrap().1;
    assert_eq!(of(OutputKind::File).ok, 10);
    let hung = of(OutputKind::Stdout);
    assert_eq!((hung.ok, hung.dropped), (0, 20));
    // What it does after the end changes nothing, and what comes after it is dropped.
    drop(release);
    handle.send(&message(20));
    let later = handle
        .counts()
        .iter()
        .find(|it| it.0 == OutputKind::Stdout)
        .unwrap()
        .1;
    assert_eq!((later.ok, later.dropped), (0, 21));
}

/// Standard output is that of a child: this test binary, running the test below alone.
fn child(mode: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "the_child_writes_to_standard_output",
            "--nocapture",
        ])
        .env("STRAGGLER_TEST_CHILD", mode)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[test]
fn the_child_writes_to_standard_output() {
    let Ok(mode) = std::env::var("STRAGGLER_TEST_CHILD") else {
        return;
    };
    let outputs = start(Settings {
        stdout: Some(StdoutSettings::default()),
        ..settings()
    });
    if mode == "closed" {
        // Goes on when the parent has closed its end; before that the test harness has to have said its part.
        eprintln!("ready");
        std::io::stdin().read_to_string(&mut String::new()).unwrap();
    }
    for number in 0..3 {
        outputs.handle().send(&message(number));
    }
    let counts = outputs.stop()[0].1;
    eprintln!(
        "counts: {} {} {}",
        counts.ok,
        counts.error > 0,
        counts.dropped
    );
}

#[test]
fn standard_output_has_whole_lines() {
    let output = child("open").stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let whole = "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n";
    assert!(text.contains(whole), "{text}");
    let mut closed = child("closed").stdin(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(closed.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("ready") {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
    }
    drop(closed.stdout.take());
    drop(closed.stdin.take());
    stderr.read_to_string(&mut said).unwrap();
    closed.wait().unwrap();
    assert!(said.contains("counts: 0 true 3"), "{said}");
}
