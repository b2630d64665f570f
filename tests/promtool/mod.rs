//! `promtool`, where it is installed.

use std::io::Write;
use std::process::{Command, Stdio};

/// What it did: whether it was content, and all that it said. `None`, and said so, where it is not installed.
pub fn promtool(args: &[&str], stdin: &str) -> Option<(bool, String)> {
    let Ok(mut promtool) = Command::new("promtool")
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    else {
        eprintln!("SKIPPED: promtool is not installed (`make test` fetches it)");
        return None;
    };
    let mut pipe = promtool.stdin.take().unwrap();
    pipe.write_all(stdin.as_bytes()).unwrap();
    drop(pipe);
    let output = promtool.wait_with_output().unwrap();
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    Some((output.status.success(), said))
}
