//! A file for Zeek's intelligence framework (<https://docs.zeek.org/en/master/frameworks/intel.html>): columns parted by tabs,
//! and names that are compared as a whole.

use super::chosen::{Chosen, Verdict};
use super::{NO_WILDCARDS, Said, Writer};
use crate::model::Pack;
use crate::rules::pattern::Shape;

pub(super) struct Zeek;

impl Writer for Zeek {
    fn head(&self, _packs: &[&Pack]) -> String {
        "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\tmeta.url\n".to_owned()
    }

    fn write(&self, chosen: &Chosen<'_>) -> Said {
        match (chosen.verdict, chosen.pattern.shape()) {
            (Verdict::Meant, Shape::Exact(name)) => {
                let (pack, service) = (chosen.pack, chosen.service);
                let source = format!("straggler {} {}", pack.vendor, pack.version);
                Said::Whole(vec![format!(
                    "{name}\tIntel::DOMAIN\t{source}\t{}\t{}",
                    one_cell(&service.name),
                    one_cell(&service.source)
                )])
            }
            (Verdict::Meant, Shape::Suffix(_)) => {
                Said::Not("the framework compares whole names only, not all below one")
            }
            (Verdict::Meant, Shape::Wildcard) => Said::Not(NO_WILDCARDS),
            // Whole names hold no others.
            (Verdict::Spared, _) => Said::Whole(Vec::new()),
        }
    }
}

/// `-` stands for an empty cell.
fn one_cell(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    if text.is_empty() {
        "-".to_owned()
    } else {
        text
    }
}
