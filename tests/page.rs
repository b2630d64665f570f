//! The pages as they are served, without a browser: search, order, paging, one host, states, and hostile texts.
//! What a browser makes of them: `tests/browser`.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod served;
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use served::{Served, ask};
use support::dns_messages::{A, Message};
use support::{ClientHello, Link, Pcap, Talk, TimedPacket, application_data, merge, server_hello};

/// An hour after the cutoff of the built-in pack.
const AFTER: u64 = (1_727_582_400 + 3_600) * SECOND;
const SECOND: u64 = 1_000_000_000;
const NAME: &str = "s07.upd.kaspersky.com";
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/office.pcapng");

struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn of(packets: &[TimedPacket]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let link = Link::ethernet();
        let pcap = Pcap::new(link.link_type()).nanos();
        let path = folder.path().join("case.pcap");
        pcap.write(&path, &link.frames(packets)).unwrap();
        Self { folder }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn serve(&self, more: &[&str]) -> Served {
        let capture = self.folder.path().join("case.pcap");
        serve(&[&["--replay", capture.to_str().unwrap()], more].concat())
    }
}

fn serve(args: &[&str]) -> Served {
    let served = Served::start(args);
    served.wait_ready();
    served
}

/// A contact with a vendor's server, of which this many bytes come back.
fn contact(client: &str, name: &str, seconds: u64, bytes: usize) -> Talk {
    Talk::tcp(format!("{client}:50000").as_str(), "198.51.100.7:443")
        .at(AFTER + seconds * SECOND)
        .open()
        .client(&ClientHello::to(name).stream())
        .server(&server_hello())
        .server(&application_data(bytes))
        .close()
}

/// The same so many seconds before the cutoff.
fn contact_before(client: &str, name: &str, seconds: u64, bytes: usize) -> Talk {
    Talk::tcp(format!("{client}:49000").as_str(), "198.51.100.7:443")
        .at(AFTER - (3_600 + seconds) * SECOND)
        .open()
        .client(&ClientHello::to(name).stream())
        .server(&server_hello())
        .server(&application_data(bytes))
        .close()
}

/// What the rows call their hosts, in their order.
fn hosts(page: &str) -> Vec<String> {
    let rows = page.split("<a class=\"host\"").skip(1);
    let names = rows.map(|row| row.split_once("<bdi>").unwrap().1);
    names
        .map(|name| name.split('<').next().unwrap().to_owned())
        .collect()
}

fn get(served: &Served, path: &str) -> String {
    let (status, page) = served.get(path);
    assert_eq!(status, 200, "{path}: {page}");
    page
}

#[test]
fn search_filters_and_order_work_by_parameters_alone() {
    let served = serve(&["--replay", EXAMPLE]);
    for (query, expected) in [
        (
            "",
            "fd20:20::12 10.20.0.11 fd20:20::20 10.20.0.13 10.20.0.21 10.20.0.14 10.20.0.15 10.20.0.18 10.20.0.16",
        ),
        ("q=10.20.0.11", "10.20.0.11"),
        ("q=0A:20:00:00:00:13", "10.20.0.13"),
        ("q=KSN", "fd20:20::20 10.20.0.13"),
        ("q=nobody", ""),
        (
            "status=straggler",
            "fd20:20::12 10.20.0.11 fd20:20::20 10.20.0.13",
        ),
        ("status=silent&q=&vendor=&sort=", "10.20.0.18 10.20.0.16"),
        (
            "status=straggler&sort=received",
            "10.20.0.11 fd20:20::12 fd20:20::20 10.20.0.13",
        ),
        (
            "status=straggler&sort=-received",
            "10.20.0.13 fd20:20::20 fd20:20::12 10.20.0.11",
        ),
        (
            "status=straggler&sort=host",
            "10.20.0.11 10.20.0.13 fd20:20::12 fd20:20::20",
        ),
        (
            "status=straggler&sort=after",
            "10.20.0.11 fd20:20::12 fd20:20::20 10.20.0.13",
        ),
        ("vendor=kaspersky&status=asking", "10.20.0.15"),
        (
            "status=straggler&page=99",
            "fd20:20::12 10.20.0.11 fd20:20::20 10.20.0.13",
        ),
    ] {
        let page = get(&served, &format!("/?{query}"));
        assert_eq!(hosts(&page).join(" "), expected, "{query}");
    }
    assert_eq!(hosts(&get(&served, "/?vendor=microsoft-defender")).len(), 2);
    assert_eq!(hosts(&get(&served, "/?vendor=*")).len(), 11);
    let page = get(&served, "/?sort=-seen&status=gone&q=%3Cb%3E%22");
    assert!(page.contains("left aside: status “gone”"), "{page}");
    assert!(page.contains("value=\"&lt;b&gt;&quot;\""), "{page}");
    let sorted = get(&served, "/?sort=-seen");
    assert_eq!(sorted.matches("aria-sort").count(), 1);
    assert!(
        sorted.contains("aria-sort=\"ascending\"><a href=\"./?sort=seen#hosts\">Last seen"),
        "{sorted}"
    );
}

/// What nobody knows must not read like what nobody does.
#[test]
fn a_vendor_of_which_nothing_is_known_is_left_aside() {
    let served = serve(&["--replay", EXAMPLE]);
    let page = get(&served, "/?vendor=nope");
    assert!(page.contains("left aside: vendor “nope”"), "{page}");
    assert_eq!(hosts(&page).len(), 9);
    assert!(
        page.contains("<option value=\"\" selected>restricted vendors"),
        "{page}"
    );
    let page = get(&served, "/?vendor=sophos");
    assert!(
        page.contains("<option value=\"sophos\" selected>"),
        "{page}"
    );
    assert!(
        page.contains("No host that was seen is like that."),
        "{page}"
    );
    assert!(!page.contains("left aside"), "{page}");
}

/// A host that fetched much before the cutoff and little after it is not accused of all of it.
#[test]
fn what_was_before_the_cutoff_stands_apart() {
    let before = 10 * 3_600;
    let case = Case::of(&merge([
        contact_before("10.0.0.17", NAME, before, 400_000),
        contact("10.0.0.17", NAME, 60, 500),
        contact("10.0.0.18", NAME, 60, 40_000),
    ]));
    let served = case.serve(&[]);
    let page = get(&served, "/?sort=after");
    assert_eq!(hosts(&page), ["10.0.0.18", "10.0.0.17"]);
    assert_eq!(
        hosts(&get(&served, "/?sort=received")),
        ["10.0.0.17", "10.0.0.18"]
    );
    for words in [
        "Furthest ever",
        "After the cutoff",
        "Received in all",
        "Sent in all",
    ] {
        assert!(
            page.contains(&format!("data-label=\"{words}\"")),
            "{words}: {page}"
        );
    }
    let row = page
        .split("<tr")
        .find(|row| row.contains("10.0.0.17"))
        .unwrap();
    let cell = row.split("After the cutoff\">").nth(1).unwrap();
    let cell = cell.split("</td>").next().unwrap();
    assert!(cell.contains(" B</span>") && !cell.contains("kB"), "{cell}");
    assert!(row.contains("data-label=\"Received in all\">40"), "{row}");
    let host = get(&served, "/hosts/ip-10.0.0.17");
    assert_eq!(
        host.matches("before the cutoff</span>").count(),
        1,
        "{host}"
    );
}

#[test]
fn what_is_not_there_is_told_in_the_pages_look() {
    let served = serve(&["--replay", EXAMPLE]);
    for (path, home) in [
        ("/hosts", "./"),
        ("/hosts/", "../"),
        ("/metrics/", "../"),
        ("/nope/a/b", "../../"),
        ("/hosts/mac-0a%3A20%3A00%3A00%3A00%3A11/", "../../"),
        ("/hosts/%ff", "../"),
    ] {
        let (status, head, page) = ask(served.address, path);
        assert_eq!(status, 404, "{path}");
        let home = format!("<a href=\"{home}\">All hosts</a>");
        assert!(
            page.contains("<h1>No such ") && page.contains(&home),
            "{path}: {page}"
        );
        assert!(!page.contains("Invalid"), "{path}: {page}");
        let head = head.to_lowercase();
        for line in [
            "content-security-policy: default-src 'none'",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
        ] {
            assert!(head.contains(line), "{path}: {head}");
        }
    }
    let (status, head, page) = served::send(served.address, "POST", "/");
    assert_eq!(status, 405, "{page}");
    assert!(head.to_lowercase().contains("allow: get"), "{head}");
    assert!(page.contains("<h1>Not in this way</h1>"), "{page}");
}

#[test]
fn one_is_said_as_one() {
    let question = |port: u16, name: &str| {
        Talk::udp(format!("10.0.0.17:{port}").as_str(), "10.0.0.53:53")
            .at(AFTER)
            .asks(&Message::query(port, name, A))
    };
    let case = Case::of(&merge([
        question(40_000, NAME),
        question(40_001, "nobody-knows.kaspersky.com"),
    ]));
    let served = case.serve(&[]);
    let host = get(&served, "/hosts/ip-10.0.0.17");
    for words in [
        "1 time at all levels",
        "of 1 sighting of this name",
        "1 sighting at all levels",
    ] {
        assert!(host.contains(words), "{words}: {host}");
    }
    let page = get(&served, "/");
    for words in ["1 row,", "read 1 time."] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[test]
fn ten_thousand_hosts_come_a_page_at_a_time() {
    let address = |host: u64| format!("10.7.{}.{}", host / 250, host % 250 + 1);
    let talks = (0..10_000).map(|host| contact(&address(host), NAME, host / 10, 300));
    let case = Case::of(&merge(talks));
    // What it prints would fill a pipe that nobody reads.
    let mut command = Command::new(env!("CARGO_BIN_EXE_straggler"));
    let capture = case.folder.path().join("case.pcap");
    command
        .args(["run", "--listen", "127.0.0.1:0", "--replay"])
        .arg(capture);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let served = Served::spawn_as_it_is(command);
    served.wait_ready();
    let first = get(&served, "/");
    assert!(first.contains("<title>10,000 stragglers</title>"));
    assert!(first.contains("10,000 rows, page 1 of 100"), "{first}");
    assert!(first.len() < 310_000, "{}", first.len());
    let beyond = get(&served, "/?page=101");
    assert!(
        beyond.contains("left aside: page “101” of 100."),
        "{beyond}"
    );
    let mut all = Vec::new();
    for page in 1..=100 {
        let rows = hosts(&get(&served, &format!("/?page={page}")));
        assert_eq!(rows.len(), 100);
        all.extend(rows);
    }
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 10_000);
    let found = get(&served, "/?q=10.7.39.250&sort=-host");
    assert_eq!(hosts(&found), ["10.7.39.250"]);
}

#[test]
fn one_host_has_its_proof_and_its_past() {
    let state = tempfile::tempdir().unwrap();
    let served = Served::keeping(&state.path().join("state"), &[Path::new(EXAMPLE)]);
    let path = "/hosts/mac-0a%3A20%3A00%3A00%3A00%3A11";
    served::wait_for("the store to have it", || {
        served.get(path).1.contains("Day by day")
    });
    let page = get(&served, path);
    for words in [
        "<title>10.20.0.11 – Straggler</title>",
        "Still fetches from",
        "0a:20:00:00:00:11",
        "s07.upd.kaspersky.com",
        "3 of 12 sightings of this name",
        "198.51.100.7:443",
        "Database and module updates",
        "pack version",
        "https://support.kaspersky.com/",
        "365 kB received",
        "Addresses over time",
        "href=\"../api/v1/sightings?host=mac-0a%3A20%3A00%3A00%3A00%3A11\"",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(
        page.matches("<th class=\"nowrap\" scope=\"row\">2024-09-")
            .count(),
        3,
        "{page}"
    );
    let overview = get(&served, "/");
    assert!(
        overview.contains("at most 4, on 2024-09-30; 4 on the last day."),
        "{overview}"
    );
    let (status, page) = served.get("/hosts/ip-10.9.9.9%3Cb%3E");
    assert_eq!(status, 404);
    assert!(
        page.contains("ip-10.9.9.9&lt;b&gt;") && page.contains("href=\"../\""),
        "{page}"
    );
}

#[test]
fn without_a_store_it_says_that_there_is_no_history() {
    let served = serve(&["--replay", EXAMPLE]);
    for path in ["/", "/hosts/mac-0a%3A20%3A00%3A00%3A00%3A11"] {
        assert!(
            get(&served, path).contains("There is no history: findings are not kept."),
            "{path}"
        );
    }
}

/// Names, owners and keys come from files that others write.
#[test]
fn what_comes_from_files_is_text() {
    let case = Case::of(&merge([contact("10.0.0.17", NAME, 1, 40_000)]));
    let inventory = case.write(
        "inventory.csv",
        "address,name,owner,site,id\n10.0.0.17,<img src=x onerror=alert(1)>,\"\"\"><script>alert(2)</script>\",\u{202e}etis,pc:17\n",
    );
    let config = case.write("c.toml", &format!("inventory = {inventory:?}\n"));
    let served = case.serve(&["--config", config.to_str().unwrap()]);
    let overview = get(&served, "/");
    assert!(overview.contains("href=\"hosts/pc%3A17\""), "{overview}");
    let host = get(&served, "/hosts/pc%3A17");
    for page in [overview, host] {
        assert!(
            page.contains("&lt;img src=x onerror=alert(1)&gt;"),
            "{page}"
        );
        assert!(page.contains("\\u{202e}etis"), "{page}");
        assert!(
            !page.contains("<img") && !page.contains("<script>") && !page.contains("<i>"),
            "{page}"
        );
    }
}

#[test]
fn states_without_an_answer_say_what_is_missing() {
    let case = Case::of(&[]);
    let page = get(&case.serve(&[]), "/");
    assert!(page.contains("Nothing yet: waiting for traffic"), "{page}");
    let other = Case::of(&merge([contact("10.0.0.17", "www.example.org", 1, 300)]));
    let quiet = get(&other.serve(&[]), "/");
    let words = "No host asked for any name of a restricted vendor, as far as could be seen.";
    assert!(quiet.contains(words), "{quiet}");
    assert!(
        page.contains("<title>Straggler: nothing to say yet</title>"),
        "{page}"
    );
    // Cut in the middle of a frame.
    let case = Case::of(&merge([contact("10.0.0.17", NAME, 1, 40_000)]));
    let path = case.folder.path().join("case.pcap");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 7]).unwrap();
    let page = get(&case.serve(&[]), "/");
    assert!(page.contains("The sensor has a problem"), "{page}");
}

#[test]
fn a_page_may_load_nothing_but_what_is_ours() {
    let served = serve(&["--replay", EXAMPLE]);
    for path in [
        "/",
        "/hosts/mac-0a%3A20%3A00%3A00%3A00%3A11",
        "/hosts/nobody",
    ] {
        let (_, head, page) = ask(served.address, path);
        let head = head.to_lowercase();
        let policy = head
            .split("content-security-policy: ")
            .nth(1)
            .unwrap()
            .lines()
            .next()
            .unwrap();
        assert!(
            policy.starts_with("default-src 'none'; ")
                && !policy.contains("unsafe")
                && !policy.contains('*'),
            "{policy}"
        );
        assert!(
            head.contains("x-content-type-options: nosniff")
                && head.contains("cache-control: no-store"),
            "{head}"
        );
        assert!(
            !page.contains(" style=") && !page.contains(" onclick"),
            "{page}"
        );
    }
}

/// Whoever has only an address looks a host up by it, and must not be told that there is none.
#[test]
fn a_host_is_found_by_its_address() {
    let served = serve(&["--replay", EXAMPLE]);
    for known_as in ["10.20.0.11", "mac-0a%3A20%3A00%3A00%3A00%3A11"] {
        let (status, head, _) = ask(served.address, &format!("/hosts/{known_as}"));
        let moved = head.contains("../hosts/mac-0a%3A20%3A00%3A00%3A00%3A11");
        let expected = if known_as.starts_with("mac") {
            200
        } else {
            303
        };
        assert_eq!((status, moved), (expected, expected == 303), "{head}");
    }
    assert_eq!(ask(served.address, "/hosts/10.20.0.99").0, 404);
}
