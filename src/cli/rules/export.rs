//! `straggler rules export`: names for tools that block or alert.

use std::io::Write;

use clap::{Args, ValueEnum};

use crate::cli::args::Common;
use crate::cli::output::say;
use crate::cli::replay::load;
use crate::cli::{Exit, Failure, Output};
use crate::model::{Category, Pack, PackRole, Strength};
use crate::rules::{self, Selection};

/// `straggler rules export`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  straggler rules export --format rpz > straggler.rpz
  straggler rules export --format suricata --vendor kaspersky --category update,telemetry > straggler.rules")]
pub struct ExportArgs {
    #[command(flatten)]
    common: Common,
    /// For which tool
    #[arg(long, value_enum)]
    format: Format,
    /// Only these vendors, by the ids that `rules list` prints; otherwise all restricted ones in force
    #[arg(long, value_name = "V", value_delimiter = ',')]
    vendor: Vec<String>,
    /// Only names of these categories: update, telemetry, licensing, management, download, web, other
    #[arg(long, value_name = "C", value_delimiter = ',')]
    category: Vec<Category>,
    /// The least that a name must say of who asks for it; `weak` takes in what people and pages ask for
    #[arg(long, value_name = "S", default_value_t = Strength::Strong)]
    min_strength: Strength,
}

/// Formats of `rules export`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One pattern per line, as packs write them
    Plain,
    /// /etc/hosts
    Hosts,
    /// A response policy zone (BIND, Unbound, PowerDNS, Knot)
    Rpz,
    /// A configuration file of dnsmasq
    Dnsmasq,
    /// A configuration file of Unbound
    Unbound,
    /// A filter list of AdGuard
    Adguard,
    /// Rules of Suricata 7 for DNS, TLS, QUIC and HTTP
    Suricata,
    /// A file for Zeek's intelligence framework
    Zeek,
}

impl From<Format> for rules::ExportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Plain => Self::Plain,
            Format::Hosts => Self::Hosts,
            Format::Rpz => Self::Rpz,
            Format::Dnsmasq => Self::Dnsmasq,
            Format::Unbound => Self::Unbound,
            Format::Adguard => Self::Adguard,
            Format::Suricata => Self::Suricata,
            Format::Zeek => Self::Zeek,
        }
    }
}

pub(super) fn export(args: &ExportArgs, output: &mut Output) -> Result<Exit, Failure> {
    let config = load(&args.common)?;
    let in_force = config.rule_set().packs;
    let wanted: Vec<&Pack> = if args.vendor.is_empty() {
        let restricted = |pack: &&Pack| pack.role == PackRole::Restricted;
        in_force.iter().filter(restricted).collect()
    } else {
        let named = |id: &String| {
            config.library.pack(id).ok_or_else(|| {
                let known = config.library.packs().map(|pack| pack.vendor.as_str());
                Failure::usage(format!(
                    "--vendor {}: there is no pack of that vendor; there are: {}",
                    id.escape_debug(),
                    known.collect::<Vec<_>>().join(", ")
                ))
            })
        };
        args.vendor.iter().map(named).collect::<Result<_, _>>()?
    };
    let is_wanted = |pack: &Pack| wanted.iter().any(|other| other.vendor == pack.vendor);
    let others: Vec<&Pack> = in_force.iter().filter(|pack| !is_wanted(pack)).collect();
    let selection = Selection {
        categories: args.category.clone(),
        min_strength: args.min_strength,
    };
    let exported = rules::export(args.format.into(), &wanted, &others, &selection);
    if exported.patterns == 0 {
        return Err(Failure::usage(
            "no name is left to export; choose other vendors, categories, --min-strength weak, or another format",
        ));
    }
    for left_out in &exported.left_out {
        say(left_out);
    }
    write!(output, "{}", exported.text)?;
    Ok(Exit::Fine)
}
