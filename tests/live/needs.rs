//! What the tests with real clients need on a machine.

#![allow(dead_code, reason = "each test target uses a part")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whether this is root and the tools are there; says loudly what is missing.
pub(crate) fn are_here(tools: &[&str]) -> bool {
    let mut missing: Vec<&str> = tools
        .iter()
        .copied()
        .filter(|tool| {
            let line = format!("PATH=$PATH:/usr/sbin:/sbin command -v {tool}");
            let found = Command::new("sh").args(["-c", &line]).output();
            found.is_ok_and(|output| !output.status.success())
        })
        .collect();
    let root = Command::new("id").arg("-u").output();
    if root.is_ok_and(|output| output.stdout != b"0\n") {
        missing.push("root");
    }
    if !missing.is_empty() {
        skip(&missing.join(", "));
    }
    missing.is_empty()
}

/// The interpreter that has aioquic, which `make test` puts there. `None`, loudly, without it.
pub(crate) fn aioquic() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/aioquic");
    let python = folder.join("bin/python");
    if python.exists() {
        return Some(python);
    }
    skip("aioquic (`make test` fetches it): QUIC clients");
    None
}

/// A file in the folder of the live tests.
pub(crate) fn beside_this(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/live")
        .join(name)
}

/// Says what is skipped for want of something. In CI nothing may be.
pub(crate) fn skip(missing: &str) {
    let in_ci = std::env::var("CI").is_ok_and(|value| !["", "false"].contains(&value.as_str()));
    assert!(!in_ci, "in CI nothing is skipped; missing: {missing}");
    say_skipped(missing);
}

/// Says what is skipped. By itself for what the kernel was built without: nothing that CI could install brings it, so it is
/// no failure there either. Not by `eprintln`, of which a test that passes shows nothing.
pub(crate) fn say_skipped(missing: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED for want of {missing}");
}
