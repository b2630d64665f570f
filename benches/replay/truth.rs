//! The names that are in a capture, and whether a reader finds each of them as often as it is told.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use super::Outcome;
use super::table::grouped;

/// Wrong names that are shown.
const SHOWN: usize = 5;

/// What is told, as lines of signal, client and name: on disk in the order of the capture, here without an order.
pub struct Truth {
    file: BufWriter<File>,
    told: u64,
    /// How much more often a line was told than read.
    open: BTreeMap<String, i64>,
}

impl Truth {
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: BufWriter::new(File::create(path)?),
            told: 0,
            open: BTreeMap::new(),
        })
    }

    pub fn tell(&mut self, line: String) -> io::Result<()> {
        writeln!(self.file, "{line}")?;
        self.told += 1;
        *self.open.entry(line).or_default() += 1;
        Ok(())
    }

    pub fn finish(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    /// How often a name was told.
    pub fn told(&self) -> u64 {
        self.told
    }

    /// Lets `straggler names` read the capture, and fails unless that finds all of this and nothing else.
    pub fn compare(mut self, straggler: &str, capture: &Path) -> Outcome<()> {
        let mut child = Command::new(straggler)
            .arg("names")
            .arg(capture)
            .args(["--format", "tsv"])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{straggler}: {error}"))?;
        let output = child.stdout.take().ok_or("no output to read")?;
        for line in BufReader::new(output).lines() {
            let line = line?;
            let (_time, rest) = line.split_once('\t').ok_or(format!("no columns: {line}"))?;
            match self.open.get_mut(rest) {
                Some(times) => *times -= 1,
                None => drop(self.open.insert(rest.to_owned(), -1)),
            }
        }
        let status = child.wait()?;
        if !status.success() {
            return Err(format!("straggler names: {status}").into());
        }
        self.verdict()
    }

    fn verdict(&self) -> Outcome<()> {
        let with = |sign: i64| {
            self.open
                .iter()
                .filter(move |(_, times)| **times * sign > 0)
        };
        if with(1).chain(with(-1)).next().is_none() {
            return Ok(());
        }
        for (word, sign) in [("missing", 1), ("beside the truth", -1)] {
            let times: u64 = with(sign).map(|(_, times)| times.unsigned_abs()).sum();
            println!("{word}: {}", grouped(times));
            for (line, _) in with(sign).take(SHOWN) {
                println!("  {line}");
            }
        }
        Err("the names read are not those in the capture".into())
    }
}
