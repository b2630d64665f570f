//! DNS over UDP and TCP: questions are names that a host asked for; answers to matched ones say what came of it.

use std::net::IpAddr;

use super::address_names::Owner;
use super::rollup::Subject;
use super::watch::Answered;
use super::{Insides, NameRead, Witness};
use crate::dissect::{Dissection, dns};
use crate::model::{
    Asker, Carrier, Datagram, Endpoint, Evidence, FlowId, FlowProtocol, Match, Name, Protocol,
    ReplyKind, Sample, Signal, Timestamp, Way,
};
use crate::rules::Told;

/// Response codes (RFC 1035, section 4.1.1).
const NO_ERROR: u16 = 0;
const NX_DOMAIN: u16 = 3;
const REFUSED: u16 = 5;
/// Query type HTTPS (RFC 9460, section 9).
const HTTPS: u16 = 65;

/// Who sent a message to whom.
#[derive(Clone, Copy)]
pub(super) struct Exchange {
    pub(super) src: Endpoint,
    pub(super) dst: Endpoint,
    pub(super) protocol: Protocol,
    pub(super) time: Timestamp,
}

impl Insides {
    /// Takes a datagram of the DNS port; says whether it is a question, `None` where it is no DNS.
    pub(super) fn dns_datagram(
        &mut self,
        datagram: &Datagram<'_>,
        time: Timestamp,
        witness: &mut impl Witness,
    ) -> Option<bool> {
        let exchange = Exchange {
            src: datagram.src,
            dst: datagram.dst,
            protocol: Protocol::Udp,
            time,
        };
        let asks = exchange.dst.port == dns::PORT;
        self.note_presence(exchange.src.addr, exchange.dst.addr, asks, time);
        self.dns_message(&exchange, datagram.payload, witness)
    }

    /// Takes a message; says whether it is a question, `None` where it is no DNS.
    pub(super) fn dns_message(
        &mut self,
        exchange: &Exchange,
        message: &[u8],
        witness: &mut impl Witness,
    ) -> Option<bool> {
        let Dissection::Found(header) = dns::header(message) else {
            return None;
        };
        if header.response {
            let Exchange { src, dst, time, .. } = *exchange;
            let asked = self.questions.asked(dst, src, header.id, time);
            // Where no question is seen at all, answers are all there is. Else one that nobody asked for is forged, or
            // of no consequence.
            if src.port == dns::PORT && (asked.is_some() || !self.questions.any()) {
                let local = &self.settings.local;
                let presence = &mut self.presence;
                self.role_log
                    .answered(src.addr, dst.addr, local, presence, time);
                self.response(exchange, message, &header, asked.unwrap_or_default());
            }
            return Some(false);
        }
        if exchange.dst.port != dns::PORT {
            return Some(false);
        }
        let Exchange { src, dst, time, .. } = *exchange;
        self.questions.note(src, dst, header.id, self.way, time);
        self.stats.seen.flows[FlowProtocol::Dns.index()] += 1;
        let mut at = dns::first_question();
        let mut named = false;
        for _ in 0..header.questions.min(dns::MAX_QUESTIONS) {
            let Dissection::Found(question) = dns::question(message, at, &mut self.name) else {
                break;
            };
            at = question.end;
            named |= self.question(exchange, witness);
        }
        self.stats.seen.named_flows[Signal::Dns.index()] += u64::from(named);
        Some(true)
    }

    /// A question whose name stands in the buffer; false for the root, which has none.
    fn question(&mut self, exchange: &Exchange, witness: &mut impl Witness) -> bool {
        let Some(name) = self.name.as_name() else {
            return false;
        };
        let Told { matched, gap_of } = self.rules.read(name);
        witness.name_read(&NameRead {
            time: exchange.time,
            signal: Signal::Dns,
            client: exchange.src,
            server: exchange.dst,
            name,
            matched,
            carrier: Carrier::Direct,
            user_agent: None,
        });
        if !gap_of.is_empty()
            && let (client, resolver) = (exchange.src.addr, exchange.dst.addr)
            && let Some(host) = self.settings.local.host(client, resolver)
        {
            let (mac, time) = (self.way.mac(), exchange.time);
            self.uncovered.note(gap_of, name, Asker { host, mac, time });
        }
        if let Some(matched) = matched
            && let Some(subject) = self.subject(name, matched, exchange.src, exchange.dst, self.way)
        {
            self.look_up(&subject, exchange.src, exchange.dst, exchange);
        }
        true
    }

    /// A name as something that a host of ours asked for.
    fn subject(
        &self,
        name: Name<'_>,
        matched: &Match,
        client: Endpoint,
        resolver: Endpoint,
        way: Way,
    ) -> Option<Subject> {
        Some(Subject {
            host: self.settings.local.host(client.addr, resolver.addr)?,
            mac: way.mac(),
            matched: matched.clone(),
            name: name.to_owned(),
            signal: Signal::Dns,
            server: Some(resolver.addr),
            flow: self.settings.one_of_several.then_some(FlowId {
                client: Endpoint { port: 0, ..client },
                server: Endpoint {
                    port: 0,
                    ..resolver
                },
                protocol: Protocol::Udp,
                opened: None,
            }),
        })
    }

    /// Counts a look-up, once for each transaction.
    fn look_up(
        &mut self,
        subject: &Subject,
        client: Endpoint,
        resolver: Endpoint,
        exchange: &Exchange,
    ) {
        let time = exchange.time;
        let (host, name) = ((subject.host, subject.mac), &subject.name);
        if self.transactions.opens(host, resolver.addr, name, time) {
            let sample = Sample {
                time,
                client,
                server: resolver,
                protocol: exchange.protocol,
                pattern: subject.matched.pattern.clone(),
                interface: self.rollup.interface(),
                vlan: self.vlan,
                user_agent: None,
            };
            self.rollup.sighting(subject, Evidence::Lookup, sample);
        }
    }

    /// A response: proof that its receiver asked, and what came of it. The question came this way.
    fn response(&mut self, exchange: &Exchange, message: &[u8], header: &dns::Header, way: Way) {
        let first = dns::question(message, dns::first_question(), &mut self.name);
        // A response to several questions does not say which record answers which.
        let (Dissection::Found(question), 1) = (first, header.questions) else {
            return;
        };
        // Taken out, so that it is looked at once.
        let name = std::mem::take(&mut self.name);
        if let Some(asked) = name.as_name() {
            self.answer(exchange, message, header, (asked, &question), way);
        }
        self.name = name;
    }

    /// What an answer says of the name that was asked.
    fn answer(
        &mut self,
        exchange: &Exchange,
        message: &[u8],
        header: &dns::Header,
        (asked, question): (Name<'_>, &dns::Question),
        way: Way,
    ) {
        let (client, resolver) = (exchange.dst, exchange.src);
        let rules = &self.rules;
        let at = question.end;
        let own_match = rules.lookup(asked);
        let mut leads_on = || {
            let matches = |target: Name<'_>| rules.lookup(target).is_some();
            dns::leads_to(message, header, at, &mut self.alias, matches)
        };
        if own_match.is_none() && !leads_on() {
            self.pass_by(exchange, message, header, (asked, question));
            return;
        }
        let answer = dns::answer(message, header, at, &asked.to_owned());
        let matched = own_match.or_else(|| {
            let mut aliases = answer.aliases.iter();
            aliases.find_map(|alias| rules.lookup(alias.as_name()))
        });
        let Some(subject) =
            matched.and_then(|matched| self.subject(asked, matched, client, resolver, way))
        else {
            return;
        };
        // Where only answers are seen, they show the question too; and an alias shows only here.
        self.look_up(&subject, client, resolver, exchange);
        let verdict = verdict(&answer, &self.settings.block_addresses);
        if let Some(kind) = verdict {
            self.rollup.reply(&subject, kind, exchange.time);
        }
        let asked = self.questions.any();
        if asked && (verdict == Some(ReplyKind::Resolved) || verdict.is_none()) {
            self.watch_addresses(&subject, &answer, exchange.time);
        }
        for name in answer.ech_public_names {
            self.ech_names.learn(subject.host, name);
        }
    }

    /// An answer that concerns no rule: its addresses may be watched for another name, and it may tell a name that
    /// stands outside Encrypted Client Hellos.
    fn pass_by(
        &mut self,
        exchange: &Exchange,
        message: &[u8],
        header: &dns::Header,
        (asked, question): (Name<'_>, &dns::Question),
    ) {
        let owner = Owner::of(asked, None);
        for address in dns::addresses(message, header, question.end) {
            if !self.settings.local.contains(address) {
                self.watch.named(address, asked, owner, exchange.time);
            }
        }
        if question.qtype == HTTPS && header.answers > 0 {
            let asked = asked.to_owned();
            let local = &self.settings.local;
            if let Some(host) = local.host(exchange.dst.addr, exchange.src.addr) {
                let answer = dns::answer(message, header, question.end, &asked);
                for name in answer.ech_public_names {
                    self.ech_names.learn(host, name);
                }
            }
        }
    }

    /// Addresses outside the local networks are the vendor's; one inside is a block page or a cache.
    fn watch_addresses(&mut self, subject: &Subject, answer: &dns::Answer, time: Timestamp) {
        let answered = Answered {
            host: subject.host,
            name: &subject.name,
            matched: &subject.matched,
            ttl: answer.ttl,
            time,
        };
        for &address in answer.addresses.iter().chain(&answer.hints) {
            let block_addresses = &self.settings.block_addresses;
            let elsewhere = !self.settings.local.contains(address);
            if elsewhere && !leads_nowhere(address, block_addresses) {
                self.watch.resolved(address, &answered);
            }
        }
    }
}

/// Whether an address is what resolvers give instead of a blocked name. Whoever answers there is not the vendor.
pub(super) fn leads_nowhere(address: IpAddr, block_addresses: &[IpAddr]) -> bool {
    let address = address.to_canonical();
    address.is_unspecified() || address.is_loopback() || block_addresses.contains(&address)
}

/// What an answer means; `None` where it was cut before it said anything.
fn verdict(answer: &dns::Answer, block_addresses: &[IpAddr]) -> Option<ReplyKind> {
    let leads_nowhere = |address: &IpAddr| leads_nowhere(*address, block_addresses);
    match answer.rcode {
        NX_DOMAIN => Some(ReplyKind::NxDomain),
        REFUSED => Some(ReplyKind::Refused),
        // An HTTPS record gives hints instead; they may be stale, so they say nothing either way.
        NO_ERROR if answer.addresses.is_empty() => {
            (answer.complete && answer.hints.is_empty()).then_some(ReplyKind::NoData)
        }
        // The address that is missing may be a good one.
        NO_ERROR if answer.addresses.iter().all(leads_nowhere) => {
            answer.complete.then_some(ReplyKind::Sinkhole)
        }
        NO_ERROR => Some(ReplyKind::Resolved),
        _ => Some(ReplyKind::ServFail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts() {
        let answer = |addresses: &[[u8; 4]], complete| dns::Answer {
            addresses: addresses.iter().map(|&octets| octets.into()).collect(),
            complete,
            ..dns::Answer::default()
        };
        let block_page = [[10, 9, 9, 9].into()];
        for (rcode, answer, expected) in [
            (
                0,
                answer(&[[198, 51, 100, 1]], true),
                Some(ReplyKind::Resolved),
            ),
            (
                0,
                answer(&[[0, 0, 0, 0], [198, 51, 100, 1]], true),
                Some(ReplyKind::Resolved),
            ),
            (0, answer(&[[0, 0, 0, 0]], true), Some(ReplyKind::Sinkhole)),
            (0, answer(&[[127, 0, 0, 1]], false), None),
            (0, answer(&[[10, 9, 9, 9]], true), Some(ReplyKind::Sinkhole)),
            (0, answer(&[], true), Some(ReplyKind::NoData)),
            (0, answer(&[], false), None),
            (2, answer(&[], true), Some(ReplyKind::ServFail)),
            (3, answer(&[], true), Some(ReplyKind::NxDomain)),
            (5, answer(&[], true), Some(ReplyKind::Refused)),
        ] {
            assert_eq!(
                verdict(
                    &dns::Answer {
                        rcode,
                        ..answer.clone()
                    },
                    &block_page
                ),
                expected,
                "{rcode} {answer:?}"
            );
        }
    }
}
