//! This machine's system, in which anything may be changed and nothing stays: a layer over it, in namespaces of its own.
//!
//! The package manager in it knows the packages of this machine, so dependencies are those of a real system. Its network is an
//! empty one. All of it ends with its process.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::served::wait_for;

/// Mounts the layers at `$1`, without a sensor that this machine may have, and says so by a file. `/sys` is mounted anew, because it shows the interfaces of who mounts it.
const MOUNTS: &str = r#"
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/changed" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/changed,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount -t sysfs sysfs "$1/root/sys"
mount --rbind /dev "$1/root/dev"
mount -t tmpfs tmpfs "$1/root/run"
mount -t tmpfs tmpfs "$1/root/tmp"
chroot "$1/root" dpkg --purge straggler 2>/dev/null
rm -rf "$1/root/etc/straggler" "$1/root/var/lib/straggler" "$1/root/var/lib/private/straggler"
ip link set lo up
touch "$1/made"
exec sleep 600
"#;

/// A system that ends with the test.
pub(crate) struct Root {
    holder: Child,
    folder: tempfile::TempDir,
}

impl Root {
    /// Makes one.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("unshare");
        command.args(["--mount", "--net", "--propagation", "private"]);
        command.args(["sh", "-c", MOUNTS, "sh"]).arg(folder.path());
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
        let mut holder = command.spawn().unwrap();
        let made = folder.path().join("made");
        wait_for("a layer over this system", || {
            assert!(holder.try_wait().unwrap().is_none(), "it cannot be made");
            seen_by(&holder, &made).exists()
        });
        Self { holder, folder }
    }

    /// A file in it, as it is seen from here.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        let inside = self.folder.path().join("root").join(&path[1..]);
        seen_by(&self.holder, &inside)
    }

    /// What was changed in it, by the paths within.
    pub(crate) fn changed(&self) -> Vec<String> {
        let changed = seen_by(&self.holder, &self.folder.path().join("changed"));
        let mut paths = Vec::new();
        walk(&changed, &changed, &mut paths);
        paths.sort();
        paths
    }

    /// A command in it.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        let pid = self.holder.id();
        command
            .args([
                format!("--mount=/proc/{pid}/ns/mnt"),
                format!("--net=/proc/{pid}/ns/net"),
            ])
            .arg("chroot")
            .arg(self.folder.path().join("root"))
            .arg(program)
            .current_dir("/")
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    /// A line of shell in it, which must succeed; gives what it said.
    pub(crate) fn shell(&self, line: &str) -> String {
        let output = self.try_shell(line);
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.status.success(), "{line}\n{said}");
        said
    }

    /// The same, however it ends.
    pub(crate) fn try_shell(&self, line: &str) -> Output {
        self.command("sh").args(["-c", line]).output().unwrap()
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // Ended already, or about to be: either is fine.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn seen_by(holder: &Child, path: &Path) -> PathBuf {
    let root = format!("/proc/{}/root", holder.id());
    Path::new(&root).join(path.strip_prefix("/").unwrap())
}

fn walk(folder: &Path, top: &Path, paths: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let inside = path.strip_prefix(top).unwrap();
        paths.push(format!("/{}", inside.display()));
        if path.is_dir() && !path.is_symlink() {
            walk(&path, top, paths);
        }
    }
}
