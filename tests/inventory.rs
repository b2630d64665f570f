//! Files that say who devices are: an inventory and lease files, as `replay` uses them and as they are refused.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod findings;
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use findings::findings;
use serde_json::Value;
use support::{ClientHello, Dhcp4, Link, Pcap, Talk, TimedPacket, merge, server_hello};

/// An hour after the cutoff of the built-in pack.
const AFTER: u64 = (1_727_582_400 + 3_600) * 1_000_000_000;
const SECOND: u64 = 1_000_000_000;
const NAME: &str = "s07.upd.kaspersky.com";
const WIRED: [u8; 6] = [0, 0x11, 0x22, 0x33, 0x44, 0x55];
const WIRELESS: [u8; 6] = [0, 0x11, 0x22, 0x33, 0x44, 0x66];

/// Files in a folder of their own, and the configuration that names them.
struct Files {
    folder: tempfile::TempDir,
    config: String,
}

impl Files {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            config: String::new(),
        }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn inventory(mut self, text: &str) -> Self {
        let path = self.write("inventory.csv", text);
        self.config
            .insert_str(0, &format!("inventory = {path:?}\n"));
        self
    }

    fn leases(mut self, text: &str) -> Self {
        let path = self.write("leases", text);
        self.config.insert_str(0, &format!("leases = [{path:?}]\n"));
        self
    }

    fn config(mut self, more: &str) -> Self {
        self.config.push_str(more);
        self
    }

    fn path(&self) -> PathBuf {
        self.write("straggler.toml", &self.config)
    }

    fn findings(&self, packets: &[TimedPacket]) -> Vec<Value> {
        findings(packets, &["--config", self.path().to_str().unwrap()])
    }
}

fn contact(host: &str, time: u64) -> Talk {
    Talk::tcp(format!("{host}:50000").as_str(), "198.51.100.7:443")
        .at(time)
        .open()
        .client(&ClientHello::to(NAME).stream())
        .server(&server_hello())
}

fn lease(mac: [u8; 6], address: &str) -> Talk {
    let ack = Dhcp4::ack(mac, address.parse().unwrap(), 3_600);
    Talk::udp("10.0.0.1:67", format!("{address}:68").as_str())
        .at(AFTER)
        .client(&ack.bytes())
}

/// A laptop by wire and without, and a printer.
fn traffic() -> Vec<TimedPacket> {
    merge([
        lease(WIRED, "10.0.0.17"),
        lease(WIRELESS, "10.0.0.18"),
        contact("10.0.0.17", AFTER + SECOND),
        contact("10.0.0.18", AFTER + 2 * SECOND),
        contact("10.0.0.19", AFTER + 3 * SECOND),
    ])
}

const INVENTORY: &str = "mac,address,name,owner,site,id\n\
    00:11:22:33:44:55,,Laptop 7,Ann,Berne,laptop-7\n\
    00:11:22:33:44:66,,,,,laptop-7\n\
    ,10.0.0.19,Printer 2,Workshop,Basle,\n";

#[test]
fn the_inventory_says_who_a_host_is_and_joins_wired_and_wireless() {
    let found = Files::new().inventory(INVENTORY).findings(&traffic());
    let told: Vec<_> = found
        .iter()
        .map(|found| {
            [
                "host",
                "host_name",
                "host_owner",
                "host_site",
                "host_confidence",
            ]
            .map(|field| found[field].as_str().unwrap())
        })
        .collect();
    let expected = [
        [
            "inv-printer-2",
            "Printer 2",
            "Workshop",
            "Basle",
            "inventory",
        ],
        ["laptop-7", "Laptop 7", "Ann", "Berne", "inventory"],
    ];
    assert_eq!(told, expected);
    assert_eq!(found[1]["addresses"].as_array().unwrap().len(), 2);
    assert_eq!(found[1]["host_macs"].as_array().unwrap().len(), 2);
    // Without it there are three.
    assert_eq!(findings(&traffic(), &[]).len(), 3);
}

#[test]
fn the_inventory_of_the_documentation_is_one() {
    let text = std::fs::read_to_string("docs/hosts.md").unwrap();
    let (_, rest) = text.split_once("```csv\n").unwrap();
    let (csv, _) = rest.split_once("```").unwrap();
    assert_eq!(csv, INVENTORY);
}

#[test]
fn exceptions_by_owner_and_site() {
    for (whom, excepted) in [
        ("owner = \"Ann\"", vec!["laptop-7"]),
        ("site = \"Basle\"", vec!["inv-printer-2"]),
        (
            "site = \"Basle\"\nowner = \"Ann\"",
            vec!["inv-printer-2", "laptop-7"],
        ),
        ("owner = \"Bob\"", vec![]),
        ("hosts = [\"mac-00:11:22:33:44:66\"]", vec!["laptop-7"]),
    ] {
        let exception = format!(
            "[[exception]]\n{whom}\nuntil = 2030-01-01T00:00:00Z\nreason = \"a\"\nby = \"b\"\n"
        );
        let files = Files::new().inventory(INVENTORY).config(&exception);
        let found = files.findings(&traffic());
        let mut hosts: Vec<_> = found
            .iter()
            .filter(|found| found["status"] == "excepted")
            .map(|found| found["host"].as_str().unwrap())
            .collect();
        hosts.sort_unstable();
        assert_eq!(hosts, excepted, "{whom}");
    }
}

#[test]
fn lease_files_name_hosts_and_give_them_their_keys() {
    let kea = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id\n\
        10.0.0.19,00:11:22:33:44:77,,3600,1727589600,1,0,0,pc-19.example,0,,0\n";
    let dnsmasq = "1727589600 00:11:22:33:44:77 10.0.0.19 pc-19.example *\n";
    for text in [kea, dnsmasq] {
        let files = Files::new().leases(text);
        let found = files.findings(contact("10.0.0.19", AFTER).packets());
        assert_eq!(found[0]["host"], "mac-00:11:22:33:44:77");
        assert_eq!(found[0]["host_name"], "pc-19.example");
        assert_eq!(found[0]["host_confidence"], "hardware");
    }
}

/// Two that had one address in turn stay two, and the report says which row is in dispute.
#[test]
fn a_row_by_address_does_not_make_one_of_two_devices() {
    let files = Files::new().inventory("address,name,owner,id\n10.0.0.17,Bobs PC,Bob,bob-pc-1\n");
    let lease_at = |mac, time| {
        let ack = Dhcp4::ack(mac, "10.0.0.17".parse().unwrap(), 600);
        Talk::udp("10.0.0.1:67", "10.0.0.17:68")
            .at(time)
            .client(&ack.bytes())
    };
    let later = |talk: Talk| talk.close();
    let packets = merge([
        lease_at(WIRED, AFTER),
        later(contact("10.0.0.17", AFTER + SECOND)),
        lease_at(WIRELESS, AFTER + 7_200 * SECOND),
        later(contact("10.0.0.17", AFTER + 7_201 * SECOND)),
    ]);
    let mut told: Vec<_> = files
        .findings(&packets)
        .iter()
        .map(|found| (found["host"].clone(), found["host_owner"].clone()))
        .collect();
    told.sort_by_key(|(host, _)| host.to_string());
    let expected = ["mac-00:11:22:33:44:55", "mac-00:11:22:33:44:66"];
    assert_eq!(told, expected.map(|key| (key.into(), Value::Null)));
    let link = Link::ethernet();
    let capture = files.folder.path().join("case.pcap");
    Pcap::new(link.link_type())
        .nanos()
        .write(&capture, &link.frames(&packets))
        .unwrap();
    for format in ["markdown", "html", "json"] {
        let output = Command::new(env!("CARGO_BIN_EXE_straggler"))
            .args(["replay", "--format", format, "--config"])
            .args([&files.path(), &capture])
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let text = match format {
            "json" => said,
            _ => String::from_utf8(output.stdout).unwrap(),
        };
        assert!(text.contains("nventory, line 2: "), "{format}: {text}");
    }
}

/// Exit code and words of `config check`.
fn check(config: &Path) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_straggler"))
        .args(["config", "check", "--config"])
        .arg(config)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), said)
}

#[test]
fn bad_files_are_refused_with_their_place() {
    for (files, words) in [
        (
            Files::new().inventory("mac,name\n00:11:22:33:44:5,a\n"),
            "inventory.csv:2: `00:11:22:33:44:5` is no MAC address; write it as",
        ),
        (
            Files::new().inventory("mac,room\n"),
            "inventory.csv:1: there is no column `room`",
        ),
        (
            Files::new().leases("hello world\n"),
            "leases:1: this is no lease file of dnsmasq",
        ),
        (
            Files::new().config("inventory = \"/nonexistent.csv\"\n"),
            "/nonexistent.csv: No such file or directory (os error 2); it stands under `inventory`",
        ),
    ] {
        let (exit, said) = check(&files.path());
        assert_eq!(exit, Some(2), "{said}");
        assert!(said.contains(words) && said.lines().count() == 1, "{said}");
    }
    let (exit, said) = check(&Files::new().inventory(INVENTORY).path());
    assert_eq!(exit, Some(0), "{said}");
}
