//! The `[[cutoff]]` tables of a vendor pack.

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use super::check::Check;
use crate::model::{Cutoff, CutoffKind, Timestamp, VendorId};
use crate::rules::PackError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CutoffTable {
    id: Spanned<String>,
    kind: Option<Spanned<String>>,
    #[serde(default)]
    default: bool,
    jurisdiction: Spanned<String>,
    binds: Spanned<String>,
    at: Spanned<Datetime>,
    categories: Vec<Spanned<String>>,
    authority: Spanned<String>,
    source: Spanned<String>,
}

impl Check<'_> {
    pub(super) fn cutoffs(
        &self,
        tables: &[Spanned<CutoffTable>],
    ) -> Result<Vec<Cutoff>, PackError> {
        let mut cutoffs: Vec<Cutoff> = Vec::new();
        for table in tables {
            let cutoff = self.cutoff(table.get_ref())?;
            if cutoffs.iter().any(|other| other.id == cutoff.id) {
                return Err(self.fault(
                    &table.get_ref().id,
                    format!("a second cutoff `{}`; give each its own id", cutoff.id),
                ));
            }
            let rival = cutoffs.iter().find(|other| {
                other.default
                    && cutoff.default
                    && other
                        .categories
                        .iter()
                        .any(|category| cutoff.categories.contains(category))
            });
            if let Some(rival) = rival {
                return Err(self.fault(
                    &table.get_ref().id,
                    format!(
                        "`{}` and `{}` are both default for one category; keep `default = true` in one of them",
                        rival.id, cutoff.id
                    ),
                ));
            }
            cutoffs.push(cutoff);
        }
        Ok(cutoffs)
    }

    fn cutoff(&self, table: &CutoffTable) -> Result<Cutoff, PackError> {
        if VendorId::parse(table.id.get_ref()).is_none() {
            return Err(self.bad_id(&table.id));
        }
        if table.categories.is_empty() {
            return Err(self.fault(
                &table.id,
                "a cutoff needs `categories`, for example [\"update\", \"telemetry\"]",
            ));
        }
        Ok(Cutoff {
            id: table.id.get_ref().clone(),
            kind: match &table.kind {
                Some(kind) => self.word(kind)?,
                None => CutoffKind::Ban,
            },
            default: table.default,
            jurisdiction: self.text_of(&table.jurisdiction)?,
            binds: self.text_of(&table.binds)?,
            at: self.instant(&table.at)?,
            categories: self.words(&table.categories)?,
            authority: self.text_of(&table.authority)?,
            source: self.source(&table.source)?,
        })
    }

    fn instant(&self, value: &Spanned<Datetime>) -> Result<Timestamp, PackError> {
        let datetime = value.get_ref();
        if datetime.offset.is_none() {
            return Err(self.fault(
                value,
                "a cutoff needs its offset from UTC; write for example 2024-09-29T00:00:00-04:00",
            ));
        }
        Timestamp::parse_rfc3339(&datetime.to_string())
            .ok_or_else(|| self.fault(value, "this instant does not exist"))
    }
}
