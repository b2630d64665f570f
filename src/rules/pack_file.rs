//! A pack file to a checked [`Pack`]. The format is closed: what is not known here is an error with its place.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml::Spanned;
use toml::value::Datetime;

use super::PackError;
use super::pattern::Pattern;
use crate::model::{
    Category, Confidence, Cutoff, DomainName, Pack, PackRole, Service, ServiceId, Strength,
    Timestamp, VendorId,
};

/// The only version of the format so far.
const SCHEMA: i64 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: Spanned<i64>,
    kind: Spanned<String>,
    vendor: Vendor,
    #[serde(default)]
    cutoff: Vec<Spanned<CutoffTable>>,
    service: Vec<Spanned<ServiceTable>>,
    #[serde(default)]
    test: Vec<Spanned<TestTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vendor {
    id: Spanned<String>,
    name: Spanned<String>,
    role: Spanned<String>,
    version: Spanned<String>,
    reviewed: Spanned<Datetime>,
    enabled: bool,
    #[serde(default)]
    relay_ports: Vec<u16>,
    #[serde(default)]
    coverage: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CutoffTable {
    id: Spanned<String>,
    #[serde(default)]
    default: bool,
    jurisdiction: Spanned<String>,
    binds: Spanned<String>,
    at: Spanned<Datetime>,
    categories: Vec<Spanned<String>>,
    authority: Spanned<String>,
    source: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceTable {
    id: Spanned<String>,
    name: Spanned<String>,
    category: Spanned<String>,
    strength: Spanned<String>,
    confidence: Spanned<String>,
    names: Vec<Spanned<String>>,
    source: Spanned<String>,
    note: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TestTable {
    name: Spanned<String>,
    expect: Spanned<String>,
}

/// Reads and checks a pack, its own tests included. `file` names it in errors.
pub(super) fn read(file: &str, text: &str) -> Result<Pack, PackError> {
    let table: File = toml::from_str(text).map_err(|error| {
        let what = error.message().trim_end().replace('\n', "; ");
        match error.span() {
            Some(span) => PackError::at(file, text, span.start, what),
            None => PackError::whole(file, what),
        }
    })?;
    Check { file, text }.pack(table)
}

/// What every check needs to say where a fault is.
struct Check<'a> {
    file: &'a str,
    text: &'a str,
}

impl Check<'_> {
    fn fault<T>(&self, place: &Spanned<T>, what: impl Into<String>) -> PackError {
        PackError::at(self.file, self.text, place.span().start, what)
    }

    fn pack(&self, file: File) -> Result<Pack, PackError> {
        if *file.schema.get_ref() != SCHEMA {
            return Err(self.fault(
                &file.schema,
                format!(
                    "schema {} is not read by this version; write `schema = {SCHEMA}`, or update straggler",
                    file.schema.get_ref()
                ),
            ));
        }
        if file.kind.get_ref() != "vendor" {
            return Err(self.fault(
                &file.kind,
                format!(
                    "unknown kind `{}`; write `kind = \"vendor\"`",
                    file.kind.get_ref()
                ),
            ));
        }
        let vendor = file.vendor;
        let vendor_id =
            VendorId::parse(vendor.id.get_ref()).ok_or_else(|| self.bad_id(&vendor.id))?;
        let role: PackRole = self.word(&vendor.role)?;
        let version: Arc<str> = self.text_of(&vendor.version)?.into();
        let coverage = self.words(&vendor.coverage)?;
        if role == PackRole::Restricted
            && let Some(first) = vendor.coverage.first()
        {
            return Err(self.fault(
                first,
                "`coverage` says what proves protection by a replacement; remove it, or write `role = \"replacement\"`",
            ));
        }
        let cutoffs = self.cutoffs(&file.cutoff)?;
        let (services, patterns) = self.services(&file.service, &vendor_id, &version, &cutoffs)?;
        let tests = self.tests(&file.test, &services)?;
        let pack = Pack {
            vendor: vendor_id,
            name: self.text_of(&vendor.name)?,
            role,
            version,
            reviewed: self.reviewed(&vendor.reviewed)?,
            enabled: vendor.enabled,
            digest: digest(self.text),
            origin: self.file.to_owned(),
            relay_ports: vendor.relay_ports,
            coverage,
            cutoffs,
            services,
            patterns,
            tests,
        };
        self.run_tests(&pack, &file.test)?;
        Ok(pack)
    }

    fn bad_id(&self, id: &Spanned<String>) -> PackError {
        self.fault(
            id,
            format!(
                "`{}` is no id; write lower-case letters, digits and inner hyphens, at most 64",
                id.get_ref()
            ),
        )
    }

    /// A word of a closed list; the error names the list.
    fn word<T: FromStr<Err = String>>(&self, value: &Spanned<String>) -> Result<T, PackError> {
        value
            .get_ref()
            .parse()
            .map_err(|what: String| self.fault(value, what))
    }

    fn words<T: FromStr<Err = String>>(
        &self,
        values: &[Spanned<String>],
    ) -> Result<Vec<T>, PackError> {
        values.iter().map(|value| self.word(value)).collect()
    }

    /// Text for people: not empty, one line.
    fn text_of(&self, value: &Spanned<String>) -> Result<String, PackError> {
        let text = value.get_ref().trim();
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(self.fault(value, "write one line of text here"));
        }
        Ok(text.to_owned())
    }

    fn source(&self, value: &Spanned<String>) -> Result<String, PackError> {
        let text = value.get_ref();
        let breaks = |letter: char| letter.is_whitespace() || letter.is_control();
        let is_url = ["https://", "http://"].iter().any(|scheme| {
            text.strip_prefix(scheme)
                .is_some_and(|rest| !rest.is_empty() && !rest.contains(breaks))
        });
        if is_url {
            Ok(text.clone())
        } else {
            Err(self.fault(
                value,
                "a claim needs its source; write the URL (https://…) of the page that says so",
            ))
        }
    }

    fn reviewed(&self, value: &Spanned<Datetime>) -> Result<String, PackError> {
        let date = value.get_ref();
        if date.date.is_none() || date.time.is_some() {
            return Err(self.fault(value, "write a day, for example 2026-11-23"));
        }
        Ok(date.to_string())
    }

    fn cutoffs(&self, tables: &[Spanned<CutoffTable>]) -> Result<Vec<Cutoff>, PackError> {
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

    #[expect(
        clippy::type_complexity,
        reason = "the two halves of a pack's services, used once"
    )]
    fn services(
        &self,
        tables: &[Spanned<ServiceTable>],
        vendor: &VendorId,
        version: &Arc<str>,
        cutoffs: &[Cutoff],
    ) -> Result<(Vec<Arc<Service>>, Vec<(Arc<str>, usize)>), PackError> {
        let mut services: Vec<Arc<Service>> = Vec::new();
        let mut patterns = Vec::new();
        let mut owners: HashMap<&str, usize> = HashMap::new();
        for table in tables {
            let table = table.get_ref();
            let id = ServiceId::parse(table.id.get_ref()).ok_or_else(|| self.bad_id(&table.id))?;
            if id.as_str() == "none" || services.iter().any(|other| other.id == id) {
                return Err(self.fault(
                    &table.id,
                    format!("`{id}` is taken; give each service its own id"),
                ));
            }
            if table.names.is_empty() {
                return Err(self.fault(&table.id, "a service needs at least one name"));
            }
            let category: Category = self.word(&table.category)?;
            for name in &table.names {
                Pattern::parse(name.get_ref())
                    .map_err(|error| self.fault(name, format!("`{}`: {error}", name.get_ref())))?;
                if let Some(&owner) = owners.get(name.get_ref().as_str()) {
                    let first: &str = services
                        .get(owner)
                        .map_or(id.as_str(), |owner: &Arc<Service>| owner.id.as_str());
                    return Err(self.fault(
                        name,
                        format!(
                            "`{}` stands in `{first}` already; keep it in one service",
                            name.get_ref()
                        ),
                    ));
                }
                owners.insert(name.get_ref(), services.len());
                patterns.push((Arc::from(name.get_ref().as_str()), services.len()));
            }
            let mut boundaries: Vec<Timestamp> = cutoffs
                .iter()
                .filter(|cutoff| cutoff.categories.contains(&category))
                .map(|cutoff| cutoff.at)
                .collect();
            boundaries.sort_unstable();
            let note = table.note.as_ref().map(|note| self.text_of(note));
            let note = note.transpose()?;
            services.push(Arc::new(Service {
                vendor: vendor.clone(),
                id,
                name: self.text_of(&table.name)?,
                category,
                strength: self.word::<Strength>(&table.strength)?,
                confidence: self.word::<Confidence>(&table.confidence)?,
                source: self.source(&table.source)?,
                note,
                pack_version: Arc::clone(version),
                boundaries,
            }));
        }
        Ok((services, patterns))
    }

    fn tests(
        &self,
        tables: &[Spanned<TestTable>],
        services: &[Arc<Service>],
    ) -> Result<Vec<(String, Option<ServiceId>)>, PackError> {
        let mut tests = Vec::new();
        for table in tables {
            let test = table.get_ref();
            DomainName::parse(test.name.get_ref())
                .map_err(|error| self.fault(&test.name, error.to_string()))?;
            let expect = test.expect.get_ref();
            let service = services
                .iter()
                .find(|service| service.id.as_str() == expect);
            if service.is_none() && expect != "none" {
                return Err(self.fault(
                    &test.expect,
                    format!("there is no service `{expect}`; write the id of one, or \"none\""),
                ));
            }
            tests.push((
                test.name.get_ref().clone(),
                service.map(|service| service.id.clone()),
            ));
        }
        Ok(tests)
    }

    /// A pack whose own tests fail is not loaded: it does not mean what its author thinks.
    fn run_tests(&self, pack: &Pack, tables: &[Spanned<TestTable>]) -> Result<(), PackError> {
        let matcher = super::library::matcher_of([pack]);
        for ((name, expected), table) in pack.tests.iter().zip(tables) {
            if let Some(failure) = super::library::run_test(&matcher, name, expected.as_ref()) {
                return Err(self.fault(&table.get_ref().name, failure));
            }
        }
        Ok(())
    }
}

/// First 12 hexadecimal digits of the SHA-256.
fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
schema = 1
kind = "vendor"
[vendor]
id = "vendor"
name = "Vendor"
role = "restricted"
version = "1"
reviewed = 2026-01-02
enabled = true
[[cutoff]]
id = "us-2024"
default = true
jurisdiction = "US"
binds = "everybody"
at = 2024-09-29T00:00:00-04:00
categories = ["update"]
authority = "an act"
source = "https://law.example/"
[[service]]
id = "databases"
name = "Databases"
category = "update"
strength = "strong"
confidence = "vendor"
names = [".upd.vendor.example"]
source = "https://vendor.example/"
[[test]]
name = "a.upd.vendor.example"
expect = "databases"
[[test]]
name = "upd.vendor.example.evil.example"
expect = "none"
"#;

    #[test]
    fn reads_a_pack() {
        let pack = read("vendor.toml", GOOD).unwrap();
        assert_eq!(pack.cutoffs[0].at.to_string(), "2024-09-29T04:00:00Z");
        assert_eq!(pack.services[0].boundaries, [pack.cutoffs[0].at]);
        assert_eq!(pack.digest.len(), 12);
        assert_eq!(pack.reviewed, "2026-01-02");
    }

    /// A pack is another's text: what it says goes to a terminal, and must not speak to it.
    #[test]
    fn nothing_that_is_shown_has_control_characters() {
        for (from, to, line) in [
            ("id = \"vendor\"", r#"id = "\u001b[2J""#, 5),
            ("role = \"restricted\"", r#"role = "a\nb""#, 7),
            (
                "\".upd.vendor.example\"]",
                r#""\u0007.vendor.example"]"#,
                26,
            ),
            (
                "https://vendor.example/",
                r"https://vendor.example/\u001b[2J",
                27,
            ),
            (
                "[[test]]\nname = \"a.",
                "note = \"a\\nb\"\n[[test]]\nname = \"a.",
                28,
            ),
        ] {
            let text = GOOD.replace(from, to);
            assert_ne!(text, GOOD, "{to}");
            let fault = read("vendor.toml", &text).unwrap_err();
            assert_eq!(fault.place.map(|(line, _)| line), Some(line), "{fault}");
            assert!(!fault.to_string().contains(char::is_control), "{fault:?}");
        }
    }

    /// Each row: what is written instead of what, the line of the fault, and words that the message must have.
    #[test]
    fn faults_say_where_and_what_to_write() {
        for (from, to, line, words) in [
            ("schema = 1", "schema = 2", 2, "write `schema = 1`"),
            ("kind = \"vendor\"", "kind = \"x\"", 3, "unknown kind `x`"),
            (
                "enabled = true",
                "enabled = true\nenable = 1",
                11,
                "unknown field `enable`",
            ),
            (
                "role = \"restricted\"",
                "role = \"bad\"",
                7,
                "restricted, replacement",
            ),
            ("id = \"vendor\"", "id = \"Vendor\"", 5, "lower-case"),
            (
                "enabled = true",
                "enabled = true\ncoverage = [\"update\"]",
                11,
                "role = \"replacement\"",
            ),
            ("T00:00:00-04:00", "T00:00:00", 16, "offset"),
            (
                "categories = [\"update\"]",
                "categories = [\"updates\"]",
                17,
                "update, telemetry",
            ),
            (
                "source = \"https://law.example/\"",
                "source = \"law\"",
                19,
                "https://",
            ),
            (
                "source = \"https://vendor.example/\"\n",
                "",
                20,
                "missing field `source`",
            ),
            (
                "strength = \"strong\"",
                "strength = \"medium\"",
                24,
                "strong, weak",
            ),
            (
                "\".upd.vendor.example\"",
                "\".UPD.vendor.example\"",
                26,
                "`.upd.vendor.example`",
            ),
            ("\".upd.vendor.example\"", "\"a.b\", \"a.b\"", 26, "already"),
            (
                "names = [\".upd.vendor.example\"]",
                "names = []",
                21,
                "at least one name",
            ),
            (
                "expect = \"databases\"",
                "expect = \"database\"",
                30,
                "no service `database`",
            ),
            (
                "expect = \"none\"",
                "expect = \"databases\"",
                32,
                "expected `databases`, got none",
            ),
            ("schema = 1", "schema = = 1", 2, ""),
        ] {
            let text = GOOD.replace(from, to);
            assert_ne!(text, GOOD, "{from}");
            let error = read("vendor.toml", &text).unwrap_err();
            assert_eq!(error.place.map(|(line, _)| line), Some(line), "{error}");
            assert!(error.to_string().contains(words), "{error}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
    }

    #[test]
    fn two_defaults_for_one_category_are_a_fault() {
        let cutoff = &GOOD[GOOD.find("[[cutoff]]").unwrap()..GOOD.find("[[service]]").unwrap()];
        let text = format!("{GOOD}{}", cutoff.replace("us-2024", "eu-2025"));
        let error = read("vendor.toml", &text).unwrap_err().to_string();
        assert!(error.contains("`us-2024` and `eu-2025`"), "{error}");
        let text = format!("{GOOD}{cutoff}");
        let error = read("vendor.toml", &text).unwrap_err().to_string();
        assert!(error.contains("a second cutoff"), "{error}");
    }
}
