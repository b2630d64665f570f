//! What an earlier run had concluded, given back before or while there is traffic.

use std::net::IpAddr;

use super::Ledger;
use crate::model::{AddressBinding, HostKey, HostView, Reply, Sighting, Signal, Span, Timestamp};

impl Ledger {
    /// Takes a stretch that was looked at. Engine time does not go back behind it.
    pub fn restore_looked(&mut self, span: Span) {
        self.looked.add(span);
        self.now = self.now.max(Some(span.last));
    }

    /// Takes what was known of a host and which addresses it had. All hosts come before their sightings.
    pub fn restore_host(&mut self, host: &HostView, bindings: &[AddressBinding]) {
        self.hosts.restore(host, bindings);
    }

    /// Takes when a host was last there, under an address of its.
    pub fn restore_presence(&mut self, address: IpAddr, span: Span) {
        self.hosts.restore_presence(address, span);
    }

    /// Takes sightings that were rolled up; `reached` is when the level was last reached, `None` where only bytes were
    /// reported. It may lie before the end of the span, because bytes go on.
    pub fn restore_sighting(
        &mut self,
        host: &HostKey,
        sighting: &Sighting,
        reached: Option<Timestamp>,
    ) {
        let host = &self.hosts.canonical(host);
        if sighting.signal == Signal::Dns {
            for sample in &sighting.samples {
                let asked = Sighting {
                    server: Some(sample.server.addr),
                    span: Span::at(sample.time),
                    samples: Vec::new(),
                    ..sighting.clone()
                };
                self.note_bypass(host, &asked);
            }
        }
        if reached == Some(sighting.span.last) {
            self.book
                .restore(host, sighting, &self.cutoffs, sighting.span.last);
            return;
        }
        // Bytes went on after the level was last reached, or are all that was reported: a part each, as they came.
        if let Some(reached) = reached {
            let counted = Sighting {
                span: Span {
                    first: sighting.span.first.min(reached),
                    last: reached,
                },
                received: 0,
                sent: 0,
                ..sighting.clone()
            };
            self.book.restore(host, &counted, &self.cutoffs, reached);
        }
        let bytes = Sighting {
            count: 0,
            samples: Vec::new(),
            ..sighting.clone()
        };
        self.book
            .restore(host, &bytes, &self.cutoffs, sighting.span.last);
    }

    /// Takes what came back to tries.
    pub fn restore_reply(&mut self, host: &HostKey, reply: &Reply) {
        self.book.reply(&self.hosts.canonical(host), reply);
    }

    /// Ends restoring: what is so already is no news.
    pub fn restored(&mut self) {
        self.hosts.relist();
        self.join_hosts();
        if self.settings.events {
            let snapshot = self.snapshot();
            self.happenings.know(&snapshot);
        }
    }
}
