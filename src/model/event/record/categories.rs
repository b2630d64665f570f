//! Where an event stands in the categories of ECS.

use super::super::super::Signal;
use super::super::{Change, Event, Judged, NamedFlow, Outcome, SensorCondition};
use super::EventSet;

/// `event.*`, without what only some kinds have.
pub(super) fn categorised(event: &Event) -> EventSet {
    let (kind, category, types) = match &event.happening.change {
        Change::Sighting { flow, judged, .. } => ("event", "network", seen(flow, judged)),
        Change::FlowEnd { flow, judged, .. } => {
            let mut types = seen(flow, judged);
            types.push("end");
            ("event", "network", types)
        }
        Change::StragglerNew(_) => ("alert", "network", vec!["info"]),
        Change::StragglerEnded(..) | Change::BlindSpot { .. } => ("event", "network", vec!["info"]),
        Change::CoverageChanged(_) => ("state", "host", vec!["change"]),
        Change::SensorState { condition, .. } => ("state", "host", vec![sensor_type(*condition)]),
    };
    EventSet {
        id: Some(event.id),
        sequence: Some(event.sequence),
        kind: Some(kind),
        category: Some([category]),
        types: Some(types),
        action: Some(event.action()),
        dataset: Some(format!("straggler.{}", event.action())),
        module: Some("straggler"),
        severity: Some(event.severity() as u8),
        created: event.created,
        ..EventSet::default()
    }
}

fn seen(flow: &NamedFlow, judged: &Judged) -> Vec<&'static str> {
    let mut types = match flow.signal {
        Signal::Dns => vec!["protocol"],
        Signal::Ip => vec!["connection"],
        Signal::Tls | Signal::Quic | Signal::Http | Signal::Connect => {
            vec!["connection", "protocol"]
        }
    };
    if judged.outcome == Some(Outcome::Blocked) {
        types.push("denied");
    }
    types
}

fn sensor_type(condition: SensorCondition) -> &'static str {
    match condition {
        SensorCondition::Started | SensorCondition::CaptureUp => "start",
        SensorCondition::Stopped | SensorCondition::CaptureDown => "end",
        SensorCondition::Reloaded => "change",
        SensorCondition::Dropping
        | SensorCondition::ReloadFailed
        | SensorCondition::StoreFailing => "error",
        SensorCondition::StoreOk => "info",
    }
}
