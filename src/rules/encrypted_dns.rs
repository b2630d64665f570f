//! Known encrypted-DNS services, compiled: names, addresses, and the public names of Encrypted Client Hello.
//!
//! Kept wholly apart from the vendors' matcher: what is found here is never a sighting. It says that a host may have
//! asked for names where the sensor cannot read them.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::Matcher;
use super::networks::Networks;
use super::pattern::Pattern;
use crate::model::{KnownResolver, Name, ResolverId, ResolverPack, ResolverSubject, ResolverTest};

/// The known encrypted-DNS services of all packs. Nothing here allocates when it is asked.
#[derive(Clone, Default)]
pub struct EncryptedDns {
    names: Matcher<Arc<KnownResolver>>,
    networks: Networks<Arc<KnownResolver>>,
    public_names: Matcher<Arc<KnownResolver>>,
}

impl EncryptedDns {
    /// Compiles packs; of two equal patterns or networks the later pack's wins.
    pub(super) fn new(packs: &[&ResolverPack]) -> Self {
        let resolvers = || packs.iter().flat_map(|pack| &pack.resolvers);
        let networks = resolvers().flat_map(|resolver| {
            let networks = resolver.addresses.iter();
            networks.map(|network| (*network, Arc::clone(resolver)))
        });
        let ech = packs.iter().flat_map(|pack| &pack.ech);
        Self {
            names: Matcher::new(resolvers().flat_map(patterns)),
            networks: Networks::new(networks),
            public_names: Matcher::new(ech.flat_map(patterns)),
        }
    }

    /// Whether a name is that of a known resolver: one or two probes for most names.
    pub fn is_resolver_name(&self, name: Name<'_>) -> bool {
        self.resolver_of_name(name).is_some()
    }

    /// Whether a known resolver has this address: a probe for each prefix length that the packs use in its family, so
    /// two for IPv4 and three for IPv6 with the built-in one. It says who is there, not what is spoken: plain DNS goes
    /// to the same addresses, so the port or the protocol must say that it is encrypted.
    pub fn is_resolver_address(&self, address: IpAddr) -> bool {
        self.resolver_of_address(address).is_some()
    }

    /// Whether a name in a hello is one under which a provider takes Encrypted Client Hello: what was asked for is then
    /// another name, inside and encrypted, unless the client really went for this one.
    pub fn is_ech_public_name(&self, name: Name<'_>) -> bool {
        self.ech_of_public_name(name).is_some()
    }

    /// The resolver of a name, and the pattern that won.
    pub fn resolver_of_name(&self, name: Name<'_>) -> Option<(&Pattern, &KnownResolver)> {
        let (pattern, resolver) = self.names.find(name)?;
        Some((pattern, resolver))
    }

    /// The resolver at an address, and the narrowest network that holds it.
    pub fn resolver_of_address(&self, address: IpAddr) -> Option<(&IpNet, &KnownResolver)> {
        let (network, resolver) = self.networks.find(address)?;
        Some((network, resolver))
    }

    /// The provider of Encrypted Client Hello with this public name, and the pattern that won.
    pub fn ech_of_public_name(&self, name: Name<'_>) -> Option<(&Pattern, &KnownResolver)> {
        let (pattern, provider) = self.public_names.find(name)?;
        Some((pattern, provider))
    }

    /// What is wrong with the outcome of a pack's own test, `None` if nothing.
    pub(super) fn run_test(&self, test: &ResolverTest) -> Option<String> {
        let (asked, found) = match &test.subject {
            ResolverSubject::Name(name) => {
                let found = self.resolver_of_name(name.as_name());
                let found = found.map(|(by, one)| (by.to_string(), &one.id));
                (name.to_string(), found)
            }
            ResolverSubject::PublicName(name) => {
                let found = self.ech_of_public_name(name.as_name());
                let found = found.map(|(by, one)| (by.to_string(), &one.id));
                (name.to_string(), found)
            }
            ResolverSubject::Address(address) => {
                let found = self.resolver_of_address(*address);
                let found = found.map(|(by, one)| (by.to_string(), &one.id));
                (address.to_string(), found)
            }
        };
        let got = found.as_ref().map(|(_, id)| *id);
        let expected = test.expected.as_ref();
        if got == expected {
            return None;
        }
        let word = |id: Option<&ResolverId>| id.map_or("none".to_owned(), |id| format!("`{id}`"));
        let by = found
            .as_ref()
            .map_or(String::new(), |(by, _)| format!(" by `{by}`"));
        Some(format!(
            "test `{asked}`: expected {}, got {}{by}",
            word(expected),
            word(got)
        ))
    }
}

/// The patterns of a resolver or provider.
fn patterns(
    known: &Arc<KnownResolver>,
) -> impl Iterator<Item = (Pattern, Arc<KnownResolver>)> + '_ {
    known.names.iter().filter_map(move |text| {
        // A loaded pack's patterns were parsed when it was read.
        let pattern = Pattern::parse(text).ok()?;
        Some((pattern, Arc::clone(known)))
    })
}

#[cfg(test)]
mod tests {
    use crate::model::DomainName;
    use crate::rules::Library;

    fn name(text: &str) -> DomainName {
        DomainName::parse(text).unwrap()
    }

    #[test]
    fn the_built_in_services_are_known_and_are_no_sightings() {
        let rules = Library::load(None).unwrap().compile(|_| true);
        let known = rules.encrypted_dns();
        for text in [
            "dns.google",
            "mozilla.cloudflare-dns.com",
            "chrome.cloudflare-dns.com",
            "abc123.dns.nextdns.io",
            "doh.dns.apple.com",
        ] {
            assert!(known.is_resolver_name(name(text).as_name()), "{text}");
            assert!(!known.is_ech_public_name(name(text).as_name()), "{text}");
            assert_eq!(rules.lookup(name(text).as_name()), None, "{text}");
        }
        for text in [
            "www.google.com",
            "cloudflare.com",
            "mask.icloud.com",
            "s07.upd.kaspersky.com",
        ] {
            assert!(!known.is_resolver_name(name(text).as_name()), "{text}");
        }
        assert!(known.is_ech_public_name(name("cloudflare-ech.com").as_name()));
        assert!(!known.is_resolver_name(name("cloudflare-ech.com").as_name()));
        for (address, expected) in [
            ("1.1.1.1", true),
            ("1.1.1.4", false),
            ("2620:fe::fe", true),
            ("2620:fe::ff", false),
            ("76.76.2.200", true),
            ("104.16.132.229", false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(known.is_resolver_address(address), expected, "{address}");
        }
    }

    #[test]
    fn with_no_pack_nothing_is_known() {
        let known = super::EncryptedDns::default();
        assert!(!known.is_resolver_name(name("dns.google").as_name()));
        assert!(!known.is_ech_public_name(name("cloudflare-ech.com").as_name()));
        assert!(!known.is_resolver_address([8, 8, 8, 8].into()));
    }
}
