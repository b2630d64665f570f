//! What packs of known encrypted-DNS services say.
//!
//! Such a pack accuses nobody. It names what makes a sensor blind: resolvers that are asked inside TLS, HTTPS or QUIC,
//! and the names that a hello shows when its true one is encrypted.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::id::text_id;
use super::{Confidence, DomainName};

text_id! {
    /// Id of a pack of known encrypted-DNS services; unique over all packs, vendor ids included.
    ResolverPackId
}
text_id! {
    /// Id of a resolver, or of a provider of Encrypted Client Hello, within its pack.
    ResolverId
}

/// A known encrypted-DNS service, or a provider that takes Encrypted Client Hello; the latter has no addresses.
#[derive(Debug, PartialEq, Eq)]
pub struct KnownResolver {
    /// Id within the pack; resolvers and providers are counted apart.
    pub id: ResolverId,
    /// For people.
    pub name: String,
    /// Patterns of names, as the pack writes them.
    pub names: Vec<Arc<str>>,
    /// Addresses and networks that serve DNS and little else.
    pub addresses: Vec<IpNet>,
    /// Who says so; `vendor` stands for the operator.
    pub confidence: Confidence,
    /// URL that proves it.
    pub source: String,
    /// A caveat for people.
    pub note: Option<String>,
    /// The pack it stands in.
    pub pack: ResolverPackId,
    /// Version of that pack.
    pub pack_version: Arc<str>,
}

/// A loaded and checked pack of known encrypted-DNS services.
#[derive(Clone, Debug)]
pub struct ResolverPack {
    /// Id, unique over all packs.
    pub id: ResolverPackId,
    /// For people.
    pub name: String,
    /// Version of the pack.
    pub version: Arc<str>,
    /// Day on which somebody last read it against its sources.
    pub reviewed: String,
    /// First 12 hexadecimal digits of the SHA-256 of the file.
    pub digest: String,
    /// Where the file is from: `built in` or a path.
    pub origin: String,
    /// Resolvers.
    pub resolvers: Vec<Arc<KnownResolver>>,
    /// Providers of Encrypted Client Hello, with the public names that their servers answer to.
    pub ech: Vec<Arc<KnownResolver>>,
    /// The pack's own tests.
    pub tests: Vec<ResolverTest>,
}

/// A test of a pack of known encrypted-DNS services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolverTest {
    /// What is looked up.
    pub subject: ResolverSubject,
    /// What must be found, `None` for nothing in this pack.
    pub expected: Option<ResolverId>,
}

/// What may be looked up among known encrypted-DNS services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolverSubject {
    /// A name, among the names of resolvers.
    Name(DomainName),
    /// An address, among those of resolvers.
    Address(IpAddr),
    /// A name, among the public names of Encrypted Client Hello.
    PublicName(DomainName),
}

impl ResolverPack {
    /// How many patterns of resolvers it has.
    pub fn pattern_count(&self) -> usize {
        self.resolvers.iter().map(|one| one.names.len()).sum()
    }

    /// How many addresses and networks it has.
    pub fn address_count(&self) -> usize {
        self.resolvers.iter().map(|one| one.addresses.len()).sum()
    }

    /// How many public names of Encrypted Client Hello it has.
    pub fn public_name_count(&self) -> usize {
        self.ech.iter().map(|one| one.names.len()).sum()
    }
}
