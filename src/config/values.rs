//! Values of the configuration file that are checked where they stand.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::model::DomainName;

/// A host in the file, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(String);

impl TryFrom<String> for HostName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match DomainName::parse(&text) {
            Ok(name) if !text.contains(['/', ':']) => Ok(Self(name.to_string())),
            _ => Err(format!(
                "`{text}` is no host name; write it like block.example.com, without scheme, port and path"
            )),
        }
    }
}

impl From<HostName> for String {
    fn from(host: HostName) -> Self {
        host.0
    }
}

/// A network in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(pub IpNet);

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let network = text.parse().map(Self);
        network.map_err(|_| {
            format!("`{text}` is no network; write it like 192.0.2.0/24 or 2001:db8::/48")
        })
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.0.to_string()
    }
}
