//! `[[exception]]`: hosts that are left out of account, by whom, why and until when.

use serde::{Deserialize, Serialize};
use toml::value::Datetime;

use super::values::Network;
use crate::evidence::ExceptionRule;
use crate::model::{self, Category, Timestamp, VendorId};

/// An exception in the file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Table")]
pub struct Exception {
    #[serde(flatten)]
    table: Table,
    #[serde(skip)]
    rule: ExceptionRule,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    hosts: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    networks: Vec<Network>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    until: Datetime,
    reason: String,
    by: String,
}

impl Exception {
    /// As evidence is judged by it.
    pub fn rule(&self) -> ExceptionRule {
        self.rule.clone()
    }
}

impl Exception {
    /// Id of the vendor that it names, if any.
    pub fn vendor(&self) -> Option<&str> {
        self.table.vendor.as_deref()
    }
}

impl TryFrom<Table> for Exception {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, String> {
        let listed = [("owner", &table.owner), ("site", &table.site)];
        if table.hosts.is_empty()
            && table.networks.is_empty()
            && listed.iter().all(|(_, text)| text.is_none())
        {
            let what = "an exception needs `hosts`, `networks`, `owner` or `site`: whom it is for";
            return Err(what.to_owned());
        }
        for (key, text) in listed {
            if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
                return Err(format!("write the {key} as it stands in the inventory"));
            }
        }
        for (key, text) in [("reason", &table.reason), ("by", &table.by)] {
            if text.trim().is_empty() || text.contains(char::is_control) {
                return Err(format!("write one line of text for `{key}`"));
            }
        }
        let until = Timestamp::parse_rfc3339(&table.until.to_string()).ok_or_else(|| {
            format!(
                "`until = {}` needs a time and an offset; write it like 2026-12-31T00:00:00Z",
                table.until
            )
        })?;
        let vendor = table.vendor.as_deref().map(|id| {
            VendorId::parse(id).ok_or_else(|| {
                format!("`{id}` is no id of a vendor (`straggler rules list` shows them)")
            })
        });
        let category = table.category.as_deref().map(str::parse::<Category>);
        let rule = ExceptionRule {
            hosts: table.hosts.clone(),
            networks: table.networks.iter().map(|network| network.0).collect(),
            owner: table.owner.as_deref().map(|text| text.trim().to_owned()),
            site: table.site.as_deref().map(|text| text.trim().to_owned()),
            vendor: vendor.transpose()?,
            category: category.transpose()?,
            exception: model::Exception {
                reason: table.reason.trim().to_owned(),
                by: table.by.trim().to_owned(),
                until,
            },
        };
        Ok(Self { table, rule })
    }
}

#[cfg(test)]
mod tests {
    use super::super::File;

    fn fault(lines: &str) -> String {
        let text = format!("[[exception]]\n{lines}\n");
        File::parse("c.toml", &text).unwrap_err().to_string()
    }

    #[test]
    fn an_exception_says_for_whom_why_by_whom_and_until_when() {
        let whole =
            "hosts = [\"10.0.0.5\"]\nuntil = 2026-12-31T00:00:00Z\nreason = \"a\"\nby = \"b\"";
        let file = File::parse("c.toml", &format!("[[exception]]\n{whole}\n")).unwrap();
        assert_eq!(
            file.exception[0].rule().exception.until.to_string(),
            "2026-12-31T00:00:00Z"
        );
        let by_site = whole.replace("hosts = [\"10.0.0.5\"]", "site = \" Berne\"");
        let file = File::parse("c.toml", &format!("[[exception]]\n{by_site}\n")).unwrap();
        assert_eq!(file.exception[0].rule().site.as_deref(), Some("Berne"));
        for (from, to, words) in [
            ("hosts = [\"10.0.0.5\"]", "", "whom it is for"),
            ("until = 2026-12-31T00:00:00Z", "", "missing field `until`"),
            (
                "2026-12-31T00:00:00Z",
                "2026-12-31",
                "needs a time and an offset",
            ),
            ("reason = \"a\"", "reason = \" \"", "for `reason`"),
            ("by = \"b\"", "by = \"b\"\ncategory = \"x\"", "write one of"),
            (
                "by = \"b\"",
                "by = \"b\"\nroom = \"x\"",
                "unknown field `room`",
            ),
            (
                "hosts = [\"10.0.0.5\"]",
                "site = \" \"",
                "write the site as it stands in the inventory",
            ),
            (
                "10.0.0.5\"]",
                "10.0.0.5\"]\nnetworks = [\"10\"]",
                "no network",
            ),
        ] {
            let text = whole.replace(from, to);
            assert_ne!(text, whole);
            let fault = fault(&text);
            assert!(fault.contains(words) && fault.contains("c.toml"), "{fault}");
        }
    }
}
