//! What rule packs say: vendors, services, cutoffs, and the match of a name.

use std::net::IpAddr;
use std::sync::Arc;

use super::closed::closed_list;
use super::id::text_id;
use super::{Name, PortRange, ServiceTransport, Timestamp, VendorNetworks};

text_id! {
    /// Id of a vendor, for example `kaspersky`; unique over all packs.
    VendorId
}
text_id! {
    /// Id of a service within its vendor, for example `databases`.
    ServiceId
}

closed_list! {
    /// What a service is for.
    Category {
        /// Fetching updates.
        Update = "update",
        /// Reporting to the vendor, reputation look-ups included.
        Telemetry = "telemetry",
        /// Activation and licences.
        Licensing = "licensing",
        /// Being managed from the vendor's cloud.
        Management = "management",
        /// Installers and free tools.
        Download = "download",
        /// Web sites that people read.
        Web = "web",
        /// Anything else.
        Other = "other",
    }
}

closed_list! {
    /// How much a name says about who asked for it.
    Strength {
        /// Only the product asks for this name.
        Strong = "strong",
        /// People, web pages or other software ask for it too: context, never a finding.
        Weak = "weak",
    }
}

closed_list! {
    /// Who says that the name belongs to the service.
    Confidence {
        /// The vendor's own documents.
        Vendor = "vendor",
        /// Public lists, code and observations.
        Community = "community",
    }
}

closed_list! {
    /// What a pack is about.
    PackKind {
        /// A vendor with its cutoffs and services.
        Vendor = "vendor",
        /// Known encrypted-DNS services.
        Resolvers = "resolvers",
    }
}

closed_list! {
    /// Whether somebody breaks a rule who goes on behind a cutoff.
    CutoffKind {
        /// It forbids.
        Ban = "ban",
        /// It warns or advises: nobody is in breach who goes on.
        Advice = "advice",
    }
}

closed_list! {
    /// Which part a vendor plays.
    PackRole {
        /// Its use had to stop.
        Restricted = "restricted",
        /// It may take the other's place.
        Replacement = "replacement",
    }
}

closed_list! {
    /// A sighting's own time against the cutoff in force.
    Phase {
        /// Before the cutoff.
        Before = "before",
        /// At or after the cutoff.
        After = "after",
        /// No cutoff is in force for this vendor and category.
        None = "none",
    }
}

/// The instant after which categories of a vendor are a finding, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cutoff {
    /// Id within the pack, for example `us-2024`.
    pub id: String,
    /// Whether it forbids or advises.
    pub kind: CutoffKind,
    /// Whether it applies where the configuration chooses none.
    pub default: bool,
    /// Where it binds, for example `US`.
    pub jurisdiction: String,
    /// Whom it binds and to what, in a sentence.
    pub binds: String,
    /// The first instant at which it is in force.
    pub at: Timestamp,
    /// The categories that it concerns.
    pub categories: Vec<Category>,
    /// The act.
    pub authority: String,
    /// URL of the act or of the text that quotes it.
    pub source: String,
}

impl Cutoff {
    /// What stands before the authority wherever that is shown, so that nobody takes an advice for a ban.
    pub fn said_as(&self) -> &'static str {
        match self.kind {
            CutoffKind::Ban => "",
            CutoffKind::Advice => "an advice, no ban: ",
        }
    }
}

/// A named group of a vendor's host names.
#[derive(Debug, PartialEq, Eq)]
pub struct Service {
    /// The vendor.
    pub vendor: VendorId,
    /// Id within the vendor.
    pub id: ServiceId,
    /// For people.
    pub name: String,
    /// What it is for.
    pub category: Category,
    /// How much its names say.
    pub strength: Strength,
    /// Who says so.
    pub confidence: Confidence,
    /// Ports of its servers, as the source gives them; empty where it gives none.
    pub ports: Vec<PortRange>,
    /// What carries it, as the source says.
    pub transport: Option<ServiceTransport>,
    /// URL that proves it.
    pub source: String,
    /// A caveat for people.
    pub note: Option<String>,
    /// Version of the pack it stands in.
    pub pack_version: Arc<str>,
    /// Instants of all cutoffs of the pack for this category, ascending. Sightings are kept apart at each, so that
    /// whichever cutoff binds a host, a sighting lies wholly before or after it.
    pub boundaries: Vec<Timestamp>,
}

impl Service {
    /// How many of the pack's cutoffs for this category have passed at `time`.
    pub fn era(&self, time: Timestamp) -> u8 {
        let passed = self.boundaries.iter().filter(|&&at| time >= at).count();
        u8::try_from(passed).unwrap_or(u8::MAX)
    }
}

/// A name that a rule matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The service whose pattern won.
    pub service: Arc<Service>,
    /// The pattern as the pack writes it.
    pub pattern: Arc<str>,
}

/// What the rules in force say of a name, and of how earlier ones matched it, as far as that is remembered; `None` where they
/// do not know it.
pub type Carry<'a> = dyn Fn(Name<'_>, Option<&Match>) -> Option<Match> + 'a;

impl Match {
    /// Takes over what other rules say of the same name. False, and unchanged, where they do not know it.
    pub fn carry(&mut self, name: Name<'_>, carry: &Carry<'_>) -> bool {
        let carried = carry(name, Some(self));
        carried.is_some_and(|carried| {
            *self = carried;
            true
        })
    }
}

/// A loaded and checked rule pack.
#[derive(Clone, Debug)]
pub struct Pack {
    /// The vendor.
    pub vendor: VendorId,
    /// For people.
    pub name: String,
    /// Which part the vendor plays.
    pub role: PackRole,
    /// Version of the pack.
    pub version: Arc<str>,
    /// Day on which somebody last read it against its sources.
    pub reviewed: String,
    /// Whether it is in force without being named in the configuration.
    pub enabled: bool,
    /// First 12 hexadecimal digits of the SHA-256 of the file.
    pub digest: String,
    /// Where the file is from: `built in` or a path.
    pub origin: String,
    /// A caveat for people about the whole pack.
    pub note: Option<String>,
    /// Ports of the vendor's relays inside a site.
    pub relay_ports: Vec<u16>,
    /// Resolvers that the product asks by itself where the system's does not lead it to its servers, in its order.
    pub fallback_resolvers: Vec<IpAddr>,
    /// Address ranges of the vendor; they accuse nobody.
    pub networks: VendorNetworks,
    /// Categories that prove protection, for a replacement.
    pub coverage: Vec<Category>,
    /// Cutoffs.
    pub cutoffs: Vec<Cutoff>,
    /// Services.
    pub services: Vec<Arc<Service>>,
    /// Patterns with the index of their service in `services`.
    pub patterns: Vec<(Arc<str>, usize)>,
    /// The pack's own tests: a name and the service expected, `None` for no match in this pack.
    pub tests: Vec<(String, Option<ServiceId>)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_plain() {
        assert!(VendorId::parse("microsoft-defender").is_some());
        for bad in ["", "-a", "a-", "A", "a_b", "a b", "ä", &"a".repeat(65)] {
            assert!(VendorId::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn closed_lists_read_what_they_print() {
        for &category in Category::ALL {
            assert_eq!(category.label().parse(), Ok(category));
        }
        let error = "updates".parse::<Category>().unwrap_err();
        assert!(error.contains("`updates`") && error.contains("update, telemetry"));
    }
}
