//! The `[[network]]` tables of a vendor pack, and the resolvers to which a product falls back.

use std::net::IpAddr;

use serde::Deserialize;
use toml::Spanned;

use super::check::Check;
use crate::model::{VendorNetwork, VendorNetworks};
use crate::rules::PackError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NetworkTable {
    networks: Spanned<Vec<Spanned<String>>>,
    asn: Option<Spanned<i64>>,
    confidence: Spanned<String>,
    source: Spanned<String>,
    note: Option<Spanned<String>>,
}

impl Check<'_> {
    pub(super) fn networks(
        &self,
        tables: &[Spanned<NetworkTable>],
    ) -> Result<VendorNetworks, PackError> {
        let mut claims = Vec::new();
        for table in tables {
            let table = table.get_ref();
            if table.networks.get_ref().is_empty() {
                return Err(self.fault(
                    &table.networks,
                    "a network needs at least one range, for example [\"192.0.2.0/24\"]",
                ));
            }
            let ranges = table.networks.get_ref().iter();
            let ranges = ranges.map(|value| self.server_network(value));
            claims.push(VendorNetwork {
                networks: ranges.collect::<Result<_, _>>()?,
                asn: table.asn.as_ref().map(|asn| self.asn(asn)).transpose()?,
                confidence: self.word(&table.confidence)?,
                source: self.source(&table.source)?,
                note: self.note(table.note.as_ref())?,
            });
        }
        VendorNetworks::new(claims).map_err(|(outer, inner)| {
            let what =
                format!("`{inner}` lies in `{outer}`, which stands here too; keep one of them");
            let mut values = tables
                .iter()
                .flat_map(|table| table.get_ref().networks.get_ref());
            // Of two that are equal the later is too much.
            let place =
                values.rfind(|value| self.server_network(value).is_ok_and(|net| net == inner));
            match place {
                Some(value) => self.fault(value, what),
                None => PackError::whole(self.file, what),
            }
        })
    }

    /// RFC 7607 and RFC 7300 keep the first and the last number.
    fn asn(&self, value: &Spanned<i64>) -> Result<u32, PackError> {
        let asn = u32::try_from(*value.get_ref()).ok();
        asn.filter(|asn| (1..u32::MAX).contains(asn))
            .ok_or_else(|| {
                self.fault(
                    value,
                    "write the number of an autonomous system, 1 to 4294967294, for example `asn = 64496`",
                )
            })
    }

    pub(super) fn fallback_resolvers(
        &self,
        values: &[Spanned<String>],
    ) -> Result<Vec<IpAddr>, PackError> {
        let mut resolvers = Vec::new();
        for value in values {
            let text = value.get_ref();
            if text.parse::<IpAddr>().is_err() {
                return Err(self.fault(
                    value,
                    format!(
                        "`{text}` is no resolver's address; write one address, like 192.0.2.53 or 2001:db8::53"
                    ),
                ));
            }
            let address = self.server_network(value)?.addr();
            if resolvers.contains(&address) {
                return Err(self.fault(value, format!("`{text}` stands here already; remove it")));
            }
            resolvers.push(address);
        }
        Ok(resolvers)
    }
}
