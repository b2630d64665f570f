//! Unbound's configuration (unbound.conf(5)): the zone of the longest name decides.

use super::chosen::{Chosen, Verdict};
use super::{ALL_BELOW, NO_WILDCARDS, Said, Writer};
use crate::model::Pack;
use crate::rules::pattern::Shape;

pub(super) struct Unbound;

impl Writer for Unbound {
    fn head(&self, _packs: &[&Pack]) -> String {
        "server:\n".to_owned()
    }

    fn write(&self, chosen: &Chosen<'_>) -> Said {
        if chosen.said_already {
            return Said::Whole(Vec::new());
        }
        if chosen.name_apart && chosen.verdict == Verdict::Spared {
            return Said::Not(ALL_BELOW);
        }
        let zone = |name: &str, kind: &str| format!("    local-zone: \"{name}.\" {kind}");
        match (chosen.verdict, chosen.pattern.shape()) {
            (Verdict::Meant, Shape::Suffix(name)) => Said::Whole(vec![zone(name, "always_null")]),
            // What has data of its own is answered, what lies below is asked for as ever.
            (Verdict::Meant, Shape::Exact(name)) => Said::Whole(vec![
                zone(name, "transparent"),
                format!("    local-data: \"{name}. A 0.0.0.0\""),
                format!("    local-data: \"{name}. AAAA ::\""),
            ]),
            (Verdict::Spared, Shape::Suffix(name)) => {
                Said::Whole(vec![zone(name, "always_transparent")])
            }
            (Verdict::Spared, Shape::Exact(name)) => {
                Said::MoreThan(vec![zone(name, "always_transparent")], ALL_BELOW)
            }
            (_, Shape::Wildcard) => Said::Not(NO_WILDCARDS),
        }
    }
}
