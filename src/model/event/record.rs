//! An event with the field names of the Elastic Common Schema; fields of our own stand under `straggler` only.
//!
//! `host.*` is left out: shippers write there on what machine they run. The device is `source.*`, and its key is
//! `straggler.host`.

mod categories;
mod fill;

use std::net::IpAddr;

use super::super::{
    BlindKind, Category, Coverage, Evidence, Phase, ReplyKind, Signal, Status, Strength, Timestamp,
};
use super::{EndReason, Event, EventAction, EventId, Outcome, SensorCondition};

/// Declares objects whose fields are left out while they are `None`.
macro_rules! objects {
    ($($(#[$doc:meta])* $name:ident $(<$life:lifetime>)? { $($(#[$how:meta])* $field:ident: $kind:ty,)* })*) => {
        $($(#[$doc])*
        #[derive(Default, serde::Serialize)]
        pub(super) struct $name $(<$life>)? {
            $($(#[$how])*
            #[serde(skip_serializing_if = "Option::is_none")]
            $field: Option<$kind>,)*
        })*
    };
}

objects! {
    /// The whole object.
    Record<'a> {
        #[serde(rename = "@timestamp")]
        timestamp: Timestamp,
        ecs: Ecs,
        event: EventSet,
        observer: Observer<'a>,
        source: Source<'a>,
        destination: Destination<'a>,
        network: Network,
        dns: Dns<'a>,
        tls: Tls<'a>,
        url: Url<'a>,
        user_agent: UserAgent<'a>,
        rule: Rule<'a>,
        straggler: Straggler<'a>,
    }

    Ecs {
        version: &'static str,
    }

    /// <https://www.elastic.co/docs/reference/ecs/ecs-event>
    EventSet {
        id: EventId,
        sequence: u64,
        kind: &'static str,
        category: [&'static str; 1],
        #[serde(rename = "type")]
        types: Vec<&'static str>,
        action: EventAction,
        dataset: String,
        module: &'static str,
        severity: u8,
        created: Timestamp,
        start: Timestamp,
        end: Timestamp,
        duration: u64,
    }

    Observer<'a> {
        name: &'a str,
        #[serde(rename = "type")]
        kind: &'static str,
        product: &'static str,
        version: &'static str,
        ingress: Ingress<'a>,
    }

    Ingress<'a> {
        interface: Named<'a>,
        vlan: Vlan,
    }

    Named<'a> {
        name: &'a str,
    }

    /// ECS has it as text.
    Vlan {
        id: String,
    }

    Source<'a> {
        ip: IpAddr,
        address: &'a str,
        port: u16,
        mac: String,
        domain: &'a str,
        bytes: u64,
    }

    Destination<'a> {
        ip: IpAddr,
        address: &'a str,
        port: u16,
        domain: &'a str,
        bytes: u64,
        #[serde(rename = "as")]
        system: System<'a>,
    }

    /// An autonomous system: <https://www.elastic.co/docs/reference/ecs/ecs-as>
    System<'a> {
        number: u32,
        organization: Named<'a>,
    }

    Network {
        transport: &'static str,
        #[serde(rename = "type")]
        kind: &'static str,
        protocol: &'static str,
        community_id: String,
        bytes: u64,
    }

    Dns<'a> {
        #[serde(rename = "type")]
        kind: &'static str,
        question: Named<'a>,
    }

    Tls<'a> {
        client: TlsClient<'a>,
    }

    TlsClient<'a> {
        server_name: &'a str,
    }

    Url<'a> {
        domain: &'a str,
    }

    UserAgent<'a> {
        original: &'a str,
    }

    Rule<'a> {
        id: String,
        name: String,
        ruleset: &'a str,
        version: &'a str,
        reference: String,
    }

    /// Our own.
    Straggler<'a> {
        host: &'a str,
        vendor: &'a str,
        service: &'a str,
        category: Category,
        name: &'a str,
        signal: Signal,
        evidence: Evidence,
        phase: Phase,
        cutoff: Timestamp,
        strength: Strength,
        pattern: String,
        outcome: Outcome,
        blocked_by: ReplyKind,
        count: u64,
        status: Status,
        reason: Reason<'a>,
        first_seen: Timestamp,
        last_seen: Timestamp,
        after_cutoff: AfterCutoff,
        names: Vec<&'a str>,
        coverage: Coverage,
        previous: Coverage,
        replacements: Vec<Replacement<'a>>,
        kind: BlindKind,
        condition: SensorCondition,
    }

    AfterCutoff {
        sightings: u64,
        bytes_received: u64,
        bytes_sent: u64,
    }

    Replacement<'a> {
        vendor: &'a str,
        category: Category,
        last_seen: Timestamp,
    }
}

/// Why: one of a list, or words for people.
#[derive(serde::Serialize)]
#[serde(untagged)]
pub(super) enum Reason<'a> {
    Ended(EndReason),
    Words(&'a str),
}

impl<'a> Record<'a> {
    /// The record of an event.
    pub(super) fn of(event: &'a Event) -> Self {
        fill::fill(event)
    }
}
