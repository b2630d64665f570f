//! Which field gets what.

use std::net::IpAddr;

use super::super::super::{DomainName, Protocol, Signal, Span, Timestamp};
use super::super::{
    Change, CoverageChange, ECS_VERSION, Event, EventHost, Judged, NamedFlow, StragglerChange,
    community_id, text,
};
use super::categories::categorised;
use super::*;

pub(super) fn fill(event: &Event) -> Record<'_> {
    let happening = &event.happening;
    let mut record = Record {
        timestamp: Some(happening.time),
        ecs: Some(Ecs {
            version: Some(ECS_VERSION),
        }),
        event: Some(categorised(event)),
        observer: Some(observer(event)),
        source: happening.host.as_ref().map(source),
        straggler: Some(Straggler {
            host: happening.host.as_ref().map(|host| host.key.as_str()),
            ..Straggler::default()
        }),
        ..Record::default()
    };
    match &happening.change {
        Change::Sighting {
            flow,
            judged,
            count,
        } => {
            record.flow(flow, judged);
            record.own().count = Some(*count);
        }
        Change::FlowEnd {
            flow,
            judged,
            span,
            received,
            sent,
        } => {
            record.flow(flow, judged);
            record.span(*span);
            record.bytes(*received, *sent);
        }
        Change::StragglerNew(change) => record.straggler(change),
        Change::StragglerEnded(change, reason) => {
            record.straggler(change);
            record.own().reason = Some(Reason::Ended(*reason));
        }
        Change::CoverageChanged(change) => record.coverage(change),
        Change::BlindSpot { kind, span, flows } => {
            record.span(*span);
            record.own().kind = Some(*kind);
            record.own().count = Some(*flows);
        }
        Change::SensorState { condition, reason } => {
            record.own().condition = Some(*condition);
            record.own().reason = reason.as_deref().map(Reason::Words);
        }
    }
    record
}

fn observer(event: &Event) -> Observer<'_> {
    let happening = &event.happening;
    let interface = happening
        .interface
        .as_deref()
        .map(|name| Named { name: Some(name) });
    let vlan = happening.vlan.map(|id| Vlan {
        id: Some(id.to_string()),
    });
    let is_known = interface.is_some() || vlan.is_some();
    Observer {
        name: Some(&event.sensor),
        kind: Some("sensor"),
        product: Some("straggler"),
        version: Some(env!("CARGO_PKG_VERSION")),
        ingress: is_known.then_some(Ingress { interface, vlan }),
    }
}

fn source(host: &EventHost) -> Source<'_> {
    Source {
        ip: host.address,
        address: host.address_token.as_deref(),
        // ECS writes hardware addresses as RFC 7042, section 2.1, does.
        mac: host
            .mac
            .map(|mac| mac.to_string().to_uppercase().replace(':', "-")),
        domain: host.name.as_deref(),
        ..Source::default()
    }
}

impl<'a> Record<'a> {
    fn own(&mut self) -> &mut Straggler<'a> {
        self.straggler.get_or_insert_default()
    }

    fn flow(&mut self, flow: &'a NamedFlow, judged: &Judged) {
        let name = flow.name.as_str();
        let service = &*flow.matched.service;
        self.source.get_or_insert_default().port = port(flow, flow.client.port);
        // Behind a resolver or a proxy there is no knowing who has the name.
        let is_end = !matches!(flow.signal, Signal::Dns | Signal::Connect);
        self.destination = Some(Destination {
            ip: flow.server_token.is_none().then_some(flow.server.addr),
            address: flow.server_token.as_deref(),
            port: port(flow, flow.server.port),
            domain: is_end.then_some(name),
            bytes: None,
            system: flow.own_network.as_ref().map(|own| System {
                number: own.asn,
                organization: Some(Named {
                    name: Some(&own.organization),
                }),
            }),
        });
        self.network = Some(network(flow));
        match flow.signal {
            Signal::Dns => {
                self.dns = Some(Dns {
                    kind: Some("query"),
                    question: Some(Named { name: Some(name) }),
                });
            }
            Signal::Tls | Signal::Quic => {
                self.tls = Some(Tls {
                    client: Some(TlsClient {
                        server_name: Some(name),
                    }),
                });
            }
            Signal::Http | Signal::Connect => self.url = Some(Url { domain: Some(name) }),
            Signal::Ip => {}
        }
        self.user_agent = flow.user_agent.as_ref().map(|agent| UserAgent {
            original: Some(agent.as_str()),
        });
        self.rule = Some(Rule {
            id: Some(format!("{}/{}", service.vendor, service.id)),
            name: Some(text::line(&service.name)),
            ruleset: Some(service.vendor.as_str()),
            version: Some(&service.pack_version),
            reference: Some(text::line(&service.source)),
        });
        let own = self.own();
        own.vendor = Some(service.vendor.as_str());
        own.service = Some(service.id.as_str());
        own.category = Some(service.category);
        own.name = Some(name);
        own.signal = Some(flow.signal);
        own.evidence = Some(flow.evidence);
        own.phase = Some(judged.phase);
        own.cutoff = judged.cutoff;
        own.strength = Some(service.strength);
        own.pattern = Some(text::line(&flow.matched.pattern));
        own.outcome = judged.outcome;
        own.blocked_by = judged.blocked_by;
    }

    fn span(&mut self, span: Span) {
        let event = self.event.get_or_insert_default();
        event.start = Some(span.first);
        event.end = Some(span.last);
        event.duration = Some(nanos(span.first, span.last));
    }

    /// Of the payload, as everywhere; ECS does not say of what.
    fn bytes(&mut self, received: u64, sent: u64) {
        self.source.get_or_insert_default().bytes = Some(sent);
        self.destination.get_or_insert_default().bytes = Some(received);
        self.network.get_or_insert_default().bytes = Some(received.saturating_add(sent));
    }

    fn straggler(&mut self, change: &'a StragglerChange) {
        self.rule = Some(Rule {
            ruleset: Some(change.vendor.as_str()),
            version: change.pack_version.as_deref(),
            ..Rule::default()
        });
        let own = self.own();
        own.vendor = Some(change.vendor.as_str());
        own.category = Some(change.category);
        own.status = Some(change.status);
        own.evidence = Some(change.evidence);
        own.phase = Some(change.phase);
        own.cutoff = change.cutoff;
        own.first_seen = Some(change.first_seen);
        own.last_seen = Some(change.last_seen);
        own.after_cutoff = Some(AfterCutoff {
            sightings: Some(change.sightings),
            bytes_received: Some(change.received),
            bytes_sent: Some(change.sent),
        });
        own.names = Some(change.names.iter().map(DomainName::as_str).collect());
    }

    fn coverage(&mut self, change: &'a CoverageChange) {
        let own = self.own();
        own.vendor = Some(change.vendor.as_str());
        own.coverage = Some(change.now);
        own.previous = change.before;
        let seen = change.replacements.iter();
        own.replacements = Some(
            seen.map(|(vendor, category, last_seen)| Replacement {
                vendor: Some(vendor.as_str()),
                category: Some(*category),
                last_seen: Some(*last_seen),
            })
            .collect(),
        );
    }
}

fn network(flow: &NamedFlow) -> Network {
    Network {
        transport: Some(match flow.protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Esp => "esp",
        }),
        kind: Some(match flow.server.addr {
            IpAddr::V4(_) => "ipv4",
            IpAddr::V6(_) => "ipv6",
        }),
        protocol: match flow.signal {
            Signal::Dns => Some("dns"),
            Signal::Tls => Some("tls"),
            Signal::Quic => Some("quic"),
            Signal::Http | Signal::Connect => Some("http"),
            Signal::Ip => None,
        },
        community_id: flow
            .show_community_id
            .then(|| community_id(flow.client, flow.server, flow.protocol)),
        bytes: None,
    }
}

/// ESP has no ports; the zeros in their place say nothing.
fn port(flow: &NamedFlow, port: u16) -> Option<u16> {
    (flow.protocol != Protocol::Esp).then_some(port)
}

fn nanos(first: Timestamp, last: Timestamp) -> u64 {
    u64::try_from(last.since(first).as_nanos()).unwrap_or(u64::MAX)
}
