//! A sensor on the gateway, with what it has seen before.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::served::{Served, wait_for};
use crate::site::Site;

const PROGRAM: &str = env!("CARGO_BIN_EXE_straggler");

/// A daemon that captures, and the files that are its own.
pub(crate) struct Sensor<'a> {
    site: &'a Site,
    served: Served,
    files: Files,
}

struct Files {
    config: PathBuf,
    rules: PathBuf,
    state: PathBuf,
    events: PathBuf,
}

impl<'a> Sensor<'a> {
    /// Starts one that remembers a recording. One vendor's cutoff comes at `cutoff`.
    pub(crate) fn start(
        site: &'a Site,
        name: &str,
        interfaces: &[&str],
        seen_before: &Path,
        cutoff: SystemTime,
    ) -> Self {
        Self::start_shared(site, (name, 1), interfaces, seen_before, cutoff)
    }

    /// The same with several workers on each interface.
    pub(crate) fn start_shared(
        site: &'a Site,
        (name, workers): (&str, u32),
        interfaces: &[&str],
        seen_before: &Path,
        cutoff: SystemTime,
    ) -> Self {
        let files = Files::write(site, name, workers, cutoff);
        let mut command = Command::new(PROGRAM);
        command.args(["run", "--listen", "127.0.0.1:0", "--replay"]);
        command.arg(seen_before).arg("--rules").arg(&files.rules);
        command.arg("--state-dir").arg(&files.state);
        let earlier = Served::spawn(command);
        earlier.wait_ready();
        let (status, said, _) = earlier.end("TERM");
        assert_eq!(status.code(), Some(0), "{said}");
        Self::capture(site, interfaces, files)
    }

    /// Starts one that has seen nothing yet.
    pub(crate) fn start_new(
        site: &'a Site,
        name: &str,
        interfaces: &[&str],
        cutoff: SystemTime,
    ) -> Self {
        Self::capture(site, interfaces, Files::write(site, name, 1, cutoff))
    }

    fn capture(site: &'a Site, interfaces: &[&str], files: Files) -> Self {
        let mut command = site.gateway.command(PROGRAM);
        command.args(["run", "--listen", "127.0.0.1:0"]);
        for interface in interfaces {
            command.args(["--interface", interface]);
        }
        command.arg("--state-dir").arg(&files.state);
        command.args(files.judged_by());
        let sensor = Self {
            site,
            served: Served::spawn(command),
            files,
        };
        for interface in interfaces {
            let up = format!("straggler_capture_up{{interface=\"{interface}\"}} 1");
            wait_for(&up, || sensor.metrics().lines().any(|line| line == up));
        }
        sensor
    }

    /// The name that its configuration gives it.
    pub(crate) fn name(&self) -> String {
        let name = self.files.config.file_stem().unwrap();
        name.to_str().unwrap().to_owned()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.served.pid()
    }

    /// The folder of its own packs.
    pub(crate) fn rules(&self) -> &Path {
        &self.files.rules
    }

    pub(crate) fn metrics(&self) -> String {
        let line = format!("curl -s http://{}/metrics", self.served.address);
        String::from_utf8(self.site.gateway.shell(&line).stdout).unwrap()
    }

    /// What `report` finds in its store now.
    pub(crate) fn report(&self) -> Vec<Value> {
        self.files.report()
    }

    /// Ends it, and gives what it has told.
    pub(crate) fn end(self) -> Told {
        let (status, said, _) = self.served.end("TERM");
        assert_eq!(status.code(), Some(0), "{said}");
        let events = std::fs::read_to_string(&self.files.events).unwrap();
        Told {
            report: self.files.report(),
            events: lines(&events),
            files: self.files,
        }
    }
}

/// What a sensor has told in all.
pub(crate) struct Told {
    pub(crate) report: Vec<Value>,
    pub(crate) events: Vec<Value>,
    files: Files,
}

impl Told {
    /// What `replay` finds in recordings, judged as this sensor did.
    pub(crate) fn replay(&self, recordings: &[&Path]) -> Vec<Value> {
        let mut command = Command::new(PROGRAM);
        command.args(["replay", "--format", "json"]);
        command.args(self.files.judged_by()).args(recordings);
        lines(&output(command))
    }
}

impl Files {
    fn write(site: &Site, name: &str, workers: u32, cutoff: SystemTime) -> Self {
        let file = |what: &str| site.file(&format!("{name}.{what}"));
        let files = Self {
            config: file("toml"),
            rules: file("rules"),
            state: file("state"),
            events: file("events"),
        };
        let config = format!(
            "sensor = \"{name}\"\n\
             sensor_addresses = [\"10.98.0.1\", \"10.98.1.1\"]\n\
             [capture]\nworkers = {workers}\n\
             [[events.file]]\npath = {:?}\n\
             [[exception]]\nhosts = [\"10.98.0.18\"]\nuntil = 2099-01-01T00:00:00Z\n\
             reason = \"replaced next quarter\"\nby = \"operations\"\n",
            files.events
        );
        std::fs::write(&files.config, config).unwrap();
        std::fs::create_dir(&files.rules).unwrap();
        let seconds = cutoff.duration_since(UNIX_EPOCH).unwrap() + Duration::from_millis(999);
        let at = jiff::Timestamp::from_second(i64::try_from(seconds.as_secs()).unwrap()).unwrap();
        std::fs::write(
            files.rules.join("crossing.toml"),
            pack("crossing", "1", &at.to_string()),
        )
        .unwrap();
        files
    }

    fn judged_by(&self) -> [&std::ffi::OsStr; 4] {
        [
            "--config".as_ref(),
            self.config.as_ref(),
            "--rules".as_ref(),
            self.rules.as_ref(),
        ]
    }

    fn report(&self) -> Vec<Value> {
        let mut command = Command::new(PROGRAM);
        command.args(["report", "--format", "json", "--state-dir"]);
        command.arg(&self.state).args(self.judged_by());
        lines(&output(command))
    }
}

fn output(mut command: Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A vendor with a cutoff of the laboratory's own.
pub(crate) fn pack(vendor: &str, version: &str, cutoff: &str) -> String {
    format!(
        "schema = 1\nkind = \"vendor\"\n\
         [vendor]\nid = \"{vendor}\"\nname = \"Of the laboratory\"\nrole = \"restricted\"\nversion = \"{version}\"\n\
         reviewed = 2026-11-28\nenabled = true\n\
         [[cutoff]]\nid = \"soon\"\ndefault = true\njurisdiction = \"none\"\nbinds = \"nobody\"\nat = {cutoff}\n\
         categories = [\"update\"]\nauthority = \"this test\"\nsource = \"https://{vendor}.example/\"\n\
         [[service]]\nid = \"all\"\nname = \"All\"\ncategory = \"update\"\nstrength = \"strong\"\n\
         confidence = \"vendor\"\nnames = [\".{vendor}.example\"]\nsource = \"https://{vendor}.example/\"\n\
         [[test]]\nname = \"dl.{vendor}.example\"\nexpect = \"all\"\n"
    )
}
