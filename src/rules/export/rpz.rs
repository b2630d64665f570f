//! A response policy zone (draft-vixie-dnsop-dns-rpz-00): names get addresses where nobody answers, so that who was refused
//! can be told from who met a name that is gone.

use super::chosen::{Chosen, Verdict};
use super::{NO_WILDCARDS, Said, Writer};
use crate::model::Pack;
use crate::rules::pattern::Shape;

pub(super) struct Rpz;

impl Writer for Rpz {
    fn comment(&self) -> &'static str {
        ";"
    }

    /// The serial grows with the latest review of a pack.
    fn head(&self, packs: &[&Pack]) -> String {
        let reviewed = packs.iter().map(|pack| pack.reviewed.replace('-', ""));
        let day = reviewed.max().unwrap_or_else(|| "19700101".to_owned());
        format!(
            "$TTL 300\n@ SOA localhost. nobody.localhost. {day}00 3600 600 864000 300\n@ NS localhost.\n"
        )
    }

    fn write(&self, chosen: &Chosen<'_>) -> Said {
        if chosen.said_already {
            return Said::Whole(Vec::new());
        }
        let owners = match chosen.pattern.shape() {
            Shape::Exact(name) => vec![name.to_owned()],
            Shape::Suffix(name) if chosen.name_apart => vec![format!("*.{name}")],
            Shape::Suffix(name) => vec![name.to_owned(), format!("*.{name}")],
            Shape::Wildcard => return Said::Not(NO_WILDCARDS),
        };
        let blocked = |owner: &str| [format!("{owner} A 0.0.0.0"), format!("{owner} AAAA ::")];
        let mut lines = Vec::new();
        for owner in &owners {
            match chosen.verdict {
                Verdict::Meant => lines.extend(blocked(owner)),
                Verdict::Spared => lines.push(format!("{owner} CNAME rpz-passthru.")),
            }
        }
        // An owner name ends the reach of a wildcard above it (RFC 4592, section 2.2.2), so what lies below has to be said.
        if let (Verdict::Spared, Shape::Exact(name)) = (chosen.verdict, chosen.pattern.shape())
            && chosen.below_is_meant
        {
            lines.extend(blocked(&format!("*.{name}")));
        }
        Said::Whole(lines)
    }
}
