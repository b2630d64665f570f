//! A pack of `kind = "vendor"`: a vendor, its cutoffs, its services, and the tests of its patterns.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;
use toml::value::Datetime;

use super::check::Check;
use super::cutoffs::CutoffTable;
use super::digest;
use super::networks::NetworkTable;
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
    network: Vec<Spanned<NetworkTable>>,
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
    note: Option<Spanned<String>>,
    #[serde(default)]
    relay_ports: Vec<u16>,
    #[serde(default)]
    fallback_resolvers: Vec<Spanned<String>>,
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
            note: self.note(vendor.note.as_ref())?,
            relay_ports: vendor.relay_ports,
            fallback_resolvers: self.fallback_resolvers(&vendor.fallback_resolvers)?,
            networks: self.networks(&file.network)?,
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
    use crate::model::{CutoffKind, Pack, ServiceTransport};
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

    /// All that is optional, each with a value.
    fn full() -> String {
        let network = r#"[[network]]
networks = ["192.0.2.0/24", "2001:db8::/48"]
asn = 64496
confidence = "community"
source = "https://routing.example/"
note = "a note"
[[network]]
networks = ["198.51.100.7"]
confidence = "vendor"
source = "https://vendor.example/net"
"#;
        let text = GOOD
            .replace(
                "enabled = true\n",
                "enabled = true\nnote = \"all of it\"\nfallback_resolvers = [\"192.0.2.53\", \"2001:db8::53\"]\n",
            )
            .replace("default = true\n", "default = true\nkind = \"advice\"\n")
            .replace(
                "confidence = \"vendor\"\n",
                "confidence = \"vendor\"\nports = [443, \"23100-23199\"]\ntransport = \"udp\"\n",
            );
        text.replacen("[[test]]\n", &format!("{network}[[test]]\n"), 1)
    }

    #[test]
    fn reads_what_is_optional() {
        let plain = read("vendor.toml", GOOD).unwrap();
        assert_eq!(plain.cutoffs[0].kind, CutoffKind::Ban);
        assert!(plain.note.is_none() && plain.networks.claims().is_empty());

        let pack = read("vendor.toml", &full()).unwrap();
        assert_eq!(pack.note.as_deref(), Some("all of it"));
        assert_eq!(pack.fallback_resolvers.len(), 2);
        assert_eq!(pack.cutoffs[0].kind, CutoffKind::Advice);
        let service = &pack.services[0];
        let ports: Vec<String> = service.ports.iter().map(ToString::to_string).collect();
        assert_eq!(ports, ["443", "23100-23199"]);
        assert_eq!(service.transport, Some(ServiceTransport::Udp));
        let (range, claim) = pack.networks.find([192, 0, 2, 9].into()).unwrap();
        assert_eq!(
            (range.to_string().as_str(), claim.asn),
            ("192.0.2.0/24", Some(64_496))
        );
        let (range, claim) = pack.networks.find([198, 51, 100, 7].into()).unwrap();
        assert_eq!((range.prefix_len(), claim.asn), (32, None));
    }

    #[test]
    fn faults_in_what_is_optional_say_where_and_what_to_write() {
        for (from, to, line, words) in [
            ("\"all of it\"", "\" \"", 11, "one line of text"),
            ("\"2001:db8::53\"", "\"dns\"", 12, "write one address"),
            (
                "\"2001:db8::53\"",
                "\"192.0.2.0/24\"",
                12,
                "write one address",
            ),
            ("\"2001:db8::53\"", "\"192.0.2.53\"", 12, "already"),
            (
                "\"2001:db8::53\"",
                "\"127.0.0.1\"",
                12,
                "no server's address",
            ),
            ("\"advice\"", "\"warning\"", 16, "ban, advice"),
            ("443, ", "0, ", 29, "1 to 65535"),
            ("443, ", "65536, ", 29, "1 to 65535"),
            ("443, ", "true, ", 29, ""),
            ("\"23100-23199\"", "\"23199-23100\"", 29, "\"23100-23199\""),
            ("\"23100-23199\"", "\"+1-2\"", 29, "a range of them"),
            ("\"23100-23199\"", "\"1-443\"", 29, "in common"),
            ("\"udp\"", "\"quic\"", 30, "tcp, udp"),
            ("[\"198.51.100.7\"]", "[]", 40, "at least one range"),
            (
                "\"198.51.100.7\"",
                "\"198.51.100.7/24\"",
                40,
                "write `198.51.100.0/24`",
            ),
            (
                "\"198.51.100.7\"",
                "\"192.0.2.7\"",
                40,
                "lies in `192.0.2.0/24`",
            ),
            (
                "\"192.0.2.0/24\"",
                "\"198.51.100.0/24\"",
                40,
                "`198.51.100.7/32` lies in",
            ),
            ("\"198.51.100.7\"", "\"10.0.0.0/8\"", 40, "at least /16"),
            ("asn = 64496", "asn = 0", 35, "`asn = 64496`"),
            ("asn = 64496", "asn = 4294967295", 35, "`asn = 64496`"),
            ("asn = 64496", "as = 1", 35, "unknown field `as`"),
            ("https://routing.example/", "routing table", 37, "https://"),
            ("\"community\"\n", "\"hearsay\"\n", 36, "vendor, community"),
        ] {
            let text = full().replacen(from, to, 1);
            assert_ne!(text, full(), "{from}");
            let error = read("vendor.toml", &text).unwrap_err();
            assert_eq!(
                error.place.map(|(line, _)| line),
                Some(line),
                "{to}: {error}"
            );
            assert!(error.to_string().contains(words), "{to}: {error}");
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
