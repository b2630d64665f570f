//! The service as its unit has it, without systemd: the same command as a user of its own with one capability, in its folders.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, ChildStderr, Stdio};
use std::time::Duration;

use crate::root::Root;
use crate::served::{PATIENCE, wait_for};

/// One of the numbers from which systemd takes dynamic users.
const USER: &str = "64123";

/// A running service.
pub(crate) struct Service {
    child: Child,
    /// Who hears of it as long as it runs.
    _manager: UnixDatagram,
    stderr: BufReader<ChildStderr>,
    said: String,
}

/// The command of the unit that the package brought.
pub(crate) fn command_of_unit(root: &Root) -> String {
    let unit = root.path("/usr/lib/systemd/system/straggler.service");
    let unit = std::fs::read_to_string(unit).unwrap();
    let command = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="));
    command.unwrap().to_owned()
}

impl Service {
    /// Starts it and waits until it says that it is ready.
    pub(crate) fn start(root: &Root) -> Self {
        // As systemd makes the folder of a dynamic user.
        root.shell(&format!(
            "install -d -m 700 /var/lib/private && install -d -m 700 -o {USER} -g {USER} /var/lib/private/straggler \
             && ln -sfn private/straggler /var/lib/straggler && chmod 755 /var/lib/private"
        ));
        let notify = root.path("/run/notify");
        let _ = std::fs::remove_file(&notify);
        let manager = UnixDatagram::bind(&notify).unwrap();
        manager.set_read_timeout(Some(PATIENCE)).unwrap();
        root.shell("chmod 666 /run/notify");
        let mut command = root.command("setpriv");
        command
            .args([
                "--reuid",
                USER,
                "--regid",
                USER,
                "--clear-groups",
                "--no-new-privs",
            ])
            .args([
                "--inh-caps",
                "-all,+net_raw",
                "--ambient-caps",
                "-all,+net_raw",
            ])
            .args(["--bounding-set", "-all,+net_raw"])
            .args(command_of_unit(root).split(' '))
            .env("NOTIFY_SOCKET", "/run/notify")
            .env("WATCHDOG_USEC", "2000000");
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut service = Self {
            stderr: BufReader::new(child.stderr.take().unwrap()),
            child,
            _manager: manager.try_clone().unwrap(),
            said: String::new(),
        };
        while !service.said.contains("page and metrics on") {
            let read = service.stderr.read_line(&mut service.said).unwrap();
            assert!(read > 0, "it ended at once: {}", service.said);
        }
        let mut told = String::new();
        while !(told.contains("READY=1") && told.contains("WATCHDOG=1")) {
            let mut buffer = [0; 4096];
            let length = manager.recv(&mut buffer).unwrap();
            told.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
        }
        service
    }

    /// Waits until it has taken frames: those of the requests by which it is asked.
    pub(crate) fn wait_for_frames(&self, root: &Root) -> String {
        let mut metrics = String::new();
        wait_for("frames", || {
            metrics = root.shell("curl -sS --max-time 5 http://127.0.0.1:9842/metrics");
            std::thread::sleep(Duration::from_millis(200));
            let frames = metrics.lines().find_map(|line| {
                line.strip_prefix("straggler_capture_packets_total{interface=\"lo\"} ")
            });
            frames.is_some_and(|frames| frames != "0")
        });
        metrics
    }

    /// Ends it as systemd does; gives what it said.
    pub(crate) fn stop(mut self) -> String {
        let pid = self.child.id().to_string();
        let told = std::process::Command::new("kill").arg(&pid).status();
        assert!(told.unwrap().success());
        wait_for("the end of the service", || {
            self.child.try_wait().unwrap().is_some()
        });
        self.stderr.read_to_string(&mut self.said).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{}", self.said);
        std::mem::take(&mut self.said)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Ended already, or about to be: either is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
