//! `rules new` gives a pack that holds; `names --near`, `replay` and the daemon tell what a pack does not know yet.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod program;
mod served;
mod support;

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use program::straggler;
use serde_json::Value;
use served::Served;
use straggler::ledger::{self, Ledger};
use straggler::model::{Frame, HostKey, LinkType, Snapshot, Timestamp, VendorId};
use straggler::privacy::Pseudonyms;
use straggler::rules::{Library, RuleSet};
use straggler::tracker::{Settings, Tracker};
use support::dns_messages::{A, Message};
use support::{ClientHello, Link, Pcap, Talk, TimedPacket, merge};

static RULES: LazyLock<Arc<RuleSet>> =
    LazyLock::new(|| Arc::new(Library::load(None).unwrap().compile(|pack| pack.enabled)));

fn ask(client: u8, name: &str, second: u64) -> Talk {
    Talk::udp(format!("10.0.0.{client}:40000").as_str(), "10.0.0.53:53")
        .at((1_800_000_000 + second) * 1_000_000_000)
        .asks(&Message::query(7, name, A))
}

fn hello(client: u8, name: &str, second: u64) -> Talk {
    Talk::tcp(
        format!("10.0.0.{client}:50000").as_str(),
        "198.51.100.7:443",
    )
    .at((1_800_000_000 + second) * 1_000_000_000)
    .open()
    .client(&ClientHello::to(name).stream())
}

/// Two names of a restricted vendor that its pack does not know, one of a replacement, and names that are none.
fn packets() -> Vec<TimedPacket> {
    merge([
        ask(1, "new.kaspersky.com", 0),
        hello(2, "new.kaspersky.com", 10),
        ask(2, "new.kaspersky.com", 20),
        ask(1, "other.kaspersky.cn", 30),
        ask(1, "s07.upd.kaspersky.com", 40),
        ask(1, "notkaspersky.com", 50),
        ask(3, "login.microsoft.com", 60),
        // The whole domain is the product's, so its rule describes it.
        ask(3, "ts01-b.cloudsink.net", 70),
    ])
}

/// What became of frames that were handed over every so many, and of the tracker's table.
fn seen(packets: &[TimedPacket], report_every: usize, settings: Settings) -> (Snapshot, u64) {
    let mut tracker = Tracker::new(settings, Arc::clone(&RULES));
    let mut ledger = Ledger::new(ledger::Settings::default(), &RULES.packs).unwrap();
    tracker.begin();
    for (at, packet) in packets.iter().enumerate() {
        let bytes = Link::ethernet().wrap(&packet.bytes);
        let frame = Frame {
            time: Timestamp::from_nanos(i64::try_from(packet.time).unwrap()),
            link: LinkType::ETHERNET,
            wire_len: u32::try_from(bytes.len()).unwrap(),
            bytes: &bytes,
        };
        tracker.ingest(&frame, &mut ());
        if at % report_every == 0 {
            ledger.absorb(&tracker.drain());
        }
    }
    tracker.settle();
    ledger.absorb(&tracker.drain());
    let tables = tracker.stats().tables;
    let refused = tables.iter().map(|table| match table.name {
        "uncovered_told" => table.evictions,
        _ => 0,
    });
    (ledger.snapshot(), refused.sum())
}

/// Each name: vendor, name, readings, hosts.
fn told(snapshot: &Snapshot) -> Vec<(&str, &str, u64, String)> {
    let views = snapshot.uncovered.iter();
    views
        .map(|view| {
            let hosts: Vec<&str> = view.hosts.iter().map(HostKey::as_str).collect();
            let (vendor, name) = (view.vendor.as_str(), view.name.as_str());
            (vendor, name, view.count, hosts.join(" "))
        })
        .collect()
}

struct Capture {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Capture {
    fn of(packets: &[TimedPacket]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("case.pcap");
        let link = Link::ethernet();
        let pcap = Pcap::new(link.link_type()).nanos();
        pcap.write(&path, &link.frames(packets)).unwrap();
        Self {
            _folder: folder,
            path,
        }
    }

    fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

#[test]
fn names_near_a_vendor_are_counted_with_who_asked() {
    let capture = Capture::of(&packets());
    let args = ["names", "--unmatched", "--near"];
    let output = straggler(&[&args[..], &["kaspersky", capture.path()]].concat());
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "3\t2\tnew.kaspersky.com\t10.0.0.1 10.0.0.2\n1\t1\tother.kaspersky.cn\t10.0.0.1\n"
    );
    let output = straggler(&[&args[..], &["nobody", capture.path()]].concat());
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn the_ledger_knows_them_however_often_a_worker_reports() {
    let packets = packets();
    let live = Settings {
        interface: Some(Arc::from("eth0")),
        ..Settings::default()
    };
    let (whole, _) = seen(&packets, usize::MAX, Settings::default());
    let (parts, _) = seen(&packets, 1, live);
    assert_eq!(
        told(&whole),
        [
            (
                "kaspersky",
                "new.kaspersky.com",
                3,
                "ip-10.0.0.1 ip-10.0.0.2".to_owned()
            ),
            (
                "kaspersky",
                "other.kaspersky.cn",
                1,
                "ip-10.0.0.1".to_owned()
            ),
            (
                "microsoft-defender",
                "login.microsoft.com",
                1,
                "ip-10.0.0.3".to_owned()
            ),
        ]
    );
    assert_eq!(told(&parts), told(&whole));
    let spans = |snapshot: &Snapshot| -> Vec<(Timestamp, Timestamp)> {
        let views = snapshot.uncovered.iter();
        views
            .map(|view| (view.first_seen, view.last_seen))
            .collect()
    };
    assert_eq!(spans(&parts), spans(&whole));
    for vendor in &whole.vendors {
        let expected = match vendor.id.as_str() {
            "kaspersky" => 4,
            "microsoft-defender" => 1,
            _ => 0,
        };
        assert_eq!(vendor.uncovered_readings, expected, "{}", vendor.id);
    }
    // They make no finding: only the update name and the product's own domain do.
    let names = whole.findings.iter().flat_map(|finding| &finding.names);
    let names: Vec<&str> = names.map(|name| name.name.as_str()).collect();
    assert_eq!(names, ["s07.upd.kaspersky.com", "ts01-b.cloudsink.net"]);
}

#[test]
fn a_flood_of_made_up_names_is_bounded_and_takes_one_vendors_share_only() {
    let flood = (0..6_000).map(|n| ask(9, &format!("x{n}.kaspersky.com"), 100 + n / 100));
    let others = [
        ask(1, "new.kaspersky.com", 0),
        ask(1, "new.kaspersky.com", 200),
        ask(2, "login.microsoft.com", 201),
    ];
    let packets = merge(flood.chain(others));
    for report_every in [500, usize::MAX] {
        let (snapshot, refused) = seen(&packets, report_every, Settings::default());
        let kaspersky = VendorId::parse("kaspersky").unwrap();
        assert!(refused > 0);
        assert!(snapshot.uncovered(&kaspersky).count() <= 2_048 / RULES.packs.len());
        let readings = snapshot.vendor(&kaspersky).unwrap().uncovered_readings;
        assert_eq!(readings, 6_002, "the count is exact");
        let told = told(&snapshot);
        let is_told = |asked: &str| told.iter().any(|(_, name, ..)| *name == asked);
        assert!(is_told("login.microsoft.com"));
        // Of the same vendor one that comes again finds a place with the next report.
        assert!(is_told("new.kaspersky.com") || report_every > packets.len());
    }
}

#[test]
fn a_replay_says_so_among_what_could_not_be_seen() {
    let capture = Capture::of(&packets());
    let shown = |format: &str, more: &[&str]| {
        let args = ["replay", "--format", format, capture.path()];
        let output = straggler(&[&args[..], more].concat());
        String::from_utf8(output.stdout).unwrap()
    };
    for format in ["table", "html", "markdown"] {
        let text = shown(format, &[]).replace('\\', "");
        for words in [
            "Kaspersky: names under its domains that no rule describes were read 4 times",
            "straggler names --unmatched --near kaspersky",
            "Kaspersky: new.kaspersky.com 3 times, from ",
            "by ip-10.0.0.1, ip-10.0.0.2",
            "such as login.microsoft.com",
        ] {
            assert!(text.contains(words), "{format}: {words}: {text}");
        }
    }
    let of_another = shown("table", &["--vendor", "microsoft-defender"]);
    assert!(of_another.contains("login.microsoft.com") && !of_another.contains("new.kaspersky"));
    let of_host = shown("table", &["--host", "10.0.0.2"]);
    assert!(of_host.contains("by ip-10.0.0.2") && !of_host.contains("ip-10.0.0.1"));
    let none = Capture::of(&merge([ask(1, "example.org", 0), ask(1, "example.org", 1)]));
    let output = straggler(&["replay", none.path()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("no rule describes"), "{text}");
}

#[test]
fn the_daemon_shows_them() {
    let capture = Capture::of(&packets());
    let served = Served::start(&["--replay", capture.path()]);
    served.wait_ready();
    let (_, metrics) = served.get("/metrics");
    for (vendor, count) in [("kaspersky", 4), ("microsoft-defender", 1), ("eset", 0)] {
        let line = format!("straggler_uncovered_names_total{{vendor=\"{vendor}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line}");
    }
    let (_, page) = served.get("/");
    for words in [
        "Names that no rule describes",
        "straggler names --unmatched --near VENDOR",
        "new.kaspersky.com",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let (_, body) = served.get("/api/v1/vendors");
    let body: Value = serde_json::from_str(&body).unwrap();
    let kaspersky = &body["vendors"][0];
    assert_eq!(kaspersky["uncovered_readings"], 4);
    assert_eq!(
        kaspersky["uncovered_names"][0],
        serde_json::json!({
            "name": "new.kaspersky.com",
            "readings": 3,
            "hosts": ["ip-10.0.0.1", "ip-10.0.0.2"],
            "more_hosts": false,
            "first_seen": "2027-01-15T08:00:00.000000Z",
            "last_seen": "2027-01-15T08:00:20.000000Z",
        })
    );
}

#[test]
fn pseudonyms_hide_who_asked() {
    let (snapshot, _) = seen(&packets(), 1, Settings::default());
    let pseudonyms = Pseudonyms::new(&[7; 32]);
    let shown = pseudonyms.hide(snapshot.clone());
    let pairs = snapshot.uncovered.iter().zip(&shown.uncovered);
    for (view, hidden) in pairs {
        let mut tokens: Vec<_> = view
            .hosts
            .iter()
            .map(|host| pseudonyms.host_key(host))
            .collect();
        tokens.sort_unstable();
        assert_eq!((&hidden.name, &hidden.hosts), (&view.name, &tokens));
        assert!(hidden.hosts.iter().all(|host| !view.hosts.contains(host)));
    }
}

#[test]
fn a_new_pack_holds_as_it_is() {
    for role in ["restricted", "replacement"] {
        let output = straggler(&[
            "rules",
            "new",
            "acme",
            "--name",
            "Acme & Co",
            "--role",
            role,
        ]);
        assert!(output.status.success());
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("acme.toml"), output.stdout).unwrap();
        let checked = straggler(&["rules", "check", folder.path().to_str().unwrap()]);
        let said = String::from_utf8(checked.stderr).unwrap();
        assert!(checked.status.success(), "{said}");
    }
    for args in [["Acme", "x"], ["acme", "quoted \" name"]] {
        let output = straggler(&["rules", "new", args[0], "--name", args[1]]);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(
            output.stderr.iter().filter(|byte| **byte == b'\n').count(),
            1
        );
    }
}
