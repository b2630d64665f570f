//! What packets say of who a device is, told to the ledger: DHCP, mDNS and LLMNR, ARP and neighbour discovery.

use std::net::IpAddr;

use hashbrown::HashSet;

use super::rollup::Rollup;
use crate::dissect::neighbour::{self, Header};
use crate::dissect::{dhcp, mdns};
use crate::model::{
    Arp, Datagram, IdentityFact, LinkEnds, Mac, Neighbour, NeighbourSource, Packet, Timestamp,
};

/// Facts that wait for the ledger, at most about 1 KiB each. What comes beyond them comes again.
const MAX_WAITING: usize = 8_192;
/// Bindings told within a minute: neighbours speak of themselves all the time.
const MAX_TOLD: usize = 65_536;

/// Facts that the ledger was not told yet.
#[derive(Debug, Default)]
pub(super) struct IdentityLog {
    waiting: Vec<(IdentityFact, Timestamp)>,
    /// With whether it was said of oneself: an answer for somebody must not hide what that one says.
    told: HashSet<(IpAddr, Mac, bool)>,
    /// Addresses that were tried out within the minute.
    tried: HashSet<IpAddr>,
    minute: i64,
    refused: u64,
}

impl IdentityLog {
    /// Reads a datagram that may say something of its sender, or of the one whom it answers.
    pub(super) fn datagram(
        &mut self,
        datagram: &Datagram<'_>,
        time: Timestamp,
        rollup: &mut Rollup,
    ) {
        let ports = [datagram.src.port, datagram.dst.port];
        let of = |known: &[u16]| ports.iter().all(|port| known.contains(port));
        let multicast = [mdns::MDNS_PORT, mdns::LLMNR_PORT];
        let fact = if of(&dhcp::V4_PORTS) {
            dhcp::v4(datagram.payload)
        } else if of(&dhcp::V6_PORTS) {
            dhcp::v6(datagram.payload)
        } else if multicast.contains(&datagram.src.port) {
            let said = mdns::announcement(datagram.payload, datagram.src);
            said.map(IdentityFact::Announcement)
        } else {
            None
        };
        if let Some(fact) = fact {
            self.note(fact, time, rollup);
        }
    }

    /// Reads a message of neighbour discovery.
    pub(super) fn discovery(
        &mut self,
        packet: &Packet<'_>,
        message: &[u8],
        time: Timestamp,
        rollup: &mut Rollup,
    ) {
        let (IpAddr::V6(src), IpAddr::V6(dst)) = (packet.src, packet.dst) else {
            return;
        };
        let header = Header {
            src,
            dst,
            hop_limit: packet.hop_limit,
        };
        if let Some(fact) = neighbour::discovery(message, header)
            && packet.link.is_none_or(|link| is_own(&fact, link))
        {
            self.note(fact, time, rollup);
        } else if let Some(target) = neighbour::tentative(message, header)
            && let Some(link) = packet.link
            && let Some(mac) = Mac::of_device(&link.src.octets())
        {
            let tried = Neighbour {
                address: target.into(),
                mac,
                source: NeighbourSource::Tentative,
                router: false,
            };
            self.note(IdentityFact::Neighbour(tried), time, rollup);
        }
    }

    /// Reads an ARP message; gives the sender's address.
    pub(super) fn arp(
        &mut self,
        arp: &Arp<'_>,
        time: Timestamp,
        rollup: &mut Rollup,
    ) -> Option<IpAddr> {
        let sender = neighbour::arp(arp.message)?;
        let fact = IdentityFact::Neighbour(sender);
        if arp.link.is_none_or(|link| is_own(&fact, link)) {
            self.note(fact, time, rollup);
        }
        Some(sender.address)
    }

    fn note(&mut self, fact: IdentityFact, time: Timestamp, rollup: &mut Rollup) {
        if let IdentityFact::Neighbour(neighbour) = &fact {
            if std::mem::replace(&mut self.minute, time.minute()) != time.minute()
                || self.told.len().max(self.tried.len()) >= MAX_TOLD
            {
                // Forgetting who was told costs a repetition at most, and bounds the table.
                self.told.clear();
                self.tried.clear();
            }
            let is_tried = neighbour.source == NeighbourSource::Tentative;
            if is_tried {
                self.tried.insert(neighbour.address);
            } else {
                let is_own = neighbour.source.is_own_word();
                let is_new = self.told.insert((neighbour.address, neighbour.mac, is_own));
                // An answer may be an objection.
                if !is_new && !self.tried.contains(&neighbour.address) {
                    return;
                }
            }
        }
        if self.waiting.len() >= MAX_WAITING {
            self.refused += 1;
            return;
        }
        for address in fact.addresses() {
            rollup.owner_told(address, time);
        }
        self.waiting.push((fact, time));
    }

    /// Facts waiting.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Facts that found no place.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// Hands over what is waiting.
    pub(super) fn take(&mut self) -> Vec<(IdentityFact, Timestamp)> {
        std::mem::take(&mut self.waiting)
    }
}

/// Whether what somebody says of its own address came in a frame of its own: repeaters write their address into frames of
/// others, and whoever forges a message often forgets the frame. An advertisement may speak for others.
fn is_own(fact: &IdentityFact, link: LinkEnds) -> bool {
    match fact {
        IdentityFact::Neighbour(neighbour) => {
            neighbour.mac == link.src || neighbour.source == NeighbourSource::Advertisement
        }
        _ => true,
    }
}
