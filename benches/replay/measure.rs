//! What a command costs. The system knows the CPU time and the most memory of children that ended, but only all of them
//! together; so this program runs itself for each command, to be the parent of nothing else. A new process of its own also
//! because what a program had resident before it began counts as its own, and this one holds the truth.

use std::env;
use std::process::{Command, Stdio};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::unistd::Pid;

use super::Outcome;

/// The argument behind which a command stands that is to be measured.
pub const ASKED: &str = "--measure";

/// What a command took.
#[derive(Clone, Copy, Debug)]
pub struct Spent {
    /// In user and system mode, of all its threads.
    pub cpu_seconds: f64,
    /// The most memory that was resident at once, in bytes.
    pub peak: u64,
}

/// Runs a command on one core, and takes nothing of what it prints.
pub fn measure(command: &[String]) -> Outcome<Spent> {
    let output = Command::new(env::current_exe()?)
        .arg(ASKED)
        .args(command)
        .output()?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}: {}", command.join(" "), complaint.trim()).into());
    }
    let told = String::from_utf8(output.stdout)?;
    let (micros, peak) = told.trim().split_once(' ').ok_or("no measure")?;
    Ok(Spent {
        cpu_seconds: micros.parse::<f64>()? / 1e6,
        peak: peak.parse()?,
    })
}

/// Runs a command and prints microseconds of CPU time and bytes at the peak.
pub fn child(command: &[String]) -> Outcome<()> {
    let (program, args) = command.split_first().ok_or("no command")?;
    stay_on_one_core()?;
    let status = Command::new(program)
        .args(args)
        .stdout(Stdio::null())
        .status()
        .map_err(|error| format!("{program}: {error}"))?;
    if !status.success() {
        return Err(status.to_string().into());
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let time = usage.user_time() + usage.system_time();
    println!("{} {}", time.num_microseconds(), usage.max_rss() * 1024);
    Ok(())
}

/// The last of the cores that this process may use; children inherit that.
fn stay_on_one_core() -> Outcome<()> {
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this)?;
    let mut cores = (0..CpuSet::count()).rev();
    let core = cores.find(|&core| allowed.is_set(core) == Ok(true));
    let mut only = CpuSet::new();
    only.set(core.ok_or("no core to run on")?)?;
    Ok(sched_setaffinity(this, &only)?)
}
