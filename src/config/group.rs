//! `[[group]]`: hosts that other cutoffs bind.

use serde::{Deserialize, Serialize};

use super::values::Network;
use crate::evidence;

/// A group in the file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Table", into = "Table")]
pub struct Group(Table);

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    networks: Vec<Network>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sites: Vec<String>,
    cutoffs: Vec<String>,
}

impl Group {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// As evidence is judged by it.
    pub fn rule(&self) -> evidence::Group {
        let Table {
            name,
            networks,
            sites,
            cutoffs,
        } = self.0.clone();
        evidence::Group {
            name,
            networks: networks.into_iter().map(|network| network.0).collect(),
            sites,
            cutoffs,
        }
    }
}

impl From<Group> for Table {
    fn from(group: Group) -> Self {
        group.0
    }
}

impl TryFrom<Table> for Group {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, String> {
        if table.name.trim().is_empty() || table.name.contains(char::is_control) {
            return Err("write one line of text for `name`".to_owned());
        }
        if table.name == "default" {
            return Err("`default` stands for hosts in no group; choose another name".to_owned());
        }
        if table.networks.is_empty() && table.sites.is_empty() {
            return Err(format!(
                "group `{}` needs `networks` or `sites`: whose cutoffs these are",
                table.name
            ));
        }
        Ok(Self(table))
    }
}

/// The first name that two groups have.
pub(super) fn repeated(groups: &[Group]) -> Option<&str> {
    let names = groups.iter().map(Group::name).enumerate();
    let mut again = names.filter(|(at, name)| groups[..*at].iter().any(|one| one.name() == *name));
    again.next().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::super::File;

    #[test]
    fn a_group_says_who_is_in_it_and_what_binds_it() {
        let whole = "name = \"canada\"\nnetworks = [\"10.2.0.0/16\"]\ncutoffs = [\"ca-2023\"]";
        let read = |lines: &str| File::parse("c.toml", &format!("[[group]]\n{lines}\n"));
        let rule = read(whole).unwrap().group[0].rule();
        assert_eq!((rule.name.as_str(), rule.networks.len()), ("canada", 1));
        assert_eq!(rule.cutoffs, ["ca-2023"]);
        for (from, to, words) in [
            ("name = \"canada\"", "", "missing field `name`"),
            ("\"canada\"", "\" \"", "for `name`"),
            ("\"canada\"", "\"default\"", "another name"),
            ("networks = [\"10.2.0.0/16\"]", "", "whose cutoffs"),
            ("\"10.2.0.0/16\"", "\"10.2\"", "no network"),
            ("cutoffs = [\"ca-2023\"]", "", "missing field `cutoffs`"),
            ("cutoffs", "cutoff", "unknown field `cutoff`"),
        ] {
            let text = whole.replace(from, to);
            assert_ne!(text, whole);
            let fault = read(&text).unwrap_err().to_string();
            assert!(
                fault.contains(words) && fault.contains("c.toml:"),
                "{fault}"
            );
        }
        let twice = format!("{whole}\n[[group]]\n{whole}");
        let fault = read(&twice).unwrap_err().to_string();
        assert!(fault.contains("`canada` stands twice"), "{fault}");
    }
}
