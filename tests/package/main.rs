//! The Debian package: what lintian says, and a life of it: installed, started, upgraded, taken back, removed, purged.
//!
//! Needs root, and cargo-deb, which `make test-long LONG_TESTS=package` installs. There is no systemd: what the unit says is
//! started as it would be (`service.rs`), and `tests/service_unit.rs` asks systemd what it thinks of the unit.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod built;
#[path = "../live/needs.rs"]
mod needs;
mod root;
#[path = "../served/mod.rs"]
mod served;
mod service;

use std::fs;
use std::path::Path;
use std::process::Command;

use built::{Packages, run};
use root::Root;
use service::{Service, command_of_unit};

const CONFIGURATION: &str = "/etc/straggler/straggler.toml";

#[test]
fn a_package_and_its_life() {
    let Some(packages) = Packages::build() else {
        return;
    };
    lintian_has_nothing_to_say(&packages.now());
    the_changelog_is_of_this_version(&packages.now());
    let root = Root::new();
    let before = ours(&root);
    assert!(before.is_empty(), "{before:?}");

    install(&root, &packages.now(), "");
    what_it_brings_is_of_use(&root);
    it_waits_for_its_admin(&root);

    let text = fs::read_to_string(root.path(CONFIGURATION)).unwrap();
    let configured = text.replace("\ninterfaces = []\n", "\ninterfaces = [\"lo\"]\n");
    assert_ne!(configured, text);
    fs::write(root.path(CONFIGURATION), &configured).unwrap();
    root.shell(&format!("straggler config check --config {CONFIGURATION}"));
    let service = Service::start(&root);
    let metrics = service.wait_for_frames(&root);
    for layer in ["landlock", "seccomp", "capabilities"] {
        let line = format!("straggler_sandbox_enabled{{layer=\"{layer}\"}} 1");
        assert!(metrics.contains(&line), "{metrics}");
    }
    service.stop();

    // A later one, whose configuration has changed as well: the admin's stays, and the package's is put beside it.
    install(&root, &packages.later("0.9.0-1"), "--force-confold");
    assert_eq!(
        fs::read_to_string(root.path(CONFIGURATION)).unwrap(),
        configured
    );
    assert!(root.path(&format!("{CONFIGURATION}.dpkg-dist")).exists());
    assert!(root.shell("dpkg-query -W straggler").contains("0.9.0-1"));
    it_goes_on(&root);

    // And back.
    install(&root, &packages.now(), "--force-confold");
    assert_eq!(
        fs::read_to_string(root.path(CONFIGURATION)).unwrap(),
        configured
    );
    it_goes_on(&root);
    a_backup_can_be_restored(&root);

    let files = root.shell("dpkg -L straggler");
    root.shell("dpkg --remove straggler");
    for file in files.lines() {
        let path = root.path(file);
        let is_ours = file.contains("straggler") && !path.is_dir();
        let is_left = path.symlink_metadata().is_ok();
        assert_eq!(is_left, path.is_dir() || file == CONFIGURATION, "{file}");
        assert!(!(is_ours && is_left) || file == CONFIGURATION, "{file}");
    }
    assert!(root.path("/var/lib/private/straggler").is_dir());
    root.shell("dpkg --purge straggler");
    let left = ours(&root);
    assert!(left.is_empty(), "{left:?}");
}

fn lintian_has_nothing_to_say(package: &Path) {
    let mut lintian = Command::new("lintian");
    lintian.args(["--allow-root", "--fail-on", "error,warning"]);
    assert_eq!(run(lintian.arg(package)), "");
}

/// It is a file of its own, which nobody should forget.
fn the_changelog_is_of_this_version(package: &Path) {
    let version = run(Command::new("dpkg-deb")
        .arg("-f")
        .arg(package)
        .arg("Version"));
    let changelog = fs::read_to_string(built::top().join("packaging/debian/changelog")).unwrap();
    assert!(
        changelog.starts_with(&format!("straggler ({}) ", version.trim())),
        "{version}"
    );
}

/// What is there of the package, by its name.
fn ours(root: &Root) -> Vec<String> {
    let mut paths = root.changed();
    paths.retain(|path| path.contains("straggler") && root.path(path).symlink_metadata().is_ok());
    paths
}

fn install(root: &Root, package: &Path, conf: &str) {
    fs::copy(package, root.path("/tmp/package.deb")).unwrap();
    root.shell(&format!(
        "dpkg {conf} --force-confdef --install /tmp/package.deb"
    ));
}

fn what_it_brings_is_of_use(root: &Root) {
    assert!(root.shell("straggler --version").starts_with("straggler "));
    for page in ["straggler", "straggler-run", "straggler-rules-check"] {
        // Not as for a terminal: what that looks like would be kept.
        let shown = root.shell(&format!("man -Tutf8 {page}"));
        assert!(shown.contains("Print help"), "{page}: {shown}");
    }
    let completions = "/usr/share/bash-completion/completions/straggler";
    let asked = format!(
        "bash -c '. {completions}; COMP_WORDS=(straggler ru); COMP_CWORD=1; _straggler straggler ru straggler; \
         echo ${{COMPREPLY[@]}}'"
    );
    assert_eq!(root.shell(&asked).trim(), "run rules");
    for folder in ["prometheus", "grafana"] {
        let files = fs::read_dir(root.path(&format!("/usr/share/straggler/{folder}"))).unwrap();
        assert!(files.count() >= 3, "{folder}");
    }
    assert!(
        root.shell("dpkg-query -f '${Conffiles}' -W straggler")
            .contains(CONFIGURATION)
    );
    root.shell(&format!("straggler config check --config {CONFIGURATION}"));
}

/// Not enabled, and where it is started all the same it says what is missing.
fn it_waits_for_its_admin(root: &Root) {
    assert!(
        !root
            .path("/etc/systemd/system/multi-user.target.wants/straggler.service")
            .exists()
    );
    let output = root.try_shell(&command_of_unit(root));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("no interface to capture"), "{said}");
}

/// Started again, it has what it had found.
fn it_goes_on(root: &Root) {
    let service = Service::start(root);
    service.wait_for_frames(root);
    let said = service.stop();
    assert!(
        said.contains("what earlier runs had found is restored"),
        "{said}"
    );
}

/// As docs/install.md has it: the folder and the configuration, while the daemon is stopped.
fn a_backup_can_be_restored(root: &Root) {
    root.shell("tar -C / -czf /tmp/backup.tar.gz etc/straggler var/lib/private/straggler");
    let report = "straggler report --config /etc/straggler/straggler.toml --format json";
    let before = root.try_shell(report);
    root.shell("rm -r /var/lib/private/straggler /etc/straggler");
    root.shell("tar -C / -xzf /tmp/backup.tar.gz");
    let after = root.try_shell(report);
    assert_eq!(
        (after.status, &after.stdout),
        (before.status, &before.stdout)
    );
    it_goes_on(root);
}
