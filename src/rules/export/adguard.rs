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
        let exception = match chosen.verdict {
            Verdict::Meant => "",
            Verdict::Spared => "@@",
        };
        Said::Whole(vec![format!("{exception}{rule}")])
    }
}
