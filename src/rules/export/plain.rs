//! One pattern a line, as packs write them: nothing is lost.

use super::chosen::{Chosen, Verdict};
use super::{Said, Writer};

pub(super) struct Plain;

impl Writer for Plain {
    fn write(&self, chosen: &Chosen<'_>) -> Said {
        match chosen.verdict {
            Verdict::Meant => Said::Whole(vec![chosen.pattern.to_string()]),
            Verdict::Spared => Said::Not("the list has no word for exceptions"),
        }
    }
}
