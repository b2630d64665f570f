//! Hosts that the configuration leaves out of account for a while: they stay visible.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::model::{Category, Exception, HostView, Mac, Timestamp, VendorId};

/// One exception as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceptionRule {
    /// Keys, aliases, addresses or hardware addresses of hosts.
    pub hosts: Vec<String>,
    /// Networks of hosts.
    pub networks: Vec<IpNet>,
    /// Whose hosts, by the inventory.
    pub owner: Option<String>,
    /// Hosts of which site, by the inventory.
    pub site: Option<String>,
    /// The vendor; every restricted one where it is absent.
    pub vendor: Option<VendorId>,
    /// The category; each where it is absent.
    pub category: Option<Category>,
    /// Why, by whom, until when.
    pub exception: Exception,
}

/// Where a host is and was.
#[derive(Clone, Copy, Debug)]
pub struct Addresses<'a> {
    /// Addresses that it has at the instant judged: one that went to another host excuses that one.
    pub now: &'a [IpAddr],
    /// Addresses at which it was seen with the vendor.
    pub seen: &'a [IpAddr],
}

impl ExceptionRule {
    /// Whether it holds for a host, with these addresses, and a vendor and category at an instant. Whatever of `hosts`,
    /// `networks`, `owner` and `site` it has: one of them must fit.
    pub fn holds(
        &self,
        host: &HostView,
        addresses: Addresses<'_>,
        vendor: &VendorId,
        category: Category,
        now: Timestamp,
    ) -> bool {
        now < self.exception.until
            && self.is_for(host, addresses)
            && self.vendor.as_ref().is_none_or(|wanted| wanted == vendor)
            && self.category.is_none_or(|wanted| wanted == category)
    }

    fn is_for(&self, host: &HostView, addresses: Addresses<'_>) -> bool {
        let mut keys = host.aliases.iter().chain([&host.key]);
        let named = keys.any(|key| self.hosts.iter().any(|name| name == key.as_str()));
        let reached = self.hosts.iter().any(|name| {
            let address = name.parse::<IpAddr>();
            let mac = name.parse::<Mac>();
            address.is_ok_and(|address| addresses.now.contains(&address))
                || mac.is_ok_and(|mac| host.macs.contains(&mac))
        });
        // All of its addresses, so that a guest network does not excuse what else a host is.
        // A network of one address is that address: its next owner's, not its former one's.
        let inside = |address: &IpAddr| {
            self.networks.iter().any(|net| {
                let is_one = net.prefix_len() == net.max_prefix_len();
                net.contains(address) && (!is_one || addresses.now.contains(address))
            })
        };
        let member = !addresses.seen.is_empty() && addresses.seen.iter().all(inside);
        let listed = [(&self.owner, &host.owner), (&self.site, &host.site)];
        let listed = listed
            .iter()
            .any(|(wanted, known)| wanted.is_some() && wanted == known);
        named || reached || member || listed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HostKey, KeyConfidence};

    fn host(address: &str) -> HostView {
        let address: IpAddr = address.parse().unwrap();
        HostView {
            key: HostKey::from_address(address),
            aliases: Vec::new(),
            addresses: vec![address],
            macs: Vec::new(),
            name: None,
            owner: None,
            site: None,
            device: None,
            roles: Vec::new(),
            confidence: KeyConfidence::Address,
            first_seen: Timestamp::MIN,
            last_seen: Timestamp::MIN,
        }
    }

    fn rule(hosts: &[&str]) -> ExceptionRule {
        ExceptionRule {
            hosts: hosts.iter().map(ToString::to_string).collect(),
            networks: Vec::new(),
            owner: None,
            site: None,
            vendor: VendorId::parse("vendor"),
            category: Some(Category::Update),
            exception: Exception {
                reason: "migration".to_owned(),
                by: "it".to_owned(),
                until: Timestamp::from_unix(1_000, 0),
            },
        }
    }

    fn holds(rule: &ExceptionRule, host: &HostView) -> bool {
        let vendor = VendorId::parse("vendor").unwrap();
        let now = Timestamp::from_unix(1, 0);
        rule.holds(host, at(&host.addresses), &vendor, Category::Update, now)
    }

    /// It has the addresses at which it was seen.
    fn at(addresses: &[IpAddr]) -> Addresses<'_> {
        Addresses {
            now: addresses,
            seen: addresses,
        }
    }

    #[test]
    fn an_address_excuses_who_has_it_now() {
        let rule = |hosts: &[&str], networks: &[&str]| ExceptionRule {
            networks: networks.iter().map(|net| net.parse().unwrap()).collect(),
            ..rule(hosts)
        };
        let host = host("10.0.0.5");
        let seen = host.addresses.as_slice();
        let vendor = VendorId::parse("vendor").unwrap();
        for (rule, now, expected) in [
            (rule(&["10.0.0.5"], &[]), seen, true),
            (rule(&["10.0.0.5"], &[]), &[], false),
            (rule(&[], &["10.0.0.5/32"]), seen, true),
            (rule(&[], &["10.0.0.5/32"]), &[], false),
            // Who was in a guests' network was a guest.
            (rule(&[], &["10.0.0.0/24"]), &[], true),
        ] {
            let addresses = Addresses { now, seen };
            let time = Timestamp::from_unix(1, 0);
            let found = rule.holds(&host, addresses, &vendor, Category::Update, time);
            assert_eq!(found, expected, "{rule:?} {now:?}");
        }
    }

    #[test]
    fn an_exception_holds_for_whom_and_until_when_it_says() {
        let rule = ExceptionRule {
            networks: vec!["10.9.0.0/16".parse().unwrap()],
            ..rule(&["10.0.0.5", "ip-10.0.0.6"])
        };
        let holds_at = |address: &str, vendor: &str, category, second| {
            let host = host(address);
            let vendor = VendorId::parse(vendor).unwrap();
            let now = Timestamp::from_unix(second, 0);
            rule.holds(&host, at(&host.addresses), &vendor, category, now)
        };
        assert!(holds_at("10.0.0.5", "vendor", Category::Update, 999));
        assert!(holds_at("10.0.0.6", "vendor", Category::Update, 999));
        assert!(holds_at("10.9.1.1", "vendor", Category::Update, 999));
        assert!(!holds_at("10.0.0.7", "vendor", Category::Update, 999));
        assert!(!holds_at("10.0.0.5", "other", Category::Update, 999));
        assert!(!holds_at("10.0.0.5", "vendor", Category::Telemetry, 999));
        assert!(!holds_at("10.0.0.5", "vendor", Category::Update, 1_000));
        let both = HostView {
            addresses: vec!["10.9.1.1".parse().unwrap(), "10.0.0.8".parse().unwrap()],
            ..host("10.9.1.1")
        };
        assert!(!holds(&rule, &both));
    }

    #[test]
    fn a_host_goes_by_every_name_that_it_has() {
        let mac = Mac::new([2, 0, 0, 0, 0, 1]);
        let host = HostView {
            aliases: vec![HostKey::from_mac(mac)],
            macs: vec![mac],
            owner: Some("Ann".to_owned()),
            site: Some("Berne".to_owned()),
            ..host("10.0.0.5")
        };
        for name in ["mac-02:00:00:00:00:01", "02-00-00-00-00-01", "10.0.0.5"] {
            assert!(holds(&rule(&[name]), &host), "{name}");
        }
        let by_owner = |owner: &str| ExceptionRule {
            owner: Some(owner.to_owned()),
            ..rule(&[])
        };
        let by_site = |site: &str| ExceptionRule {
            site: Some(site.to_owned()),
            ..rule(&[])
        };
        assert!(holds(&by_owner("Ann"), &host) && !holds(&by_owner("Bob"), &host));
        assert!(holds(&by_site("Berne"), &host) && !holds(&by_site("Basle"), &host));
        assert!(!holds(&rule(&[]), &host), "nobody is named");
    }
}
