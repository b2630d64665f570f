//! Address ranges of a vendor. They enrich what is told of a flow that a name accuses, and accuse nobody themselves: an
//! address says where a server stands and not what was asked of it, and vendors let others into their networks.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::Confidence;

/// Ranges of a vendor with one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorNetwork {
    /// The ranges, as the pack lists them.
    pub networks: Vec<IpNet>,
    /// Number of the autonomous system that announces them.
    pub asn: Option<u32>,
    /// Who says so.
    pub confidence: Confidence,
    /// URL that proves it.
    pub source: String,
    /// A caveat for people.
    pub note: Option<String>,
}

/// All ranges of a vendor. None lies in another, so a look-up is one binary search.
#[derive(Clone, Debug, Default)]
pub struct VendorNetworks {
    claims: Arc<[VendorNetwork]>,
    /// Every range with the index of its claim, by first address.
    sorted: Arc<[(IpNet, usize)]>,
}

impl VendorNetworks {
    /// `Err` with two ranges of which one holds the other.
    pub fn new(claims: Vec<VendorNetwork>) -> Result<Self, (IpNet, IpNet)> {
        let each = claims.iter().enumerate();
        let mut sorted: Vec<(IpNet, usize)> = each
            .flat_map(|(index, claim)| claim.networks.iter().map(move |net| (*net, index)))
            .collect();
        sorted.sort_unstable_by_key(|(net, _)| (net.network(), net.prefix_len()));
        for pair in sorted.windows(2) {
            if let [(outer, _), (inner, _)] = pair
                && outer.contains(inner)
            {
                return Err((*outer, *inner));
            }
        }
        Ok(Self {
            claims: claims.into(),
            sorted: sorted.into(),
        })
    }

    /// The claims, as the pack lists them.
    pub fn claims(&self) -> &[VendorNetwork] {
        &self.claims
    }

    /// The range that holds an address, and who says so.
    pub fn find(&self, address: IpAddr) -> Option<(IpNet, &VendorNetwork)> {
        let behind = self
            .sorted
            .partition_point(|(net, _)| net.network() <= address);
        let (net, claim) = self.sorted.get(behind.checked_sub(1)?)?;
        let claim = self.claims.get(*claim)?;
        net.contains(&address).then_some((*net, claim))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Result<VendorNetworks, (IpNet, IpNet)> {
        let claims = texts.iter().map(|text| VendorNetwork {
            networks: text.split(' ').map(|net| net.parse().unwrap()).collect(),
            asn: None,
            confidence: Confidence::Community,
            source: (*text).to_owned(),
            note: None,
        });
        VendorNetworks::new(claims.collect())
    }

    #[test]
    fn an_address_is_found_in_its_range() {
        let table = networks(&[
            "203.0.113.0/25 192.0.2.0/24 2001:db8:1::/48",
            "192.0.3.9/32",
        ]);
        let table = table.unwrap();
        for (address, expected) in [
            ("192.0.2.0", Some("192.0.2.0/24")),
            ("192.0.2.255", Some("192.0.2.0/24")),
            ("192.0.3.9", Some("192.0.3.9/32")),
            ("192.0.3.10", None),
            ("192.0.1.255", None),
            ("203.0.113.127", Some("203.0.113.0/25")),
            ("203.0.113.128", None),
            ("0.0.0.0", None),
            ("::", None),
            ("2001:db8:1:ffff::", Some("2001:db8:1::/48")),
            ("2001:db8:2::", None),
            ("::ffff:192.0.2.1", None),
        ] {
            let found = table.find(address.parse().unwrap());
            let found = found.map(|(net, _)| net.to_string());
            assert_eq!(found.as_deref(), expected, "{address}");
        }
        let one = table.find([192, 0, 3, 9].into()).unwrap().1;
        assert_eq!(one.source, "192.0.3.9/32");
        assert!(
            VendorNetworks::default()
                .find([1, 1, 1, 1].into())
                .is_none()
        );
    }

    #[test]
    fn a_range_in_another_is_told() {
        let fault = networks(&["192.0.2.128/25", "192.0.2.0/24"]).unwrap_err();
        assert_eq!(fault.0.to_string(), "192.0.2.0/24");
        assert_eq!(fault.1.to_string(), "192.0.2.128/25");
        assert!(networks(&["192.0.2.0/24 192.0.2.0/24"]).is_err());
        assert!(networks(&["192.0.2.0/25 192.0.2.128/25"]).is_ok());
    }
}
