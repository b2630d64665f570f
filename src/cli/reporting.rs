//! From what a replay came to, to a report; and the report in the format that was asked for.

use std::io::Write;

use super::report::Kept;
use super::report_args::{FailOn, ReportArgs, ReportFormat};
use super::{Exit, Failure, Output};
use crate::capture::STDIN;
use crate::config::Config;
use crate::model::{Pack, PackKind, ResolverPack, Snapshot, Timestamp};
use crate::replay::{FileRead, Replayed};
use crate::report::{self, Asked, PackUsed, Report, Sensor, Source, SourceKind, Watched, Zone};

/// What a report tells besides the findings, known before they are.
pub(super) struct Frame {
    packs: Vec<PackUsed>,
    transfer_threshold: u64,
    local_networks: Vec<ipnet::IpNet>,
}

impl Frame {
    pub(super) fn new(config: &Config, packs: &[Pack]) -> Self {
        let vendors = packs.iter().map(vendor_pack);
        let resolvers = config.library.resolver_packs().map(resolver_pack);
        Self {
            packs: vendors.chain(resolvers).collect(),
            transfer_threshold: config.file.transfer_threshold_bytes,
            local_networks: config
                .file
                .local_networks
                .iter()
                .map(|network| network.0)
                .collect(),
        }
    }

    /// The report of what a store has, with all of its findings.
    pub(super) fn around_kept(self, kept: Kept, at: Option<Timestamp>, zone: Zone) -> Report {
        let mut local_networks = self.local_networks;
        local_networks.extend(kept.networks);
        local_networks.sort_unstable();
        local_networks.dedup();
        Report {
            asked: Asked {
                at,
                zone,
                ..Asked::default()
            },
            sensor: Sensor {
                sources: kept.sources,
                local_networks,
            },
            watched: Watched::new(kept.looked),
            transfer_threshold: self.transfer_threshold,
            packs: self.packs,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            remarks: kept.remarks,
            snapshot: kept.snapshot,
            seen: kept.seen,
        }
    }

    /// The report of a replay, with all of its findings.
    pub(super) fn around(
        self,
        snapshot: Snapshot,
        replayed: &Replayed,
        at: Option<Timestamp>,
        zone: Zone,
    ) -> Report {
        Report {
            asked: Asked {
                at,
                zone,
                ..Asked::default()
            },
            sensor: Sensor {
                sources: replayed.files.iter().map(source).collect(),
                local_networks: self.local_networks,
            },
            watched: Watched::new(
                replayed
                    .files
                    .iter()
                    .filter_map(|file| file.looked)
                    .collect(),
            ),
            transfer_threshold: self.transfer_threshold,
            packs: self.packs,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            remarks: super::replay::remarks(replayed, &snapshot),
            snapshot,
            seen: replayed.tracker.seen.clone(),
        }
    }
}

/// Prints a report in the format that was asked for.
pub(super) fn write(
    report: &Report,
    format: ReportFormat,
    output: &mut Output,
) -> Result<(), Failure> {
    let text = match format {
        ReportFormat::Json => {
            for line in report::finding_lines(report) {
                super::replay::write_json(output, &line)?;
            }
            return Ok(());
        }
        ReportFormat::Table => report::table(report, output.style()),
        ReportFormat::Csv => report::csv(report),
        ReportFormat::Markdown => report::markdown(report),
        ReportFormat::Html => report::html(report),
    };
    output.write_all(text.as_bytes())?;
    Ok(())
}

/// The exit code: what was asked to fail on counts more than a capture that could not be read to its end, for a straggler
/// that was found stays found.
pub(super) fn exit(report: &Report, args: &ReportArgs, otherwise: Exit) -> Exit {
    match args.fail_on {
        Some(FailOn::Straggler) if report.has_stragglers() => Exit::Found,
        _ => otherwise,
    }
}

fn source(file: &FileRead) -> Source {
    let kind = match file.path.as_os_str() == STDIN {
        true => SourceKind::StandardInput,
        false => SourceKind::File,
    };
    Source {
        kind,
        name: file.path.display().to_string(),
        links: file.links.clone(),
        frames: Some(file.frames),
        drops: None,
    }
}

fn vendor_pack(pack: &Pack) -> PackUsed {
    PackUsed {
        id: pack.vendor.to_string(),
        name: pack.name.clone(),
        kind: PackKind::Vendor,
        version: pack.version.to_string(),
        digest: pack.digest.clone(),
        reviewed: pack.reviewed.clone(),
        origin: pack.origin.clone(),
    }
}

fn resolver_pack(pack: &ResolverPack) -> PackUsed {
    PackUsed {
        id: pack.id.to_string(),
        name: pack.name.clone(),
        kind: PackKind::Resolvers,
        version: pack.version.to_string(),
        digest: pack.digest.clone(),
        reviewed: pack.reviewed.clone(),
        origin: pack.origin.clone(),
    }
}
