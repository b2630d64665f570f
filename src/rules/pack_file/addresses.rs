//! Addresses and networks of servers, as packs write them.

use std::net::IpAddr;

use ipnet::IpNet;
use toml::Spanned;

use super::check::Check;
use crate::rules::PackError;

/// Shortest prefixes of a network that can belong to one owner alone.
const SHORTEST_PREFIXES: (u8, u8) = (16, 32);

impl Check<'_> {
    /// An address or a network of servers.
    pub(super) fn server_network(&self, value: &Spanned<String>) -> Result<IpNet, PackError> {
        let text = value.get_ref();
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address),
            Err(_) => text.parse().map_err(|_| {
                self.fault(
                    value,
                    format!(
                        "`{text}` is no address; write it like 192.0.2.53, 192.0.2.0/24 or 2001:db8::53"
                    ),
                )
            })?,
        };
        let address = network.addr();
        if network != network.trunc() {
            return Err(self.fault(
                value,
                format!(
                    "`{text}` has bits behind its prefix; write `{}`",
                    network.trunc()
                ),
            ));
        }
        if address.to_canonical() != address {
            return Err(self.fault(
                value,
                format!(
                    "`{text}` is an IPv4 address in IPv6 form; write `{}`",
                    address.to_canonical()
                ),
            ));
        }
        if address.is_unspecified() && network.prefix_len() == network.max_prefix_len()
            || address.is_loopback()
            || address.is_multicast()
        {
            return Err(self.fault(value, format!("`{text}` is no server's address; remove it")));
        }
        let (v4, v6) = SHORTEST_PREFIXES;
        if network.prefix_len() < if address.is_ipv4() { v4 } else { v6 } {
            return Err(self.fault(
                value,
                format!(
                    "`{text}` is wider than servers of one owner; write a network of at least /{v4} (IPv4) or /{v6} (IPv6)"
                ),
            ));
        }
        Ok(network)
    }
}
