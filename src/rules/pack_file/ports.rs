//! The ports of a service: one as a number, a range as text.

use serde::Deserialize;
use toml::Spanned;

use super::check::Check;
use crate::model::PortRange;
use crate::rules::PackError;

/// `443`, or `"23100-23199"`.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum PortsValue {
    One(i64),
    Text(String),
}

impl Check<'_> {
    pub(super) fn ports(
        &self,
        values: &[Spanned<PortsValue>],
    ) -> Result<Vec<PortRange>, PackError> {
        let mut ports: Vec<PortRange> = Vec::new();
        for value in values {
            let range = range(value.get_ref()).ok_or_else(|| {
                self.fault(
                    value,
                    "write a port of 1 to 65535, like 443, or a range of them, like \"23100-23199\"",
                )
            })?;
            if let Some(other) = ports.iter().find(|other| other.overlaps(range)) {
                return Err(self.fault(
                    value,
                    format!("`{range}` and `{other}` have ports in common; keep one of the two"),
                ));
            }
            ports.push(range);
        }
        Ok(ports)
    }
}

fn range(value: &PortsValue) -> Option<PortRange> {
    match value {
        PortsValue::One(port) => {
            let port = u16::try_from(*port).ok()?;
            PortRange::new(port, port)
        }
        PortsValue::Text(text) => {
            let (first, last) = text.split_once('-')?;
            PortRange::new(number(first)?, number(last)?)
        }
    }
}

/// Digits only: neither a sign nor a space.
fn number(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}
