//! Patterns in the formats of tools that block or alert: resolvers, filters, Suricata, Zeek.
//!
//! Here the most specific pattern wins; most tools stop at the first one or know only one kind. So whatever lies below an
//! exported pattern and is not chosen itself is let pass in so many words, and what a format cannot say is told twice: in
//! the file as a comment, and to the caller.

mod adguard;
mod chosen;
mod dnsmasq;
mod hosts;
mod plain;
mod rpz;
mod suricata;
mod unbound;
mod zeek;

use std::fmt::Write;

use chosen::{Chosen, Verdict};

use crate::model::{Category, Pack, Strength};

/// Formats that patterns are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// One pattern a line, as packs write them.
    Plain,
    /// `/etc/hosts`.
    Hosts,
    /// A response policy zone for BIND, Unbound, PowerDNS and Knot.
    Rpz,
    /// A configuration file of dnsmasq.
    Dnsmasq,
    /// A configuration file of Unbound.
    Unbound,
    /// A filter list of AdGuard.
    Adguard,
    /// Rules of Suricata 7.
    Suricata,
    /// A file for Zeek's intelligence framework.
    Zeek,
}

/// Which patterns of packs are wanted.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Categories; all where there are none.
    pub categories: Vec<Category>,
    /// The least strength.
    pub min_strength: Strength,
}

/// A file for another tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The whole file.
    pub text: String,
    /// How many patterns stand in it.
    pub patterns: usize,
    /// What the format cannot say, a sentence each.
    pub left_out: Vec<String>,
}

/// Writes what is chosen of `packs` in a format. `others` are packs in force of which nothing is wanted: what they know is
/// let pass.
pub fn export(
    format: ExportFormat,
    packs: &[&Pack],
    others: &[&Pack],
    selection: &Selection,
) -> Exported {
    let chosen = chosen::choose(packs, others, selection);
    let writer = format.writer();
    let mut lines = Vec::new();
    let mut left_out = Vec::new();
    let mut patterns = 0;
    for one in &chosen {
        let pattern = &one.pattern;
        let (written, is_meant) = (writer.write(one), one.verdict == Verdict::Meant);
        patterns += usize::from(is_meant && !matches!(written, Said::Not(_)));
        match written {
            Said::Whole(written) => lines.extend(written),
            Said::MoreThan(written, why) => {
                lines.extend(written);
                left_out.push(format!(
                    "`{pattern}` is not wanted, and more is spared than that: {why}"
                ));
            }
            Said::Not(why) if is_meant => left_out.push(format!("`{pattern}` is left out: {why}")),
            Said::Not(why) => left_out.push(format!(
                "`{pattern}` is not wanted and met all the same, by a wider pattern: {why}"
            )),
        }
    }
    let mut text = writer.head(packs);
    let mark = writer.comment();
    for line in packs
        .iter()
        .map(|pack| about(pack))
        .chain(left_out.iter().cloned())
    {
        // Infallible: the target is a string.
        let _ = writeln!(text, "{mark} {line}");
    }
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    Exported {
        text,
        patterns,
        left_out,
    }
}

/// One format.
trait Writer {
    /// What begins a line that the tool skips.
    fn comment(&self) -> &'static str {
        "#"
    }

    /// What the file begins with, before any comment.
    fn head(&self, _packs: &[&Pack]) -> String {
        String::new()
    }

    /// What it has for a pattern.
    fn write(&self, chosen: &Chosen<'_>) -> Said;
}

/// What a format says of a pattern.
enum Said {
    /// Lines that mean just that.
    Whole(Vec<String>),
    /// Lines that spare more than the pattern, and why.
    MoreThan(Vec<String>, &'static str),
    /// Nothing, and why.
    Not(&'static str),
}

impl ExportFormat {
    fn writer(self) -> &'static dyn Writer {
        match self {
            Self::Plain => &plain::Plain,
            Self::Hosts => &hosts::Hosts,
            Self::Rpz => &rpz::Rpz,
            Self::Dnsmasq => &dnsmasq::Dnsmasq,
            Self::Unbound => &unbound::Unbound,
            Self::Adguard => &adguard::Adguard,
            Self::Suricata => &suricata::Suricata,
            Self::Zeek => &zeek::Zeek,
        }
    }
}

/// What packs say of themselves may hold anything; here it stands in a comment.
fn about(pack: &Pack) -> String {
    format!(
        "{} {}, reviewed {}, digest {}",
        pack.vendor, pack.version, pack.reviewed, pack.digest
    )
}

/// A pattern with wildcards, or the suffix of one, has no word in the format.
const NO_WILDCARDS: &str = "the format knows no `*` or `?` inside a label";

/// A name cannot be spared without what lies below it.
const ALL_BELOW: &str = "for the format a name goes with all that lies below it";
