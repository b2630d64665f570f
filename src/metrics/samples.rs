//! Samples collected into the records of the Prometheus client.

use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

use super::families::{self as f, Family, Kind};

/// Samples collected family by family.
pub(super) struct Samples {
    part: Part,
    families: Vec<MetricFamily>,
}

/// What is gathered at once. With thousands of hosts a family of theirs takes some megabytes as records, and ten times less
/// once it is written; so each is written before the next one is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// One of the families with a series for each host.
    OfHosts(&'static str),
    /// All others.
    Rest,
}

/// Families with a series for each host.
const OF_HOSTS: [&Family; 6] = [
    &f::HOST_STRAGGLING,
    &f::HOST_LAST_SIGHTING,
    &f::HOST_AFTER_SIGHTINGS,
    &f::HOST_AFTER_RECEIVED,
    &f::HOST_AFTER_SENT,
    &f::HOST_INFO,
];

impl Part {
    /// All of them.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let of_hosts = OF_HOSTS.map(|family| Self::OfHosts(family.name));
        std::iter::once(Self::Rest).chain(of_hosts)
    }

    fn has(self, family: &Family) -> bool {
        match self {
            Self::OfHosts(name) => family.name == name,
            Self::Rest => OF_HOSTS.iter().all(|large| large.name != family.name),
        }
    }
}

impl Samples {
    /// None yet.
    pub(super) fn of(part: Part) -> Self {
        Self {
            part,
            families: Vec::new(),
        }
    }

    /// The families, sorted by name. Those without a sample are left out, as the format wants it.
    pub(super) fn into_families(mut self) -> Vec<MetricFamily> {
        self.families.sort_by(|a, b| a.name().cmp(b.name()));
        self.families
    }

    /// Adds a sample; label values in the order of the family's labels.
    pub(super) fn add(&mut self, family: &Family, values: &[&str], value: f64) {
        debug_assert_eq!(family.labels.len(), values.len(), "{}", family.name);
        if !self.part.has(family) {
            return;
        }
        let labels = family
            .labels
            .iter()
            .zip(values)
            .map(|(name, value)| {
                let mut pair = LabelPair::default();
                pair.set_name((*name).to_owned());
                pair.set_value((*value).to_owned());
                pair
            })
            .collect();
        let mut metric = Metric::from_label(labels);
        match family.kind {
            Kind::Gauge => {
                let mut gauge = Gauge::default();
                gauge.set_value(value);
                metric.set_gauge(gauge);
            }
            Kind::Counter => {
                let mut counter = Counter::default();
                counter.set_value(value);
                metric.set_counter(counter);
            }
        }
        self.family(family).mut_metric().push(metric);
    }

    fn family(&mut self, family: &Family) -> &mut MetricFamily {
        let at = self
            .families
            .iter()
            .position(|known| known.name() == family.name);
        let at = at.unwrap_or_else(|| {
            let mut new = MetricFamily::default();
            new.set_name(family.name.to_owned());
            new.set_help(family.help.to_owned());
            new.set_field_type(match family.kind {
                Kind::Gauge => MetricType::GAUGE,
                Kind::Counter => MetricType::COUNTER,
            });
            self.families.push(new);
            self.families.len() - 1
        });
        &mut self.families[at]
    }
}

/// Prometheus has only floats; counts are exact to 2^53.
pub(super) fn number(count: u64) -> f64 {
    count as f64
}

/// Yes is 1.
pub(super) fn flag(on: bool) -> f64 {
    f64::from(u8::from(on))
}
