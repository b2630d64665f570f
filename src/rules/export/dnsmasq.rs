//! dnsmasq's configuration (dnsmasq(8), from 2.80 on): of several domains the longest wins.

use super::chosen::{Chosen, Verdict};
use super::{ALL_BELOW, NO_WILDCARDS, Said, Writer};
use crate::rules::pattern::Shape;

pub(super) struct Dnsmasq;

impl Writer for Dnsmasq {
    fn write(&self, chosen: &Chosen<'_>) -> Said {
        if chosen.said_already {
            return Said::Whole(Vec::new());
        }
        if chosen.name_apart && chosen.verdict == Verdict::Spared {
            return Said::Not(ALL_BELOW);
        }
        let line = match (chosen.verdict, chosen.pattern.shape()) {
            // `#` is an address where nobody answers, of either family.
            (Verdict::Meant, Shape::Suffix(name)) => format!("address=/{name}/#"),
            (Verdict::Meant, Shape::Exact(name)) => format!("host-record={name},0.0.0.0,::"),
            // Here `#` is: as all others are asked for.
            (Verdict::Spared, Shape::Suffix(name)) => format!("server=/{name}/#"),
            (Verdict::Spared, Shape::Exact(name)) => {
                return Said::MoreThan(vec![format!("server=/{name}/#")], ALL_BELOW);
            }
            (_, Shape::Wildcard) => return Said::Not(NO_WILDCARDS),
        };
        Said::Whole(vec![line])
    }
}
