//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::report_args::ReportArgs;
use super::rules::RulesArgs;
use crate::report::Moment;
use crate::sandbox;

/// Which hosts still fetch a vendor's updates, or still report to it, after the date on which that had to stop?
#[derive(Debug, Parser)]
#[command(
    name = "straggler",
    version,
    max_term_width = 110,
    disable_help_subcommand = true,
    after_help = "\
Examples:
  straggler replay office.pcapng                   the findings of a capture
  ssh gw tcpdump -w - | straggler replay -         the findings of a capture as it is made (end it with Ctrl-C)
  sudo straggler run --interface eth0              watch an interface; page and metrics on http://127.0.0.1:9842
  straggler report --state-dir /var/lib/straggler  what the daemon has found
  straggler names office.pcapng                    every name that hosts asked for
  straggler rules explain s07.upd.kaspersky.com    which rule matches a name, and why

Exit codes: 0 fine; 1 a check found faults, or `--fail-on` something; 2 wrong command line, configuration or rules;
            3 failure at run time, or a capture that could not be read to its end."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch interfaces and serve the page and the metrics (the daemon)
    Run(RunArgs),
    /// Print the findings of captures
    Replay(ReplayArgs),
    /// Print the findings that a daemon has kept
    Report(StoreReportArgs),
    /// Erase a host from what a daemon has kept
    Erase(EraseArgs),
    /// Print every name that hosts asked for in captures, matched or not
    Names(NamesArgs),
    /// Look at rule packs, check and test them
    Rules(RulesArgs),
    /// Check or show the configuration
    Config(ConfigArgs),
    /// Find the tokens that stand for a device
    Privacy(PrivacyArgs),
    /// List the interfaces that can be captured
    Interfaces,
}

/// What several commands take.
#[derive(Debug, Args)]
pub struct Common {
    /// Configuration file (`straggler config example` prints one)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of rule packs that add to the built-in ones or replace them
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
}

/// `straggler run`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sudo straggler run --interface eth0
  sudo straggler run --interface eth0 --state-dir /var/lib/straggler
  sudo straggler run --interface any --listen 192.0.2.1:9842
  straggler run --config /etc/straggler/straggler.toml
  straggler run --replay examples/office.pcapng     no root needed; serves the findings of the capture

Capturing needs CAP_NET_RAW. To run it as an ordinary user:
  sudo setcap cap_net_raw=ep $(command -v straggler)

SIGINT (Ctrl-C) and SIGTERM end it cleanly.")]
pub struct RunArgs {
    #[command(flatten)]
    pub common: Common,
    /// Interface to capture, or `any`; may be given several times
    #[arg(long, short, value_name = "NAME", conflicts_with = "replay")]
    pub interface: Vec<String>,
    /// Capture, folder of captures or `-` to replay instead of live traffic; may be given several times
    #[arg(long, value_name = "FILE")]
    pub replay: Vec<PathBuf>,
    /// Address and port of the page and the metrics [default: 127.0.0.1:9842]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<SocketAddr>,
    /// Folder in which findings are kept over restarts; nothing is kept without
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Who is let in to page and metrics, and over TLS or not: docs/server.md
    #[arg(long = "web.config.file", value_name = "FILE")]
    pub web_config: Option<PathBuf>,
    /// Whether the process gives up all that it does not need, files, programs and connections: off, on (as far as the
    /// system can), or require (wholly, or it does not start)
    #[arg(long, value_name = "MODE", default_value = "on")]
    pub sandbox: sandbox::Mode,
}

/// `straggler replay`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  straggler replay office.pcapng
  straggler replay /var/captures/                    a folder, all levels, in the order of recording
  ssh gw tcpdump -w - | straggler replay -
  straggler replay --format json office.pcapng | jq 'select(.straggler)'
  straggler replay --at 2024-10-01T00:00:00Z ring/   as it stood at that instant
  straggler replay --format html office.pcapng > report.html     one page for an auditor
  straggler replay --fail-on straggler office.pcapng             exit code 1 if there is one
  straggler replay --vendor kaspersky --status fetching,contacting --since 2024-09-30 ring/

A host is a straggler by what it did in the 24 hours before the end of the capture. --at judges as
of another instant. --vendor, --host, --status, --since and --until only choose which findings are
told, and the report counts what they left out.

docs/report.md describes formats, columns and filters, docs/json.md the fields of the JSON form.

Exit codes: 0 fine; 1 what --fail-on names is in the report; 2 wrong command line, configuration
            or rules; 3 failure at run time, or a capture that could not be read to its end (1 if
            what was read has what --fail-on names).")]
pub struct ReplayArgs {
    #[command(flatten)]
    pub common: Common,
    /// Captures (pcap or pcapng, also packed with gzip or zstd), folders of them, or `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub report: ReportArgs,
    /// Judge as of this instant, written like that of --since; later packets are left out
    #[arg(long, value_name = "T")]
    pub at: Option<Moment>,
}

/// `straggler report`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  straggler report --state-dir /var/lib/straggler
  straggler report --config /etc/straggler/straggler.toml --format html > report.html
  straggler report --state-dir /var/lib/straggler --since 2026-11-01 --format csv
  straggler report --state-dir /var/lib/straggler --at 2026-11-15         as it stood on that day
  straggler report --state-dir /var/lib/straggler --fail-on straggler     exit code 1 if any

The daemon may be running. Findings are judged as of the latest time at which it looked, or of --at,
by the rules and the configuration that are given here. --vendor, --host, --status, --since and --until
only choose which findings are told, and the report counts what they left out.

docs/report.md describes formats, columns and filters, docs/json.md the fields of the JSON form,
docs/store.md what is kept.

Exit codes: 0 fine; 1 what --fail-on names is in the report; 2 wrong command line, configuration
            or rules, no such host, or there is no store; 3 the store cannot be read,
            or has sightings later than the clock (1 if the others have what --fail-on names).")]
pub struct StoreReportArgs {
    #[command(flatten)]
    pub common: Common,
    /// Folder in which the daemon keeps its findings
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    #[command(flatten)]
    pub report: ReportArgs,
    /// Judge as of this instant, written like that of --since; what came later is left out
    #[arg(long, value_name = "T")]
    pub at: Option<Moment>,
}

/// `straggler erase`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  straggler erase ip-10.0.0.17 --state-dir /var/lib/straggler
  straggler erase 10.0.0.17 --config /etc/straggler/straggler.toml

Everything that was kept of the host goes: sightings, addresses, names, events, and the sample
flows of others that name one of its addresses. The file is written anew, so that its bytes are
gone; that needs as much room again. The daemon must not be running. Copies that were set aside,
and what outputs of events have had, are not touched; the copies are named.

Exit codes: 0 erased; 2 wrong command line or configuration, or there is no such host; 3 it failed.")]
pub struct EraseArgs {
    /// The host: one of its keys, an address that it had, or its name
    pub host: String,
    /// Configuration file that names the state folder
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder in which the daemon keeps its findings
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
}

/// Formats of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people
    Table,
    /// One JSON object per line
    Json,
}

/// `straggler names`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  straggler names office.pcapng
  straggler names --unmatched office.pcapng | cut -f4 | sort | uniq -c | sort -rn
  straggler names --unmatched --near kaspersky office.pcapng
  tcpdump -w - | straggler names --format json -

Columns: time, signal (dns, tls, quic, http or connect), client, name. As JSON also the server and the service that matched.
With --near: how often, how many clients, name, clients (16 at most).")]
pub struct NamesArgs {
    #[command(flatten)]
    pub common: Common,
    /// Captures (pcap or pcapng, also packed with gzip or zstd), folders of them, or `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How to print the names
    #[arg(long, value_enum, default_value_t = NamesFormat::Tsv)]
    pub format: NamesFormat,
    /// Only names that no rule matches
    #[arg(long)]
    pub unmatched: bool,
    /// Of these, those under the domains of a vendor, with how often and by whom: what its pack does not know yet. A pattern
    /// for a whole domain is taken for none
    #[arg(long, value_name = "V", requires = "unmatched")]
    pub near: Option<String>,
}

/// Formats of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NamesFormat {
    /// Tab-separated columns
    Tsv,
    /// One JSON object per line
    Json,
}

/// `straggler config`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  straggler config example > straggler.toml
  straggler config check --config straggler.toml
  straggler config show --config straggler.toml      the file over the defaults")]
pub struct ConfigArgs {
    /// What to do with the configuration.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// The subcommands of `config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check a configuration file and the rules that it names
    Check(Common),
    /// Print what is in force: the file over the defaults
    Show(Common),
    /// Print a file with every key, its default and what it means
    Example,
}

/// `straggler privacy`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  straggler privacy token 10.0.0.17 --config straggler.toml         the tokens of an address
  straggler privacy token 00:11:22:33:44:55 --config straggler.toml
  straggler privacy token pc-17 --config straggler.toml

docs/privacy.md says what is hidden, and what is not.")]
pub struct PrivacyArgs {
    /// What to do with tokens.
    #[command(subcommand)]
    pub command: PrivacyCommand,
}

/// The subcommands of `privacy`.
#[derive(Debug, Subcommand)]
pub enum PrivacyCommand {
    /// Print every token that may stand for a device: kind and token, a line each
    Token {
        #[command(flatten)]
        common: Common,
        /// Address, hardware address, key, name or owner
        device: String,
    },
}
