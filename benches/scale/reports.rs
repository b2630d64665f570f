//! What each form of report from the store takes.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::day::{Day, address};
use super::markdown::{MIB, Markdown, grouped, median};
use super::measure::measure as spend;
use super::{Outcome, STRAGGLER};

const HEADER: [&str; 5] = ["report", "CPU s", "best, s", "peak, MiB", "bytes"];

/// Makes every form, and those that filters narrow.
pub fn measure(day: &Day, state: &Path, rounds: usize) -> Outcome<()> {
    let host = address(17).to_string();
    let mut table = Markdown::new(1, &HEADER);
    for args in [
        "--format table",
        "--format json",
        "--format csv",
        "--format markdown",
        "--format html",
        &format!("--format csv --host {host}"),
        "--format csv --at 2024-09-30T12:00",
    ] {
        let mut command: Vec<String> = [STRAGGLER, "report", "--state-dir"]
            .map(str::to_owned)
            .to_vec();
        command.push(state.to_str().unwrap().to_owned());
        command.extend(args.split(' ').map(str::to_owned));
        let output = Command::new(&command[0]).args(&command[1..]).output()?;
        let (mut cpu, mut best, mut peak) = (Vec::new(), f64::INFINITY, 0);
        for _ in 0..rounds {
            let begun = Instant::now();
            let spent = spend(&command)?;
            best = best.min(begun.elapsed().as_secs_f64());
            cpu.push(spent.cpu_seconds);
            peak = peak.max(spent.peak);
        }
        table.row([
            format!("`{}`", args.replace(&host, "HOST")),
            format!("{:.2}", median(cpu)),
            format!("{best:.2}"),
            format!("{:.0}", peak as f64 / MIB),
            grouped(output.stdout.len() as u64),
        ]);
    }
    table.print(&format!(
        "`straggler report` from the store with the day of {} hosts",
        grouped(day.hosts.into())
    ));
    Ok(())
}
