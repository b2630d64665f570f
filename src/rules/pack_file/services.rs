//! The `[[service]]` tables of a vendor pack.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::check::Check;
use super::ports::PortsValue;
use crate::model::{
    Category, Confidence, Cutoff, Service, ServiceId, Strength, Timestamp, VendorId,
};
use crate::rules::PackError;
use crate::rules::pattern::Pattern;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceTable {
    id: Spanned<String>,
    name: Spanned<String>,
    category: Spanned<String>,
    strength: Spanned<String>,
    confidence: Spanned<String>,
    names: Vec<Spanned<String>>,
    #[serde(default)]
    ports: Vec<Spanned<PortsValue>>,
    transport: Option<Spanned<String>>,
    source: Spanned<String>,
    note: Option<Spanned<String>>,
}

impl Check<'_> {
    #[expect(
        clippy::type_complexity,
        reason = "the two halves of a pack's services, used once"
    )]
    pub(super) fn services(
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
                    .and_then(Pattern::checked_for_breadth)
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
            services.push(Arc::new(Service {
                vendor: vendor.clone(),
                id,
                name: self.text_of(&table.name)?,
                category,
                strength: self.word::<Strength>(&table.strength)?,
                confidence: self.word::<Confidence>(&table.confidence)?,
                ports: self.ports(&table.ports)?,
                transport: table
                    .transport
                    .as_ref()
                    .map(|word| self.word(word))
                    .transpose()?,
                source: self.source(&table.source)?,
                note: self.note(table.note.as_ref())?,
                pack_version: Arc::clone(version),
                boundaries,
            }));
        }
        Ok((services, patterns))
    }
}
