//! A pack of `kind = "vendor"`: a vendor, its cutoffs, its services, and the tests of its patterns.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;
use toml::value::Datetime;

use super::check::Check;
use super::cutoffs::CutoffTable;
use super::digest;
use super::own_tests::TestTable;
use super::services::ServiceTable;
use crate::model::{Pack, PackRole, VendorId};
use crate::rules::PackError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VendorFile {
    #[serde(rename = "schema")]
    _schema: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    vendor: Vendor,
    #[serde(default)]
    cutoff: Vec<Spanned<CutoffTable>>,
    service: Vec<Spanned<ServiceTable>>,
    #[serde(default)]
    test: Vec<Spanned<TestTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Vendor {
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

impl Check<'_> {
    pub(super) fn vendor_pack(&self, file: VendorFile) -> Result<Pack, PackError> {
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
}

#[cfg(test)]
mod tests {
    use super::super::PackFile;
    use crate::model::Pack;
    use crate::rules::PackError;

    fn read(file: &str, text: &str) -> Result<Pack, PackError> {
        super::super::read(file, text).map(|pack| match pack {
            PackFile::Vendor(pack) => pack,
            PackFile::Resolvers(_) => panic!("read as a pack of resolvers"),
        })
    }

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
