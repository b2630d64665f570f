//! Programs that take turns, and the CPU seconds that each of them spends.

use std::process::Command;

use super::Outcome;

/// A program that reads the whole capture.
pub struct Contestant {
    name: &'static str,
    command: Vec<String>,
    /// CPU seconds of each round.
    seconds: Vec<f64>,
}

impl Contestant {
    /// A command under a name for the table.
    pub fn new(name: &'static str, command: &[&str]) -> Self {
        Self {
            name,
            command: command.iter().map(|&word| word.to_owned()).collect(),
            seconds: Vec::new(),
        }
    }

    /// Least, median and most CPU seconds; of an even number of rounds the later of the two in the middle.
    fn spread(&self) -> [f64; 3] {
        let mut sorted = self.seconds.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len() - 1;
        [sorted[0], sorted[sorted.len() / 2], sorted[last]]
    }
}

/// Lets each contestant run once in a round, so that whatever changes meanwhile meets them all.
pub fn take_turns(contestants: &mut [Contestant], rounds: usize) -> Outcome<()> {
    for _ in 0..rounds {
        for contestant in &mut *contestants {
            let seconds = cpu_seconds(&contestant.command)?;
            contestant.seconds.push(seconds);
        }
    }
    Ok(())
}

/// Runs a command and gives the CPU seconds that it spent, in user and system mode. The shell knows them without
/// `unsafe`: its `time` writes them where the command's own output does not go.
fn cpu_seconds(command: &[String]) -> Outcome<f64> {
    let output = Command::new("bash")
        .args([
            "-c",
            r#"TIMEFORMAT="%3U %3S"; exec 3>&1; time "$@" >/dev/null 2>&3"#,
        ])
        .arg("bash")
        .args(command)
        .env("LC_ALL", "C") // a point in the numbers
        .output()
        .map_err(|error| format!("bash, which measures: {error}"))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stdout);
        let command = command.join(" ");
        return Err(format!("{command}: {}: {}", output.status, complaint.trim()).into());
    }
    let times = String::from_utf8(output.stderr)?;
    let (user, system) = times
        .trim()
        .split_once(' ')
        .ok_or(format!("no times: {times}"))?;
    Ok(user.parse::<f64>()? + system.parse::<f64>()?)
}

/// Prints what was measured; the first contestant is what the others are compared with.
pub fn print_table(contestants: &[Contestant], packets: usize) {
    println!();
    println!("                     CPU s       least-most     packets/s   ratio");
    let mut yardstick = None;
    for contestant in contestants {
        let [least, median, most] = contestant.spread();
        let ratio = median / *yardstick.get_or_insert(median);
        let rate = grouped((packets as f64 / median) as u64);
        let range = format!("{least:.3}-{most:.3}");
        let name = contestant.name;
        println!("{name:<18}{median:>8.3}{range:>17}{rate:>14}{ratio:>8.2}");
    }
    println!();
    println!("CPU s and what follows from it: medians; ratio: to the first line");
}

/// A number with commas between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = (digits.len() - 1) % 3 + 1;
    let (head, rest) = digits.split_at(first);
    let mut text = head.to_owned();
    for group in rest.as_bytes().chunks(3) {
        text.push(',');
        text.extend(group.iter().map(|&digit| char::from(digit)));
    }
    text
}
