//! A pack of `kind = "resolvers"`: known encrypted-DNS services, and public names of Encrypted Client Hello.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;
use toml::value::Datetime;

use super::check::Check;
use super::digest;
use super::resolver_tests::ResolverTestTable;
use crate::model::{KnownResolver, ResolverId, ResolverPack, ResolverPackId};
use crate::rules::PackError;
use crate::rules::pattern::Pattern;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResolversFile {
    #[serde(rename = "schema")]
    _schema: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    resolvers: Head,
    #[serde(default)]
    resolver: Vec<Spanned<ResolverTable>>,
    #[serde(default)]
    ech: Vec<Spanned<EchTable>>,
    #[serde(default)]
    test: Vec<Spanned<ResolverTestTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    id: Spanned<String>,
    name: Spanned<String>,
    version: Spanned<String>,
    reviewed: Spanned<Datetime>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResolverTable {
    id: Spanned<String>,
    name: Spanned<String>,
    confidence: Spanned<String>,
    #[serde(default)]
    names: Vec<Spanned<String>>,
    #[serde(default)]
    addresses: Vec<Spanned<String>>,
    source: Spanned<String>,
    note: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EchTable {
    id: Spanned<String>,
    name: Spanned<String>,
    confidence: Spanned<String>,
    names: Vec<Spanned<String>>,
    source: Spanned<String>,
    note: Option<Spanned<String>>,
}

impl From<EchTable> for ResolverTable {
    fn from(table: EchTable) -> Self {
        Self {
            id: table.id,
            name: table.name,
            confidence: table.confidence,
            names: table.names,
            addresses: Vec::new(),
            source: table.source,
            note: table.note,
        }
    }
}

impl Check<'_> {
    pub(super) fn resolver_pack(&self, file: ResolversFile) -> Result<ResolverPack, PackError> {
        let head = &file.resolvers;
        let id = ResolverPackId::parse(head.id.get_ref()).ok_or_else(|| self.bad_id(&head.id))?;
        let version: Arc<str> = self.text_of(&head.version)?.into();
        if file.resolver.is_empty() && file.ech.is_empty() {
            return Err(self.fault(
                &head.id,
                "the pack says nothing; write at least one [[resolver]] or [[ech]]",
            ));
        }
        let resolvers = file.resolver.into_iter().map(Spanned::into_inner);
        let ech = file.ech.into_iter().map(|table| table.into_inner().into());
        let resolvers = self.known(resolvers, "resolver", &id, &version)?;
        let ech = self.known(ech, "provider", &id, &version)?;
        let tests = self.resolver_tests(&file.test, &resolvers, &ech)?;
        let pack = ResolverPack {
            id,
            name: self.text_of(&head.name)?,
            version,
            reviewed: self.reviewed(&head.reviewed)?,
            digest: digest(self.text),
            origin: self.file.to_owned(),
            resolvers,
            ech,
            tests,
        };
        self.run_resolver_tests(&pack, &file.test)?;
        Ok(pack)
    }

    /// Resolvers or providers, among which no id, no pattern and no address may stand twice.
    fn known(
        &self,
        tables: impl Iterator<Item = ResolverTable>,
        what: &str,
        pack: &ResolverPackId,
        version: &Arc<str>,
    ) -> Result<Vec<Arc<KnownResolver>>, PackError> {
        let mut known: Vec<Arc<KnownResolver>> = Vec::new();
        let mut owners: HashMap<String, ResolverId> = HashMap::new();
        for table in tables {
            let id = ResolverId::parse(table.id.get_ref()).ok_or_else(|| self.bad_id(&table.id))?;
            if id.as_str() == "none" || known.iter().any(|other| other.id == id) {
                return Err(self.fault(
                    &table.id,
                    format!("`{id}` is taken; give each {what} its own id"),
                ));
            }
            if table.names.is_empty() && table.addresses.is_empty() {
                return Err(self.fault(
                    &table.id,
                    format!("a {what} needs at least one name or address"),
                ));
            }
            let mut once =
                |place: &Spanned<String>, claim: String| match owners.insert(claim, id.clone()) {
                    None => Ok(()),
                    Some(owner) => Err(self.fault(
                        place,
                        format!(
                            "`{}` stands in `{owner}` already; keep it in one {what}",
                            place.get_ref()
                        ),
                    )),
                };
            for name in &table.names {
                Pattern::parse(name.get_ref())
                    .map_err(|error| self.fault(name, format!("`{}`: {error}", name.get_ref())))?;
                once(name, name.get_ref().clone())?;
            }
            let mut addresses = Vec::new();
            for address in &table.addresses {
                let network = self.server_network(address)?;
                once(address, network.to_string())?;
                addresses.push(network);
            }
            let names = table.names.iter().map(|name| name.get_ref().as_str());
            known.push(Arc::new(KnownResolver {
                name: self.text_of(&table.name)?,
                names: names.map(Arc::from).collect(),
                addresses,
                confidence: self.word(&table.confidence)?,
                source: self.source(&table.source)?,
                note: self.note(table.note.as_ref())?,
                pack: pack.clone(),
                pack_version: Arc::clone(version),
                id,
            }));
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{PackFile, read};
    use crate::model::ResolverPack;

    const GOOD: &str = r#"
schema = 1
kind = "resolvers"
[resolvers]
id = "encrypted-dns"
name = "Known services"
version = "1"
reviewed = 2026-01-02
[[resolver]]
id = "example"
name = "Example DNS"
confidence = "vendor"
names = [".dns.example", "doh-*.example.net"]
addresses = ["192.0.2.53", "198.51.100.0/24", "2001:db8::53"]
source = "https://dns.example/"
[[ech]]
id = "front"
name = "A provider"
confidence = "community"
names = ["ech.example"]
source = "https://front.example/"
[[test]]
name = "a.dns.example"
expect = "example"
[[test]]
address = "198.51.100.7"
expect = "example"
[[test]]
public_name = "ech.example"
expect = "front"
[[test]]
name = "ech.example"
expect = "none"
"#;

    fn pack(text: &str) -> ResolverPack {
        match read("r.toml", text).unwrap() {
            PackFile::Resolvers(pack) => pack,
            PackFile::Vendor(_) => panic!("read as a vendor"),
        }
    }

    #[test]
    fn reads_a_pack() {
        let pack = pack(GOOD);
        assert_eq!(pack.id.as_str(), "encrypted-dns");
        assert_eq!(pack.pattern_count(), 2);
        assert_eq!(pack.address_count(), 3);
        assert_eq!(pack.public_name_count(), 1);
        assert_eq!(
            pack.resolvers[0].addresses[0].to_string(),
            "192.0.2.53/32",
            "an address is a network of one"
        );
        assert_eq!(pack.tests.len(), 4);
    }

    /// Each row: what is written instead of what, the line of the fault, and words that the message must have.
    #[test]
    fn faults_say_where_and_what_to_write() {
        for (from, to, line, words) in [
            ("schema = 1", "schema = 2", 2, "write `schema = 1`"),
            (
                "reviewed = 2026-01-02",
                "reviewed = 2026-01-02\nenabled = true",
                9,
                "unknown field `enabled`",
            ),
            ("[[ech]]", "[[esni]]", 16, "unknown field `esni`"),
            (
                "id = \"encrypted-dns\"",
                "id = \"Encrypted\"",
                5,
                "lower-case",
            ),
            (
                "source = \"https://dns.example/\"\n",
                "",
                9,
                "missing field `source`",
            ),
            (
                "source = \"https://front.example/\"",
                "source = \"everybody knows\"",
                21,
                "https://",
            ),
            (
                "confidence = \"vendor\"",
                "confidence = \"sure\"",
                12,
                "vendor, community",
            ),
            (".dns.example", ".DNS.example", 13, "`.dns.example`"),
            (
                "\"doh-*.example.net\"",
                "\".dns.example\"",
                13,
                "`.dns.example` stands in `example` already",
            ),
            (
                "192.0.2.53",
                "192.0.2.530",
                14,
                "write it like 192.0.2.53, 192.0.2.0/24",
            ),
            (
                "198.51.100.0/24",
                "198.51.100.9/24",
                14,
                "write `198.51.100.0/24`",
            ),
            ("198.51.100.0/24", "198.0.0.0/8", 14, "at least /16"),
            ("2001:db8::53", "2000::/16", 14, "or /32 (IPv6)"),
            ("2001:db8::53", "::ffff:192.0.2.1", 14, "write `192.0.2.1`"),
            ("192.0.2.53", "127.0.0.53", 14, "no server's address"),
            (
                "2001:db8::53",
                "192.0.2.53/32",
                14,
                "stands in `example` already",
            ),
            (
                "name = \"a.dns.example\"",
                "name = \"a.dns.example\"\naddress = \"192.0.2.53\"",
                22,
                "exactly one of",
            ),
            (
                "address = \"198.51.100.7\"",
                "address = \"198.51.100.0/24\"",
                26,
                "write it like 192.0.2.53",
            ),
            (
                "public_name = \"ech.example\"\nexpect = \"front\"",
                "public_name = \"ech.example\"\nexpect = \"example\"",
                30,
                "no [[ech]] `example`",
            ),
            (
                "name = \"ech.example\"\nexpect = \"none\"",
                "name = \"dns.example\"\nexpect = \"none\"",
                32,
                "expected none, got `example` by `.dns.example`",
            ),
            (
                "address = \"198.51.100.7\"",
                "address = \"203.0.113.7\"",
                26,
                "expected `example`, got none",
            ),
        ] {
            let text = GOOD.replacen(from, to, 1);
            assert_ne!(text, GOOD, "{from}");
            let error = read("r.toml", &text).unwrap_err();
            assert_eq!(error.place.map(|(line, _)| line), Some(line), "{error}");
            assert!(error.to_string().contains(words), "{error}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
        let twice = format!(
            "{GOOD}[[resolver]]\nid = \"example\"\nname = \"x\"\nconfidence = \"vendor\"\nnames = [\"x.example\"]\nsource = \"https://x.example/\"\n"
        );
        let error = read("r.toml", &twice).unwrap_err().to_string();
        assert!(
            error.starts_with("r.toml:35:6: `example` is taken"),
            "{error}"
        );
        let empty = &GOOD[..GOOD.find("[[resolver]]").unwrap()];
        let error = read("r.toml", empty).unwrap_err().to_string();
        assert!(error.contains("says nothing"), "{error}");
    }
}
