//! What the command line asks for.

use super::support::office::Workload;
use super::{Outcome, PathBuf};

/// Packets of a short capture, which is only checked.
const SHORT: usize = 20_000;

pub struct Options {
    pub workloads: Vec<Workload>,
    packets: Option<usize>,
    pub rounds: usize,
    pub seed: u64,
    pub keep: Option<PathBuf>,
    /// Not run by `cargo bench`: check the names and measure nothing.
    pub check_only: bool,
}

impl Options {
    pub fn parse(mut args: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut options = Self {
            workloads: Workload::ALL.to_vec(),
            packets: None,
            rounds: 5,
            seed: 1,
            keep: None,
            check_only: true,
        };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} needs a value"));
            match arg.as_str() {
                "--bench" => options.check_only = false,
                "--workload" => options.workloads = vec![workload(&value()?)?],
                "--packets" => options.packets = Some(value()?.replace(['_', ','], "").parse()?),
                "--rounds" => options.rounds = value()?.parse()?,
                "--seed" => options.seed = value()?.parse()?,
                "--keep" => options.keep = Some(value()?.into()),
                _ => return Err(format!("unknown option {arg}").into()),
            }
        }
        if options.packets == Some(0) || options.rounds == 0 {
            return Err("packets and rounds must be at least 1".into());
        }
        Ok(options)
    }

    /// How many packets a capture of this kind has.
    pub fn packets(&self, workload: Workload) -> usize {
        let usual = match workload {
            _ if self.check_only => SHORT,
            Workload::Mix => 1_430_000,
            Workload::Handshakes => 1_330_000,
        };
        self.packets.unwrap_or(usual)
    }
}

fn workload(name: &str) -> Outcome<Workload> {
    let named = Workload::ALL.into_iter().find(|kind| kind.name() == name);
    let names = Workload::ALL.map(Workload::name).join(" or ");
    named.ok_or_else(|| format!("no workload {name}: it is {names}").into())
}
