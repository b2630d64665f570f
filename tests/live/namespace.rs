//! Network namespaces, and processes in them.

#![allow(dead_code, reason = "each test target uses a part")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output};

use crate::served::wait_for;

/// A network namespace that lives as long as its process: nothing is mounted, nothing is left behind.
pub(crate) struct Namespace(Running);

impl Namespace {
    pub(crate) fn new() -> Self {
        let mut command = Command::new("unshare");
        command.args(["--net", "sleep", "600"]);
        let namespace = Self(Running(command.spawn().unwrap()));
        let own = std::fs::read_link("/proc/self/ns/net").unwrap();
        wait_for("a network namespace", || {
            let path = format!("/proc/{}/ns/net", namespace.pid());
            std::fs::read_link(path).is_ok_and(|other| other != own)
        });
        namespace
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.0.id()
    }

    /// A command to be run inside.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/proc/{}/ns/net", self.pid()))
            .arg(program);
        command
    }

    /// A line of shell to be run inside; system programs are found.
    pub(crate) fn line(&self, line: &str) -> Command {
        let mut command = self.command("sh");
        command.args(["-c", &format!("PATH=$PATH:/usr/sbin:/sbin; {line}")]);
        command
    }

    pub(crate) fn shell(&self, line: &str) -> Output {
        self.line(line).output().unwrap()
    }
}

/// A process that is ended with its owner.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Sends SIGINT and waits for the end.
    pub(crate) fn interrupt(mut self) {
        let pid = self.0.id().to_string();
        let told = Command::new("kill").args(["-s", "INT", &pid]).status();
        assert!(told.unwrap().success());
        wait_for("the end of a process", || {
            self.0.try_wait().unwrap().is_some()
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already, or about to be: either is fine.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads on until a line has this word.
pub(crate) fn wait_for_word<R: Read>(output: R, word: &str) -> BufReader<R> {
    let mut output = BufReader::new(output);
    let mut said = String::new();
    while !said.lines().last().unwrap_or_default().contains(word) {
        let read = output.read_line(&mut said).unwrap();
        assert!(read > 0, "it ended before it said {word:?}: {said}");
    }
    output
}
