//! DNS over UDP: questions are names that a host asked for; answers to matched ones say what came of it.

use std::net::IpAddr;
use std::sync::Arc;

use super::rollup::Subject;
use super::{NameRead, Tracker, Witness};
use crate::dissect::{Dissection, dns};
use crate::model::{
    Datagram, Endpoint, Evidence, FlowProtocol, Protocol, ReplyKind, Sample, Signal, Timestamp,
};

/// Response codes (RFC 1035, section 4.1.1).
const NO_ERROR: u8 = 0;
const NX_DOMAIN: u8 = 3;
const REFUSED: u8 = 5;

impl Tracker {
    /// Takes a datagram of the DNS port; says whether it opened a flow.
    pub(super) fn dns(
        &mut self,
        datagram: &Datagram<'_>,
        time: Timestamp,
        witness: &mut impl Witness,
    ) -> bool {
        let asks = datagram.dst.port == dns::PORT;
        let (sender, receiver) = (datagram.src.addr, datagram.dst.addr);
        let local = &self.settings.local;
        self.insides
            .note_presence(local, sender, receiver, asks, time);
        let message = datagram.payload;
        let Dissection::Found(header) = dns::header(message) else {
            self.insides.stats.seen.flows[FlowProtocol::Other.index()] += 1;
            return false;
        };
        if header.response {
            if datagram.src.port == dns::PORT {
                self.response(datagram, &header, time);
            }
            return false;
        }
        if datagram.dst.port != dns::PORT {
            return false;
        }
        self.insides.stats.seen.flows[FlowProtocol::Dns.index()] += 1;
        let mut at = dns::first_question();
        let mut named = false;
        for _ in 0..header.questions.min(dns::MAX_QUESTIONS) {
            let Dissection::Found(question) = dns::question(message, at, &mut self.insides.name)
            else {
                break;
            };
            at = question.end;
            named |= self.question(datagram, time, witness);
        }
        self.insides.stats.seen.named_flows[Signal::Dns.index()] += u64::from(named);
        true
    }

    /// A question whose name stands in the buffer; false for the root, which has none.
    fn question(
        &mut self,
        datagram: &Datagram<'_>,
        time: Timestamp,
        witness: &mut impl Witness,
    ) -> bool {
        let (client, server) = (datagram.src, datagram.dst);
        let Some(name) = self.insides.name.as_name() else {
            return false;
        };
        let rules = Arc::clone(&self.rules);
        let matched = rules.lookup(name);
        witness.name_read(&NameRead {
            time,
            signal: Signal::Dns,
            client,
            server,
            name,
            matched,
        });
        if let Some(subject) = self.subject(&rules, client.addr, server.addr) {
            self.look_up(&subject, client, server, time);
        }
        true
    }

    /// The name in the buffer as something that a host of ours asked for, if a rule matches it.
    fn subject(
        &self,
        rules: &crate::rules::RuleSet,
        client: IpAddr,
        resolver: IpAddr,
    ) -> Option<Subject> {
        let name = self.insides.name.as_name()?;
        let matched = rules.lookup(name)?;
        let host = self.settings.local.host(client, resolver)?;
        Some(Subject {
            host,
            matched: matched.clone(),
            name: name.to_owned(),
            signal: Signal::Dns,
        })
    }

    /// Counts a look-up, once for each transaction.
    fn look_up(
        &mut self,
        subject: &Subject,
        client: Endpoint,
        resolver: Endpoint,
        time: Timestamp,
    ) {
        let opens =
            self.insides
                .transactions
                .opens(subject.host, resolver.addr, &subject.name, time);
        if opens {
            let sample = Sample {
                time,
                client,
                server: resolver,
                protocol: Protocol::Udp,
                pattern: subject.matched.pattern.clone(),
            };
            self.insides
                .rollup
                .sighting(subject, Evidence::Lookup, sample);
        }
    }

    /// A response: proof that its receiver asked, and what came of it.
    fn response(&mut self, datagram: &Datagram<'_>, header: &dns::Header, time: Timestamp) {
        let (client, resolver) = (datagram.dst, datagram.src);
        let message = datagram.payload;
        let first = dns::question(message, dns::first_question(), &mut self.insides.name);
        // A response to several questions does not say which record answers which.
        let (Dissection::Found(question), 1) = (first, header.questions) else {
            return;
        };
        let rules = Arc::clone(&self.rules);
        let Some(subject) = self.subject(&rules, client.addr, resolver.addr) else {
            return;
        };
        // Where only answers are seen, they show the question too.
        self.look_up(&subject, client, resolver, time);
        let answer = dns::answer(message, header, question.end, &subject.name);
        if let Some(kind) = verdict(header.rcode, &answer, &self.settings.block_addresses) {
            self.insides.rollup.reply(&subject, kind, time);
        }
    }
}

/// What an answer means; `None` where it was cut before it said anything.
fn verdict(rcode: u8, answer: &dns::Answer, block_addresses: &[IpAddr]) -> Option<ReplyKind> {
    let leads_nowhere = |address: &IpAddr| {
        let address = address.to_canonical();
        address.is_unspecified() || address.is_loopback() || block_addresses.contains(&address)
    };
    match rcode {
        NX_DOMAIN => Some(ReplyKind::NxDomain),
        REFUSED => Some(ReplyKind::Refused),
        NO_ERROR if answer.addresses.is_empty() => answer.complete.then_some(ReplyKind::NoData),
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
                verdict(rcode, &answer, &block_page),
                expected,
                "{rcode} {answer:?}"
            );
        }
    }
}
