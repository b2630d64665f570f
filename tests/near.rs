//! `rules new` gives a pack that holds, and `names --near` what a pack does not know yet.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod program;
mod support;

use program::straggler;
use support::dns_messages::{A, Message};
use support::{Link, Pcap, Talk, merge};

#[test]
fn names_near_a_vendor_are_counted_with_who_asked() {
    let ask = |client: u8, name: &str, second: u64| {
        Talk::udp(format!("10.0.0.{client}:40000").as_str(), "10.0.0.53:53")
            .at((1_800_000_000 + second) * 1_000_000_000)
            .asks(&Message::query(7, name, A))
    };
    let packets = merge([
        ask(1, "new.kaspersky.com", 0),
        ask(2, "new.kaspersky.com", 10),
        ask(2, "new.kaspersky.com", 20),
        ask(1, "other.kaspersky.cn", 30),
        ask(1, "s07.upd.kaspersky.com", 40),
        ask(1, "notkaspersky.com", 50),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.pcap");
    let link = Link::ethernet();
    let pcap = Pcap::new(link.link_type()).nanos();
    pcap.write(&path, &link.frames(&packets)).unwrap();
    let args = ["names", "--unmatched", "--near"];
    let output = straggler(&[&args[..], &["kaspersky", path.to_str().unwrap()]].concat());
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "3\t2\tnew.kaspersky.com\t10.0.0.1 10.0.0.2\n1\t1\tother.kaspersky.cn\t10.0.0.1\n"
    );
    let output = straggler(&[&args[..], &["nobody", path.to_str().unwrap()]].concat());
    assert_eq!(output.status.code(), Some(2));
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
