//! A running daemon, and the few lines of HTTP that a test needs to ask it.

#![allow(dead_code, reason = "each test target uses a part")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for anything that a daemon should do at once.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A daemon that is ended with the test.
pub struct Served {
    child: Child,
    stderr: BufReader<ChildStderr>,
    /// Where it serves.
    pub address: SocketAddr,
}

impl Served {
    /// Starts `straggler run` with arguments, on a free port of this machine.
    pub fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_straggler"));
        command.args(["run", "--listen", "127.0.0.1:0"]).args(args);
        Self::spawn(command)
    }

    /// Starts it with a store and captures to replay, and waits until it has read them.
    pub fn keeping(state: &Path, captures: &[&Path]) -> Self {
        let mut args = vec!["--state-dir", state.to_str().unwrap()];
        for capture in captures {
            args.extend(["--replay", capture.to_str().unwrap()]);
        }
        let served = Self::start(&args);
        served.wait_ready();
        served
    }

    /// Starts a command that ends in a daemon.
    pub fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        Self::spawn_as_it_is(command)
    }

    /// The same, with the standard input and output that the command has.
    pub fn spawn_as_it_is(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(
                stderr.read_line(&mut line).unwrap() > 0,
                "it ended at once: {said}"
            );
            said.push_str(&line);
            if let Some((_, rest)) = line.split_once("://") {
                break rest.split('/').next().unwrap().parse().unwrap();
            }
        };
        Self {
            child,
            stderr,
            address,
        }
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the daemon reads, if it was started with a pipe.
    pub fn take_stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().unwrap()
    }

    /// Status code and body of a path.
    pub fn get(&self, path: &str) -> (u16, String) {
        get(self.address, path)
    }

    /// Waits until the daemon says that it is ready.
    pub fn wait_ready(&self) {
        wait_for("ready", || self.get("/-/ready").0 == 200);
    }

    /// Sends a signal and waits for the end: exit status, the rest of standard error, standard output.
    pub fn end(self, signal: &str) -> (ExitStatus, String, String) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", signal, &pid])
                .status()
                .unwrap()
                .success()
        );
        self.wait()
    }

    /// Waits for the end: exit status, the rest of standard error, standard output.
    pub fn wait(mut self) -> (ExitStatus, String, String) {
        wait_for("the end of the daemon", || {
            self.child.try_wait().unwrap().is_some()
        });
        let (mut said, mut printed) = (String::new(), String::new());
        self.stderr.read_to_string(&mut said).unwrap();
        if let Some(mut stdout) = self.child.stdout.take() {
            stdout.read_to_string(&mut printed).unwrap();
        }
        (self.child.wait().unwrap(), said, printed)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Ended already, or about to be: either is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something holds.
pub fn wait_for(what: &str, holds: impl FnMut() -> bool) {
    wait_long_for(what, PATIENCE, holds);
}

/// The same, for what takes longer.
pub fn wait_long_for(what: &str, patience: Duration, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < patience, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// One request over HTTP/1.1: status code and body.
pub fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let (status, _, body) = ask(address, path);
    (status, body)
}

/// The same with the lines of the head.
pub fn ask(address: SocketAddr, path: &str) -> (u16, String, String) {
    send(address, "GET", path)
}

/// The same with a method.
pub fn send(address: SocketAddr, method: &str, path: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), body.to_owned())
}

/// One request with parameters, percent-encoded. HTTP/1.0, so that servers send no chunks.
pub fn query(address: SocketAddr, path: &str, parameters: &[(&str, &str)]) -> (u16, String) {
    let pairs: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{}={}", percent_encoded(name), percent_encoded(value)))
        .collect();
    let target = format!("{path}?{}", pairs.join("&"));
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {target} HTTP/1.0\r\nHost: {address}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// Text as it may stand in a query: all but letters and digits as `%XX`.
fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
