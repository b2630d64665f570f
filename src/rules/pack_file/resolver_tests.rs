//! The `[[test]]` tables of a pack of resolvers: which names and addresses must be known, and which must not.

use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::check::Check;
use crate::model::{DomainName, KnownResolver, ResolverPack, ResolverSubject, ResolverTest};
use crate::rules::PackError;
use crate::rules::encrypted_dns::EncryptedDns;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResolverTestTable {
    name: Option<Spanned<String>>,
    address: Option<Spanned<String>>,
    public_name: Option<Spanned<String>>,
    expect: Spanned<String>,
}

impl ResolverTestTable {
    /// What the test looks up, as it is written; `None` unless it is exactly one thing.
    fn subject(&self) -> Option<&Spanned<String>> {
        let mut subjects = [&self.name, &self.address, &self.public_name]
            .into_iter()
            .flatten();
        let first = subjects.next()?;
        subjects.next().is_none().then_some(first)
    }
}

impl Check<'_> {
    pub(super) fn resolver_tests(
        &self,
        tables: &[Spanned<ResolverTestTable>],
        resolvers: &[Arc<KnownResolver>],
        ech: &[Arc<KnownResolver>],
    ) -> Result<Vec<ResolverTest>, PackError> {
        tables
            .iter()
            .map(|table| {
                let test = table.get_ref();
                let written = test.subject().ok_or_else(|| {
                    self.fault(
                        table,
                        "a test needs exactly one of `name`, `address` and `public_name`",
                    )
                })?;
                let text = written.get_ref();
                let name = || {
                    DomainName::parse(text).map_err(|error| self.fault(written, error.to_string()))
                };
                let (subject, known, kind) = if test.name.is_some() {
                    (ResolverSubject::Name(name()?), resolvers, "resolver")
                } else if test.public_name.is_some() {
                    (ResolverSubject::PublicName(name()?), ech, "ech")
                } else {
                    let address = text.parse().map_err(|_| {
                        self.fault(
                            written,
                            format!("`{text}` is no address; write it like 192.0.2.53"),
                        )
                    })?;
                    (ResolverSubject::Address(address), resolvers, "resolver")
                };
                let expect = test.expect.get_ref();
                let expected = known.iter().find(|one| one.id.as_str() == expect);
                if expected.is_none() && expect != "none" {
                    return Err(self.fault(
                        &test.expect,
                        format!(
                            "there is no [[{kind}]] `{expect}`; write the id of one, or \"none\""
                        ),
                    ));
                }
                Ok(ResolverTest {
                    subject,
                    expected: expected.map(|one| one.id.clone()),
                })
            })
            .collect()
    }

    /// A pack whose own tests fail is not loaded: it does not mean what its author thinks.
    pub(super) fn run_resolver_tests(
        &self,
        pack: &ResolverPack,
        tables: &[Spanned<ResolverTestTable>],
    ) -> Result<(), PackError> {
        let compiled = EncryptedDns::new(&[pack]);
        for (test, table) in pack.tests.iter().zip(tables) {
            if let Some(failure) = compiled.run_test(test) {
                let place = table.get_ref().subject();
                return Err(place.map_or_else(
                    || self.fault(table, failure.clone()),
                    |place| self.fault(place, failure.clone()),
                ));
            }
        }
        Ok(())
    }
}
