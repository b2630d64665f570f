//! The `[[test]]` tables of a vendor pack: what its author says must match, and what must not.

use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::check::Check;
use crate::model::{DomainName, Pack, Service, ServiceId};
use crate::rules::PackError;
use crate::rules::pack_tests::run_test;
use crate::rules::rule_set::matcher_of;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestTable {
    name: Spanned<String>,
    expect: Spanned<String>,
}

impl Check<'_> {
    pub(super) fn tests(
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
    pub(super) fn run_tests(
        &self,
        pack: &Pack,
        tables: &[Spanned<TestTable>],
    ) -> Result<(), PackError> {
        let matcher = matcher_of([pack]);
        for ((name, expected), table) in pack.tests.iter().zip(tables) {
            if let Some(failure) = run_test(&matcher, name, expected.as_ref()) {
                return Err(self.fault(&table.get_ref().name, failure));
            }
        }
        Ok(())
    }
}
