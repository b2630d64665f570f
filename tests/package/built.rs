//! The package, built as `make deb` does it, of the program that this test was built with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::needs;

/// Packages in a folder that ends with the test.
pub(crate) struct Packages {
    folder: tempfile::TempDir,
}

impl Packages {
    /// `None`, loudly, where something is missing.
    pub(crate) fn build() -> Option<Self> {
        let tools = [
            "unshare", "nsenter", "dpkg-deb", "lintian", "curl", "setpriv", "ip", "man",
        ];
        if !needs::are_here(&tools) {
            return None;
        }
        let tool = top().join("target/tools/bin/cargo-deb");
        if !tool.exists() {
            needs::skip("cargo-deb (`make test-long LONG_TESTS=package` installs it)");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let profile = if cfg!(debug_assertions) {
            "dev"
        } else {
            "release"
        };
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut files = Command::new(cargo);
        files.args(["run", "--quiet", "--locked", "--profile", profile]);
        files.args(["--example", "package-files", "--", "target/package"]);
        run(&mut files);
        let mut deb = Command::new(tool);
        // A debug build has what a release has: cargo-deb goes by it.
        deb.env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only");
        // As fast as it goes: how it is packed changes nothing of what is in it.
        deb.args([
            "--locked",
            "--no-build",
            "--strip",
            "--fast",
            "--profile",
            profile,
        ]);
        run(deb.arg("--output").arg(folder.path().join("now.deb")));
        Some(Self { folder })
    }

    /// The one that was built.
    pub(crate) fn now(&self) -> PathBuf {
        self.folder.path().join("now.deb")
    }

    /// The same as a later version, whose configuration says more.
    pub(crate) fn later(&self, version: &str) -> PathBuf {
        let unpacked = self.folder.path().join("unpacked");
        let later = self.folder.path().join("later.deb");
        run(Command::new("dpkg-deb")
            .arg("-R")
            .arg(self.now())
            .arg(&unpacked));
        let control = unpacked.join("DEBIAN/control");
        let text = fs::read_to_string(&control).unwrap();
        let lines = text
            .lines()
            .map(|line| match line.starts_with("Version: ") {
                true => format!("Version: {version}\n"),
                false => format!("{line}\n"),
            });
        fs::write(&control, lines.collect::<String>()).unwrap();
        let configuration = unpacked.join("etc/straggler/straggler.toml");
        let text = fs::read_to_string(&configuration).unwrap();
        fs::write(&configuration, format!("# A later one.\n{text}")).unwrap();
        let mut build = Command::new("dpkg-deb");
        build.args(["--root-owner-group", "-Zgzip", "-z1", "-b"]);
        run(build.arg(&unpacked).arg(&later));
        later
    }
}

pub(crate) fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs it to its end, which must be a good one; gives what it printed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.current_dir(top()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{said}");
    String::from_utf8(output.stdout).unwrap()
}
