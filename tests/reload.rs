//! Rules that change while traffic is watched: no flow and no count is lost, and what was noted is judged by what is in force.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod support;

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use proptest::prelude::*;
use straggler::evidence;
use straggler::ledger::{self, Ledger};
use straggler::model::{Finding, Frame, LinkType, Match, Name, Snapshot, Timestamp, VendorId};
use straggler::rules::{Library, RuleSet};
use straggler::tracker::{Settings, Tracker};
use support::{
    ClientHello, Link, Message, Talk, TimedPacket, application_data, merge, seconds, server_hello,
};

/// 2024-10-10T12:00:00Z.
const START: u64 = seconds(1_728_561_600);
const HOUR: u64 = seconds(3_600);
const SERVER: &str = "198.51.100.7:443";
const UPDATE: &str = "a.upd.vendor.example";

/// A pack whose updates have this strength, these names, and cutoffs at these times: the first binds everybody.
fn pack(version: u32, strength: &str, names: &str, cutoffs: &[&str]) -> String {
    let cutoffs = (1..).zip(cutoffs).map(|(number, at)| {
        format!(
            "[[cutoff]]\nid = \"c{number}\"\ndefault = {}\njurisdiction = \"US\"\nbinds = \"persons there\"\nat = {at}\n\
             categories = [\"update\"]\nauthority = \"an act\"\nsource = \"https://law.example/\"\n",
            number == 1
        )
    });
    format!(
        "schema = 1\nkind = \"vendor\"\n\
         [vendor]\nid = \"vendor\"\nname = \"Vendor\"\nrole = \"restricted\"\nversion = \"{version}\"\n\
         reviewed = 2024-01-02\nenabled = true\n{}\
         [[service]]\nid = \"updates\"\nname = \"Updates\"\ncategory = \"update\"\nstrength = \"{strength}\"\n\
         confidence = \"vendor\"\nnames = [{names}]\nsource = \"https://vendor.example/\"\n",
        cutoffs.collect::<String>()
    )
}

fn usual() -> String {
    pack(
        1,
        "strong",
        "\".upd.vendor.example\"",
        &["2024-09-29T00:00:00-04:00"],
    )
}

fn rules(pack: &str) -> Arc<RuleSet> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("vendor.toml"), pack).unwrap();
    let library = Library::load(Some(folder.path())).unwrap_or_else(|faults| panic!("{faults:?}"));
    Arc::new(library.compile(|pack| pack.vendor.as_str() == "vendor"))
}

/// One worker and the ledger, as the daemon runs them.
struct Sensor {
    tracker: Tracker,
    ledger: Ledger,
}

impl Sensor {
    fn new(rules: &Arc<RuleSet>) -> Self {
        let mut tracker = Tracker::new(Settings::default(), Arc::clone(rules));
        tracker.begin();
        let settings = ledger::Settings {
            events: true,
            ..ledger::Settings::default()
        };
        let ledger = Ledger::new(settings, &rules.packs).unwrap();
        Self { tracker, ledger }
    }

    fn see(&mut self, packets: &[TimedPacket]) {
        let link = Link::ethernet();
        for packet in packets {
            let bytes = link.wrap(&packet.bytes);
            let frame = Frame {
                time: Timestamp::from_nanos(i64::try_from(packet.time).unwrap()),
                link: LinkType::ETHERNET,
                wire_len: u32::try_from(bytes.len()).unwrap(),
                bytes: &bytes,
            };
            self.tracker.ingest(&frame, &mut ());
        }
    }

    fn report(&mut self) {
        self.ledger.absorb(&self.tracker.drain());
        self.tracker.watch(self.ledger.watch_list());
    }

    fn reload(&mut self, rules: &Arc<RuleSet>) {
        self.reload_with(rules, evidence::Settings::default(), &Settings::default());
    }

    fn reload_with(
        &mut self,
        rules: &Arc<RuleSet>,
        evidence: evidence::Settings,
        settings: &Settings,
    ) {
        self.report();
        self.tracker.reload(settings, Arc::clone(rules));
        let carry = |name: Name<'_>, before: Option<&Match>| rules.carry(name, before);
        let settings = ledger::Settings {
            evidence,
            ..ledger::Settings::default()
        };
        self.ledger.reload(settings, &rules.packs, &carry).unwrap();
        self.tracker.watch(self.ledger.watch_list());
    }

    fn snapshot(&mut self) -> Snapshot {
        self.report();
        self.tracker.settle();
        self.report();
        self.ledger.snapshot()
    }

    fn verdicts(&mut self) -> Vec<String> {
        self.snapshot().findings.iter().map(verdict).collect()
    }
}

fn verdict(finding: &Finding) -> String {
    let straggler = if finding.straggler { ", straggler" } else { "" };
    format!("{} {}{straggler}", finding.host, finding.status.label())
}

/// A connection on which so many bytes were fetched.
fn fetch(client: &str, time: u64, bytes: usize) -> Talk {
    Talk::tcp(client, SERVER)
        .at(time)
        .open()
        .client(&ClientHello::to(UPDATE).stream())
        .server(&server_hello())
        .server(&application_data(bytes))
}

#[test]
fn what_was_noted_is_judged_by_the_rules_in_force() {
    let cases: Vec<(&str, String, &[&str])> = vec![
        ("the same", usual(), &["ip-10.0.0.1 fetching, straggler"]),
        (
            "the cutoff is still to come",
            pack(
                2,
                "strong",
                "\".upd.vendor.example\"",
                &["2025-01-01T00:00:00Z"],
            ),
            &["ip-10.0.0.1 fetching"],
        ),
        (
            "no cutoff any more",
            pack(2, "strong", "\".upd.vendor.example\"", &[]),
            &["ip-10.0.0.1 fetching"],
        ),
        (
            "people ask for it too",
            pack(
                2,
                "weak",
                "\".upd.vendor.example\"",
                &["2024-09-29T00:00:00-04:00"],
            ),
            &[],
        ),
        (
            "it was another's name",
            pack(
                2,
                "strong",
                "\"b.upd.vendor.example\"",
                &["2024-09-29T00:00:00-04:00"],
            ),
            &[],
        ),
        (
            "the same name by another pattern",
            pack(
                2,
                "strong",
                "\"a.upd.vendor.example\"",
                &["2024-09-29T00:00:00-04:00"],
            ),
            &["ip-10.0.0.1 fetching, straggler"],
        ),
    ];
    for (case, after, expected) in cases {
        let mut sensor = Sensor::new(&rules(&usual()));
        sensor.see(fetch("10.0.0.1:50000", START, 40_000).packets());
        assert_eq!(sensor.verdicts(), ["ip-10.0.0.1 fetching, straggler"]);
        sensor.reload(&rules(&after));
        assert_eq!(sensor.verdicts(), *expected, "{case}");
        // As it would have been from the beginning.
        let mut fresh = Sensor::new(&rules(&after));
        fresh.see(fetch("10.0.0.1:50000", START, 40_000).packets());
        assert_eq!(fresh.verdicts(), *expected, "{case}");
    }
}

#[test]
fn a_mistake_that_is_taken_back_loses_nothing() {
    let cutoff = ["2024-09-29T00:00:00-04:00"];
    let weak = pack(2, "weak", "\".upd.vendor.example\"", &cutoff);
    let other = pack(3, "strong", "\"b.upd.vendor.example\"", &cutoff);
    let mut sensor = Sensor::new(&rules(&usual()));
    sensor.see(fetch("10.0.0.1:50000", START, 40_000).packets());
    for mistake in [&weak, &other] {
        sensor.reload(&rules(mistake));
        assert!(sensor.verdicts().is_empty());
        sensor.reload(&rules(&usual()));
        assert_eq!(sensor.verdicts(), ["ip-10.0.0.1 fetching, straggler"]);
    }
    // Names that are another category's, or another vendor's, take along what was noted.
    let licensing = usual().replace("\"update\"", "\"telemetry\"");
    sensor.reload(&rules(&licensing));
    let snapshot = sensor.snapshot();
    assert_eq!(snapshot.findings.len(), 1);
    assert_eq!(snapshot.findings[0].category.label(), "telemetry");
    assert!(snapshot.findings[0].straggler);
}

#[test]
fn who_is_none_any_more_is_told_why() {
    let mut sensor = Sensor::new(&rules(&usual()));
    sensor.see(fetch("10.0.0.1:50000", START, 40_000).packets());
    let snapshot = sensor.snapshot();
    sensor.ledger.happened(&snapshot);
    sensor.reload(&rules(&pack(2, "weak", "\".upd.vendor.example\"", &[])));
    let snapshot = sensor.snapshot();
    let told = format!("{:?}", sensor.ledger.happened(&snapshot));
    assert!(
        told.contains("StragglerEnded(") && told.contains(" Cutoff)"),
        "{told}"
    );
}

/// A connection that is open when the rules change goes on by the new ones.
#[test]
fn a_flow_goes_on() {
    let talk = fetch("10.0.0.1:50000", START, 20_000)
        .pause(Duration::from_secs(60))
        .server(&application_data(30_000));
    let (before, behind): (Vec<_>, Vec<_>) = talk
        .into_packets()
        .into_iter()
        .partition(|packet| packet.time < START + seconds(30));
    // Attempt, contact and transfer; or the first two on each side of a cutoff.
    for (case, after, sightings) in [
        ("as they were", usual(), 3),
        (
            "the cutoff came in between",
            pack(
                2,
                "strong",
                "\".upd.vendor.example\"",
                &["2024-10-10T12:00:40Z", "2024-09-29T00:00:00-04:00"],
            ),
            4,
        ),
    ] {
        let mut sensor = Sensor::new(&rules(&usual()));
        sensor.see(&before);
        sensor.reload(&rules(&after));
        sensor.see(&behind);
        let snapshot = sensor.snapshot();
        let [finding] = snapshot.findings.as_slice() else {
            panic!("{case}: {:?}", snapshot.findings);
        };
        assert_eq!(
            verdict(finding),
            "ip-10.0.0.1 fetching, straggler",
            "{case}"
        );
        assert!(finding.received >= 50_000, "{case}: {}", finding.received);
        assert_eq!(finding.names[0].sightings, sightings, "{case}");
    }
    // Rules that do not know it any more, and then do again: its bytes in between are nobody's.
    let mut sensor = Sensor::new(&rules(&usual()));
    sensor.see(&before);
    sensor.reload(&rules(&pack(2, "strong", "\"b.upd.vendor.example\"", &[])));
    sensor.see(&behind);
    assert!(sensor.snapshot().findings.is_empty());
}

#[test]
fn a_vendor_that_comes_into_force_is_seen_from_then_on() {
    let other = usual().replace(".upd.vendor.example", ".other.example");
    let mut sensor = Sensor::new(&rules(&other));
    sensor.see(fetch("10.0.0.1:50000", START, 40_000).packets());
    assert!(sensor.verdicts().is_empty());
    sensor.reload(&rules(&usual()));
    sensor.see(fetch("10.0.0.2:50000", START + HOUR, 40_000).packets());
    assert_eq!(sensor.verdicts(), ["ip-10.0.0.2 fetching, straggler"]);
}

/// What hosts got from DNS before the rules changed explains flows without a name that begin afterwards, by the new rules.
#[test]
fn answers_are_carried_over() {
    let address: IpAddr = "198.51.100.7".parse().unwrap();
    let query = Message::query(7, UPDATE, 1);
    let answer = query.response().address(UPDATE, address);
    let ask = Talk::udp("10.0.0.1:5353", "10.0.0.53:53")
        .at(START)
        .asks(&query)
        .server(&answer.bytes());
    let unnamed = Talk::tcp("10.0.0.1:50001", SERVER)
        .at(START + seconds(60))
        .open()
        .client(&ClientHello::unnamed().stream())
        .server(&server_hello())
        .server(&application_data(40_000));
    for (after, expected) in [
        (usual(), Some("tls")),
        (pack(2, "strong", "\"b.upd.vendor.example\"", &[]), None),
    ] {
        let mut sensor = Sensor::new(&rules(&usual()));
        sensor.see(ask.packets());
        sensor.report();
        sensor.reload(&rules(&after));
        sensor.see(unnamed.packets());
        sensor.see(
            Talk::udp("10.0.0.9:1", "198.51.100.9:9999")
                .at(START + seconds(120))
                .client(b"later")
                .packets(),
        );
        let snapshot = sensor.snapshot();
        assert_eq!(
            snapshot
                .findings
                .first()
                .map(|finding| finding.status.label()),
            expected.map(|_| "fetching")
        );
    }
}

#[test]
fn settings_are_taken_over() {
    let rules = rules(&usual());
    let mut sensor = Sensor::new(&rules);
    let chosen = evidence::Settings {
        transfer_threshold: 100_000,
        chosen_cutoffs: [(VendorId::parse("vendor").unwrap(), Vec::new())].into(),
        ..evidence::Settings::default()
    };
    let settings = Settings {
        transfer_threshold: 100_000,
        ..Settings::default()
    };
    sensor.reload_with(&rules, chosen, &settings);
    sensor.see(fetch("10.0.0.1:50000", START, 40_000).packets());
    assert_eq!(sensor.verdicts(), ["ip-10.0.0.1 contacting"]);
}

static SAME: LazyLock<[Arc<RuleSet>; 2]> = LazyLock::new(|| [rules(&usual()), rules(&usual())]);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whenever the same rules are read again, nothing that is told changes.
    #[test]
    fn reading_the_same_again_changes_nothing(
        connections in prop::collection::vec((0..200u64, 1..6u8, prop::collection::vec((any::<bool>(), 1..9_000usize), 0..6)), 1..8),
        reload_every in 1..40usize,
        report_every in 1..40usize,
    ) {
        let talks = (0u16..).zip(connections).map(|(number, (begin, host, turns))| {
            let client = format!("10.0.0.{host}:{}", 50_000 + number);
            let talk = fetch(&client, START + seconds(begin), 100).gap(Duration::from_millis(300));
            turns.into_iter().fold(talk, |talk, (server, len)| {
                let data = application_data(len);
                if server { talk.server(&data) } else { talk.client(&data) }
            })
        });
        let packets = merge(talks.collect::<Vec<Talk>>());
        let told = |reloads: bool| {
            let mut sensor = Sensor::new(&SAME[0]);
            for (number, packet) in (1usize..).zip(&packets) {
                sensor.see(std::slice::from_ref(packet));
                if number % report_every == 0 {
                    sensor.report();
                }
                if number % reload_every == 0 {
                    // What a rolled-up record says of the latest time rests on when it was handed over.
                    match reloads {
                        true => sensor.reload(&SAME[1]),
                        false => sensor.report(),
                    }
                }
            }
            let snapshot = sensor.snapshot();
            let findings: Vec<_> = snapshot.findings.iter().map(|finding| (
                verdict(finding), finding.received, finding.sent, finding.after_cutoff_sightings,
                finding.names[0].sightings, finding.last_by_evidence,
            )).collect();
            (findings, format!("{:?}", snapshot.totals), sensor.tracker.stats().seen)
        };
        let (plain, reloaded) = (told(false), told(true));
        prop_assert_eq!(plain.0, reloaded.0);
        prop_assert_eq!(plain.1, reloaded.1);
        prop_assert_eq!(format!("{:?}", plain.2), format!("{:?}", reloaded.2));
    }
}
