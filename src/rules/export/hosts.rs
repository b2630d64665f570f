//! `/etc/hosts`: names without what lies below them, at an address where nobody answers (hosts(5)).

use super::chosen::{Chosen, Verdict};
use super::{NO_WILDCARDS, Said, Writer};
use crate::rules::pattern::Shape;

pub(super) struct Hosts;

impl Writer for Hosts {
    fn write(&self, chosen: &Chosen<'_>) -> Said {
        match (chosen.verdict, chosen.pattern.shape()) {
            (Verdict::Meant, Shape::Exact(name)) => {
                Said::Whole(vec![format!("0.0.0.0 {name}"), format!(":: {name}")])
            }
            (Verdict::Meant, Shape::Suffix(_)) => {
                Said::Not("the format knows single names only, not all below one")
            }
            (Verdict::Meant, Shape::Wildcard) => Said::Not(NO_WILDCARDS),
            // Single names hold no others.
            (Verdict::Spared, _) => Said::Whole(Vec::new()),
        }
    }
}
