//! Programs that take turns, and what each of them spends.

use std::env;

use super::Outcome;
use super::measure::{Spent, measure};

/// A program that reads the whole capture.
pub struct Contestant {
    name: &'static str,
    command: Vec<String>,
    is_yardstick: bool,
    /// Names that it found, where it looks for any.
    names: Option<u64>,
    /// What each round took.
    spent: Vec<Spent>,
}

impl Contestant {
    /// A command under a name for the table.
    pub fn new(name: &'static str, command: &[&str]) -> Self {
        Self {
            name,
            command: command.iter().map(|&word| word.to_owned()).collect(),
            is_yardstick: false,
            names: None,
            spent: Vec::new(),
        }
    }

    /// With one more argument.
    pub fn arg(mut self, arg: String) -> Self {
        self.command.push(arg);
        self
    }

    /// Marks the one with which all are compared.
    pub fn yardstick(mut self) -> Self {
        self.is_yardstick = true;
        self
    }

    /// Says how many names it found.
    pub fn names(mut self, found: u64) -> Self {
        self.names = Some(found);
        self
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn is_yardstick(&self) -> bool {
        self.is_yardstick
    }

    pub fn names_found(&self) -> Option<u64> {
        self.names
    }

    /// Whether there is such a program.
    pub fn is_installed(&self) -> bool {
        let program = &self.command[0];
        let paths = env::var_os("PATH").unwrap_or_default();
        // A path of its own stays what it is, whatever it is joined to.
        env::split_paths(&paths).any(|folder| folder.join(program).is_file())
    }

    /// Least, median and most CPU seconds; of an even number of rounds the later of the two in the middle.
    pub fn cpu_seconds(&self) -> [f64; 3] {
        let mut sorted: Vec<f64> = self.spent.iter().map(|spent| spent.cpu_seconds).collect();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len() - 1;
        [sorted[0], sorted[sorted.len() / 2], sorted[last]]
    }

    /// The most memory that it ever had, in bytes.
    pub fn peak(&self) -> u64 {
        let peaks = self.spent.iter().map(|spent| spent.peak);
        peaks.max().unwrap_or_default()
    }
}

/// Lets each contestant run once in a round, so that whatever changes meanwhile meets them all.
pub fn take_turns(contestants: &mut [Contestant], rounds: usize) -> Outcome<()> {
    for _ in 0..rounds {
        for contestant in &mut *contestants {
            contestant.spent.push(measure(&contestant.command)?);
        }
    }
    Ok(())
}
