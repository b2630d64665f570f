//! How findings are printed and which of them: the same for every command that prints them.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use super::Failure;
use crate::model::{Snapshot, Status, VendorId};
use crate::report::{Filter, Moment, Zone};

/// What every command that prints findings takes.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// How to print the findings
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    pub format: ReportFormat,
    /// Only these vendors, by the ids that `rules list` prints; several with commas, here and below
    #[arg(long, value_name = "V", value_delimiter = ',')]
    pub vendor: Vec<String>,
    /// Only these hosts, by key, address, hardware address or name
    #[arg(long, value_name = "H", value_delimiter = ',')]
    pub host: Vec<String>,
    /// Only findings of these statuses
    #[arg(long, value_name = "S", value_delimiter = ',', value_parser = statuses())]
    pub status: Vec<Status>,
    /// Only findings with a sighting at T or later: a day (midnight in --timezone), a time of day, or an instant with its offset
    #[arg(long, value_name = "T")]
    pub since: Option<Moment>,
    /// Only findings with a sighting before T; with --since, between the two
    #[arg(long, value_name = "T")]
    pub until: Option<Moment>,
    /// Zone in which times are read and shown: an IANA name such as Europe/Berlin, or UTC (JSON stays in UTC)
    #[arg(long, value_name = "Z", default_value = "UTC")]
    pub timezone: Zone,
    /// Exit with code 1 if the report, as the filters leave it, has any of these
    #[arg(long, value_name = "WHAT", value_enum)]
    pub fail_on: Option<FailOn>,
}

/// Formats of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people at a terminal
    Table,
    /// One JSON object per line
    Json,
    /// One row per host, vendor and category, for spreadsheets
    Csv,
    /// For a ticket or a wiki
    Markdown,
    /// One self-contained page for an auditor
    Html,
}

/// What makes a report a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Any straggler
    Straggler,
}

impl ReportArgs {
    /// Which findings to tell, checked against the vendors in force.
    pub fn filter(&self, vendors: &[&VendorId]) -> Result<Filter, Failure> {
        let since = self.since.map(|moment| moment.instant(&self.timezone));
        let until = self.until.map(|moment| moment.instant(&self.timezone));
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            return Err(Failure::usage(
                "--since is not before --until, so no finding could be told",
            ));
        }
        let known = |text: &String| -> Result<VendorId, Failure> {
            let found = vendors.iter().find(|vendor| vendor.as_str() == text);
            found.map(|&vendor| vendor.clone()).ok_or_else(|| {
                let known: Vec<&str> = vendors.iter().map(|vendor| vendor.as_str()).collect();
                Failure::usage(format!(
                    "--vendor {}: no pack of that vendor is in force; there are: {}",
                    text.escape_debug(),
                    known.join(", ")
                ))
            })
        };
        if self.host.iter().any(|host| host.trim().is_empty()) {
            return Err(Failure::usage("--host: write a key, an address or a name"));
        }
        Ok(Filter {
            vendors: self.vendor.iter().map(known).collect::<Result<_, _>>()?,
            hosts: self.host.clone(),
            statuses: self.status.clone(),
            since,
            until,
            within: None,
        })
    }

    /// A word about each host that nobody knows: a mistyped one must not look like a clean one.
    pub fn unknown_hosts(filter: &Filter, snapshot: &Snapshot) -> Vec<String> {
        let hosts = filter.unknown_hosts(snapshot).into_iter();
        hosts
            .map(|host| {
                format!(
                    "--host {}: no host with a finding has that key, address or name",
                    host.escape_debug()
                )
            })
            .collect()
    }
}

/// Statuses, so that help lists them.
fn statuses() -> impl TypedValueParser<Value = Status> {
    let labels = Status::ALL.iter().map(|status| status.label());
    PossibleValuesParser::new(labels).try_map(|label| label.parse::<Status>())
}
