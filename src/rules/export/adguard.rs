//! A filter list of AdGuard (<https://adguard-dns.io/kb/general/dns-filtering-syntax/>).

use super::chosen::{Chosen, Verdict};
use super::{Said, Writer};
use crate::rules::pattern::Shape;

pub(super) struct Adguard;

impl Writer for Adguard {
    fn comment(&self) -> &'static str {
        "!"
    }

    fn write(&self, chosen: &Chosen<'_>) -> Said {
        let rule = match chosen.pattern.shape() {
            Shape::Suffix(name) => format!("||{name}^"),
            Shape::Exact(name) => format!("|{name}^"),
            // `*` would run over dots there.
            Shape::Wildcard => format!("/{}/", chosen.pattern.regex()),
        };
        let line = match chosen.verdict {
            // Exceptions win over all rules but important ones.
            Verdict::Meant if chosen.within_spared => format!("{rule}$important"),
            Verdict::Meant => rule,
            Verdict::Spared => format!("@@{rule}"),
        };
        Said::Whole(vec![line])
    }
}
