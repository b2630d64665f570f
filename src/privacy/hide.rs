//! What leaves the ledger, with tokens in place of devices.

use std::net::IpAddr;

use super::Pseudonyms;
use crate::model::{AddressBinding, Happening, HostView, NameUse, Personal, Sample, Snapshot};

impl Pseudonyms {
    /// The snapshot with tokens. What is sorted by host stays sorted by what stands for it.
    #[must_use]
    pub fn hide(&self, mut snapshot: Snapshot) -> Snapshot {
        for finding in &mut snapshot.findings {
            finding.host = self.host_key(&finding.host);
            self.hide_addresses(&mut finding.addresses);
            for name in &mut finding.names {
                self.hide_samples(name);
            }
        }
        for weak in &mut snapshot.weak {
            weak.host = self.host_key(&weak.host);
        }
        for view in &mut snapshot.hosts {
            self.hide_host(view);
        }
        snapshot.hosts.sort_by(|a, b| a.key.cmp(&b.key));
        for view in &mut snapshot.coverage {
            view.host = self.host_key(&view.host);
        }
        let coverage = &mut snapshot.coverage;
        coverage.sort_by(|a, b| (&a.host, &a.vendor).cmp(&(&b.host, &b.vendor)));
        for bypass in &mut snapshot.bypasses {
            bypass.host = self.host_key(&bypass.host);
            bypass.resolver = self.server(bypass.resolver);
        }
        for view in &mut snapshot.uncovered {
            for host in &mut view.hosts {
                *host = self.host_key(host);
            }
            view.hosts.sort_unstable();
        }
        let bypasses = &mut snapshot.bypasses;
        bypasses.sort_by(|a, b| (&a.host, &a.vendor).cmp(&(&b.host, &b.vendor)));
        snapshot
    }

    /// What happened, with tokens. To be done before it is stamped: its id rests on the host's key.
    #[must_use]
    pub fn hide_happening(&self, happening: Happening) -> Happening {
        let address = |text: &str| text.parse::<IpAddr>().ok();
        let mac = happening.host.as_ref().and_then(|host| host.mac);
        let mut hidden = happening.hidden(|what, text| match what {
            Personal::Host => Some(self.key_text(text)),
            Personal::Name => Some(self.name(text)),
            Personal::Address => address(text).map(|address| self.address(address).to_string()),
            Personal::Server => address(text)
                .filter(|server| self.local.contains(*server))
                .map(|server| self.address(server).to_string()),
        });
        if let Some(host) = &mut hidden.host {
            host.mac = mac.map(|mac| self.mac(mac));
        }
        hidden
    }

    /// What is known of a host, with tokens.
    pub fn hide_host(&self, view: &mut HostView) {
        view.key = self.host_key(&view.key);
        for alias in &mut view.aliases {
            *alias = self.host_key(alias);
        }
        self.hide_addresses(&mut view.addresses);
        for mac in &mut view.macs {
            *mac = self.mac(*mac);
        }
        view.macs.sort_unstable();
        view.name = view.name.as_deref().map(|name| self.name(name));
        view.owner = view.owner.as_deref().map(|owner| self.owner(owner));
    }

    /// The addresses that a host had, with tokens.
    pub fn hide_binding(&self, binding: &mut AddressBinding) {
        binding.host = self.host_key(&binding.host);
        binding.address = self.address(binding.address);
        binding.mac = binding.mac.map(|mac| self.mac(mac));
    }

    fn hide_addresses(&self, addresses: &mut [IpAddr]) {
        for address in addresses.iter_mut() {
            *address = self.address(*address);
        }
        addresses.sort_unstable();
    }

    fn hide_samples(&self, name: &mut NameUse) {
        for flow in &mut name.samples {
            self.hide_sample(&mut flow.sample);
        }
    }

    /// A sample flow with tokens.
    pub fn hide_sample(&self, sample: &mut Sample) {
        sample.client.addr = self.address(sample.client.addr);
        sample.server.addr = self.server(sample.server.addr);
    }
}
