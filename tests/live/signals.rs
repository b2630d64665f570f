//! `capture.mode = "signals"` on a live link: the kernel passes a small part of downloads, and they are told with all their
//! bytes. Untagged, in a VLAN, in two of them where the kernel has them, and over IPv6: the kernel takes the outermost tag
//! out of a frame before the filter sees it, and the frame is whole again when the daemon does.

use serde_json::Value;

use crate::laboratory::Laboratory;
use crate::needs::{beside_this, say_skipped};
use crate::program::{findings, straggler, text};
use crate::served::wait_for;

/// Client's network, its device, the server's address outside, and what is fetched.
const WAYS: [[&str; 4]; 3] = [
    [
        "10.99.0",
        "sg0",
        "198.51.100.1",
        "https://a.tls.stand-in.example/1000000",
    ],
    [
        "10.99.5",
        "sg0.5",
        "198.51.100.5",
        "http://b.http.stand-in.example/1100000",
    ],
    [
        "10.99.6",
        "sg0.67",
        "198.51.100.6",
        "https://c.tls.stand-in.example/1200000",
    ],
];

#[test]
fn a_thinned_capture_tells_downloads_with_their_bytes() {
    let Some(mut laboratory) = Laboratory::build() else {
        return;
    };
    let ways = match has_vlans(&laboratory) {
        true => &WAYS[..],
        false => &WAYS[..1],
    };
    wire(&laboratory, ways);
    laboratory.serve();
    let recording = laboratory.file("recording.pcap");
    let config = |mode: &str| {
        let path = laboratory.file(&format!("{mode}.toml"));
        let text = format!("local_networks = [\"10.99.0.0/16\"]\n[capture]\nmode = \"{mode}\"\n");
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let rules = beside_this("rules");
    let rules = ["--rules", rules.to_str().unwrap()];
    let signals = config("signals");
    let live = laboratory.capture(&[&rules[..], &["--config", &signals]].concat());
    let recorder = laboratory.record(&recording);

    let fetched = ways.iter().map(|[_, _, server, url]| fetch(server, url));
    let mut fetched: Vec<String> = fetched.collect();
    if std::path::Path::new("/proc/sys/net/ipv6").exists() {
        fetched.push(fetch(
            "[2001:db8:51::1]",
            "https://d.tls.stand-in.example/1300000",
        ));
    }
    for line in &fetched {
        let output = laboratory.client.shell(line);
        assert!(output.status.success(), "{line}");
        assert!(
            output.stdout.starts_with(b"200 1"),
            "{line}: {}",
            text(&output.stdout)
        );
    }
    // What was sent last has to be in the file.
    let ask = "dig +tries=1 +time=1 @10.99.0.1 last.stand-in.example";
    laboratory.client.shell(ask);
    wait_for("the end of the recording", || {
        let bytes = std::fs::read(&recording).unwrap();
        bytes
            .windows(5)
            .filter(|window| window == b"\x04last")
            .count()
            == 2
    });
    recorder.end();

    let full = config("full");
    let path = recording.to_str().unwrap();
    let replay = [
        "replay", "--format", "json", rules[0], rules[1], "--config", &full, path,
    ];
    let recorded = findings(&replay);
    assert_eq!(recorded.len(), ways.len().min(2), "{recorded:#?}");
    for finding in &recorded {
        assert_eq!(
            (&finding["evidence"], &finding["status"]),
            (&"transfer".into(), &"fetching".into())
        );
        for line in series(finding) {
            laboratory.wait_for_metric(&live, &line);
        }
    }
    laboratory.wait_for_metric(&live, "straggler_capture_thinned{interface=\"sg0\"} 1");
    let page = laboratory.get(&live, "/");
    assert!(page.contains("mode is signals"), "{page}");

    let size = std::fs::metadata(&recording).unwrap().len();
    let metrics = laboratory.get(&live, "/metrics");
    let passed = metrics.lines().find_map(|line| {
        let value = line.strip_prefix("straggler_capture_bytes_total{interface=\"sg0\"} ")?;
        value.parse::<f64>().ok()
    });
    let passed = passed.unwrap();
    assert!(
        passed * 5.0 < size as f64,
        "{passed} of {size} bytes passed"
    );
    let (status, said, _) = live.end("TERM");
    assert_eq!(status.code(), Some(0), "{said}");
}

#[test]
fn tags_do_not_hide_what_tells_nothing() {
    let Some(laboratory) = Laboratory::build() else {
        return;
    };
    let config = laboratory.file("signals.toml");
    let text = "local_networks = [\"10.99.0.0/16\"]\n[capture]\nmode = \"signals\"\n";
    std::fs::write(&config, text).unwrap();
    let live = laboratory.capture(&["--config", config.to_str().unwrap()]);
    let script = beside_this("tagged.py");
    let send = format!("python3 {} sg0", script.display());
    assert!(laboratory.client.shell(&send).status.success());
    // The client's, one for each number of tags.
    laboratory.wait_for_metric(
        &live,
        "straggler_capture_packets_total{interface=\"sg0\"} 4",
    );
    let (status, said, _) = live.end("TERM");
    assert_eq!(status.code(), Some(0), "{said}");
}

#[test]
fn without_local_networks_the_mode_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("straggler.toml");
    std::fs::write(&config, "[capture]\nmode = \"signals\"\n").unwrap();
    let output = straggler(&[
        "run",
        "--interface",
        "lo",
        "--config",
        config.to_str().unwrap(),
    ]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("straggler.toml:2:1: mode: ") && said.contains("local_networks"),
        "{said}"
    );
}

/// What the daemon has to say of a finding.
fn series(finding: &Value) -> Vec<String> {
    let [host, category] = ["host", "category"].map(|field| finding[field].as_str().unwrap());
    let labels = format!("{{host=\"{host}\",vendor=\"stand-in\",category=\"{category}\"}}");
    let mut lines = vec![format!("straggler_host_straggling{labels} 1")];
    for (family, field) in [("received", "bytes_received"), ("sent", "bytes_sent")] {
        lines.push(format!(
            "straggler_host_after_cutoff_{family}_bytes_total{labels} {}",
            finding[field]
        ));
    }
    lines
}

/// A line that fetches something from an address, and prints the answer's code and size.
fn fetch(server: &str, url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (name, _) = rest.split_once('/').unwrap();
    let port = if scheme == "https" { 443 } else { 80 };
    format!(
        "curl -sk -o /dev/null -w '%{{http_code}} %{{size_download}}' --resolve {name}:{port}:{server} {url}"
    )
}

/// Whether the kernel can put a VLAN on a link; says so where it cannot.
fn has_vlans(laboratory: &Laboratory) -> bool {
    let try_one = "ip link add link sg0 name try type vlan id 9 && ip link del try";
    let can = laboratory.client.shell(try_one).status.success();
    if !can {
        say_skipped("VLANs of the kernel (8021q): downloads in VLANs");
    }
    can
}

/// The ways beside the first, and servers outside on all of them. Those addresses stand on no captured interface, so that
/// they are not local.
fn wire(laboratory: &Laboratory, ways: &[[&str; 4]]) {
    for (end, number) in [(&laboratory.server, 1), (&laboratory.client, 2)] {
        let mut commands = Vec::new();
        for [network, device, server, _] in ways {
            commands.extend(match *device {
                "sg0.5" => vec!["ip link add link sg0 name sg0.5 type vlan id 5".to_owned()],
                "sg0.67" => vec![
                    "ip link add link sg0 name sg0.6 type vlan proto 802.1ad id 6".to_owned(),
                    "ip link add link sg0.6 name sg0.67 type vlan id 7".to_owned(),
                    "ip link set sg0.6 up".to_owned(),
                ],
                _ => Vec::new(),
            });
            if *device != "sg0" {
                commands.push(format!("ip addr add {network}.{number}/24 dev {device}"));
                commands.push(format!(
                    "ip link set {device} addrgenmode none 2>/dev/null || true"
                ));
                commands.push(format!("ip link set {device} up"));
            }
            commands.push(match number {
                1 => format!("ip addr add {server}/32 dev lo"),
                _ => format!("ip route add {server} via {network}.1"),
            });
        }
        // A kernel without IPv6 takes none of these.
        commands.push(format!(
            "ip addr add fd99::{number}/64 dev sg0 nodad || true"
        ));
        commands.push(match number {
            1 => "ip addr add 2001:db8:51::1/128 dev lo || true".to_owned(),
            _ => "ip route add 2001:db8:51::1 via fd99::1 || true".to_owned(),
        });
        for command in commands {
            let output = end.shell(&command);
            assert!(
                output.status.success(),
                "{command}: {}",
                text(&output.stderr)
            );
        }
    }
}
