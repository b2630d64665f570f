//! What happened: one constructor for each kind of event.

mod flow;
mod own_network;
mod state;

use std::net::IpAddr;
use std::sync::Arc;

use super::super::{BlindKind, HostKey, HostView, Mac, Span, Timestamp};
use super::{EventAction, text};

pub use flow::{Judged, NamedFlow, Outcome};
pub use own_network::OwnNetwork;
pub use state::{CoverageChange, EndReason, SensorCondition, StragglerChange};

/// How much an event concerns somebody: the numbers of syslog (RFC 5424, section 6.2.1), so that both agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventSeverity {
    /// The sensor does not see, or cannot keep what it sees.
    Error = 3,
    /// Somebody has to act.
    Warning = 4,
    /// Somebody wants to know.
    Notice = 5,
    /// What was seen.
    Info = 6,
}

/// Something that happened, without a number.
#[derive(Clone, Debug)]
pub struct Happening {
    /// Capture time.
    pub time: Timestamp,
    /// The host that it concerns.
    pub host: Option<EventHost>,
    /// The interface on which it was seen, or that it concerns.
    pub interface: Option<Arc<str>>,
    /// The VLAN in which it was seen.
    pub vlan: Option<u16>,
    /// What.
    pub change: Change,
    /// Tells apart what has time, kind and key in common; 0 for the first.
    pub ordinal: u32,
}

/// What happened, by kind.
#[derive(Clone, Debug)]
pub enum Change {
    /// [`EventAction::Sighting`].
    Sighting {
        /// The flow or DNS transaction.
        flow: NamedFlow,
        /// What the ledger says of it.
        judged: Judged,
        /// How many flows this stands for: more than 1 where no more samples were kept.
        count: u64,
    },
    /// [`EventAction::FlowEnd`].
    FlowEnd {
        /// The flow, at the highest level that it reached.
        flow: NamedFlow,
        /// What the ledger says of it.
        judged: Judged,
        /// From its first packet to its last.
        span: Span,
        /// Payload bytes from the server.
        received: u64,
        /// Payload bytes to the server.
        sent: u64,
    },
    /// [`EventAction::StragglerNew`].
    StragglerNew(StragglerChange),
    /// [`EventAction::StragglerEnded`].
    StragglerEnded(StragglerChange, EndReason),
    /// [`EventAction::CoverageChanged`].
    CoverageChanged(CoverageChange),
    /// [`EventAction::BlindSpot`].
    BlindSpot {
        /// Why their names could not be read.
        kind: BlindKind,
        /// When the first and the latest of them began.
        span: Span,
        /// How many.
        flows: u64,
    },
    /// [`EventAction::SensorState`].
    SensorState {
        /// What is so from now on.
        condition: SensorCondition,
        /// Why, for people.
        reason: Option<String>,
    },
}

/// A host as an event shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventHost {
    /// Its stable key.
    pub key: String,
    /// The address that spoke.
    pub address: Option<IpAddr>,
    /// What stands for the address where that is not to be shown.
    pub address_token: Option<String>,
    /// Its hardware address.
    pub mac: Option<Mac>,
    /// The name that it goes by.
    pub name: Option<String>,
}

impl EventHost {
    /// A host of which nothing else is known.
    pub fn new(key: &HostKey, address: Option<IpAddr>) -> Self {
        Self {
            key: text::line(key.as_str()),
            address,
            address_token: None,
            mac: None,
            name: None,
        }
    }

    /// A host that is known; `address` is the one that spoke, if one did. Of several hardware addresses none is shown:
    /// which one spoke is not known here.
    pub fn of(view: &HostView, address: Option<IpAddr>) -> Self {
        let mac = match view.macs.as_slice() {
            [mac] => Some(*mac),
            _ => None,
        };
        let only = match view.addresses.as_slice() {
            [only] => Some(*only),
            _ => None,
        };
        let name = view.name.as_deref().map(text::name);
        Self {
            mac,
            name: name.filter(|name| !name.is_empty()),
            ..Self::new(&view.key, address.or(only))
        }
    }
}

impl Happening {
    fn new(time: Timestamp, host: Option<EventHost>, change: Change) -> Self {
        Self {
            time,
            host,
            interface: None,
            vlan: None,
            change,
            ordinal: 0,
        }
    }

    /// Says where it was seen.
    #[must_use]
    pub fn on(mut self, interface: &str, vlan: Option<u16>) -> Self {
        self.interface = Some(Arc::from(text::line(interface)));
        self.vlan = vlan;
        self
    }

    /// Tells it apart from others of the same time, kind and key.
    #[must_use]
    pub fn nth(mut self, ordinal: u32) -> Self {
        self.ordinal = ordinal;
        self
    }

    /// Its kind.
    pub fn action(&self) -> EventAction {
        match self.change {
            Change::Sighting { .. } => EventAction::Sighting,
            Change::FlowEnd { .. } => EventAction::FlowEnd,
            Change::StragglerNew(_) => EventAction::StragglerNew,
            Change::StragglerEnded(..) => EventAction::StragglerEnded,
            Change::CoverageChanged(_) => EventAction::CoverageChanged,
            Change::BlindSpot { .. } => EventAction::BlindSpot,
            Change::SensorState { .. } => EventAction::SensorState,
        }
    }

    /// How much it concerns somebody.
    pub fn severity(&self) -> EventSeverity {
        match &self.change {
            Change::StragglerNew(_) => EventSeverity::Warning,
            Change::StragglerEnded(..) => EventSeverity::Notice,
            Change::CoverageChanged(change) => change.severity(),
            Change::SensorState { condition, .. } => condition.severity(),
            Change::Sighting { flow, judged, .. } if flow.accuses(judged) => EventSeverity::Notice,
            Change::Sighting { .. } | Change::FlowEnd { .. } | Change::BlindSpot { .. } => {
                EventSeverity::Info
            }
        }
    }

    /// What makes it this one among those of its time and kind.
    pub(super) fn key(&self) -> Vec<String> {
        let host = self.host.as_ref().map(|host| host.key.clone());
        let mut key = vec![host.unwrap_or_default()];
        match &self.change {
            Change::Sighting { flow, .. } | Change::FlowEnd { flow, .. } => key.extend(flow.key()),
            Change::StragglerNew(change) | Change::StragglerEnded(change, _) => {
                key.extend([change.vendor.to_string(), change.category.to_string()]);
            }
            Change::CoverageChanged(change) => key.push(change.vendor.to_string()),
            Change::BlindSpot { kind, .. } => key.push(kind.to_string()),
            Change::SensorState { condition, .. } => {
                key.push(condition.to_string());
                key.extend(self.interface.as_deref().map(str::to_owned));
            }
        }
        key
    }
}
