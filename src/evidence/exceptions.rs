//! Hosts that the configuration leaves out of account for a while: they stay visible.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::model::{Category, Exception, HostKey, Timestamp, VendorId};

/// One exception as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceptionRule {
    /// Keys or addresses of hosts.
    pub hosts: Vec<String>,
    /// Networks of hosts.
    pub networks: Vec<IpNet>,
    /// The vendor; every restricted one where it is absent.
    pub vendor: Option<VendorId>,
    /// The category; each where it is absent.
    pub category: Option<Category>,
    /// Why, by whom, until when.
    pub exception: Exception,
}

impl ExceptionRule {
    /// Whether it holds for a host, vendor and category at an instant.
    pub fn holds(
        &self,
        host: &HostKey,
        addresses: &[IpAddr],
        vendor: &VendorId,
        category: Category,
        now: Timestamp,
    ) -> bool {
        let named = self.hosts.iter().any(|name| {
            name == host.as_str()
                || name
                    .parse::<IpAddr>()
                    .is_ok_and(|address| addresses.contains(&address))
        });
        // All of its addresses, so that a guest network does not excuse what else a host is.
        let inside = |address: &IpAddr| self.networks.iter().any(|net| net.contains(address));
        let member = !addresses.is_empty() && addresses.iter().all(inside);
        now < self.exception.until
            && (named || member)
            && self.vendor.as_ref().is_none_or(|wanted| wanted == vendor)
            && self.category.is_none_or(|wanted| wanted == category)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_holds_for_whom_and_until_when_it_says() {
        let rule = ExceptionRule {
            hosts: vec!["10.0.0.5".to_owned(), "ip-10.0.0.6".to_owned()],
            networks: vec!["10.9.0.0/16".parse().unwrap()],
            vendor: VendorId::parse("vendor"),
            category: Some(Category::Update),
            exception: Exception {
                reason: "migration".to_owned(),
                by: "it".to_owned(),
                until: Timestamp::from_unix(1_000, 0),
            },
        };
        let holds = |address: &str, vendor: &str, category, second| {
            let address: IpAddr = address.parse().unwrap();
            let vendor = VendorId::parse(vendor).unwrap();
            let (host, now) = (
                HostKey::from_address(address),
                Timestamp::from_unix(second, 0),
            );
            rule.holds(&host, &[address], &vendor, category, now)
        };
        assert!(holds("10.0.0.5", "vendor", Category::Update, 999));
        assert!(holds("10.0.0.6", "vendor", Category::Update, 999));
        assert!(holds("10.9.1.1", "vendor", Category::Update, 999));
        assert!(!holds("10.0.0.7", "vendor", Category::Update, 999));
        assert!(!holds("10.0.0.5", "other", Category::Update, 999));
        assert!(!holds("10.0.0.5", "vendor", Category::Telemetry, 999));
        assert!(!holds("10.0.0.5", "vendor", Category::Update, 1_000));
        let both = ["10.9.1.1".parse().unwrap(), "10.0.0.8".parse().unwrap()];
        let vendor = VendorId::parse("vendor").unwrap();
        let host = HostKey::from_address(both[0]);
        let now = Timestamp::from_unix(1, 0);
        assert!(!rule.holds(&host, &both, &vendor, Category::Update, now));
    }
}
