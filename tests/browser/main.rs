//! The pages in a real browser: what people see, with a script and without, wide and narrow, light and dark.
//!
//! Needs Debian's `chromium`, which `make test-long` installs; says so and skips where it is missing.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod chromium;
mod looks;
#[path = "../live/needs.rs"]
mod needs;
#[path = "../served/mod.rs"]
mod served;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use chromium::Browser;
use serde_json::json;
use served::Served;
use support::dns_messages::{A, Message};
use support::{Link, Pcap, Talk};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/office.pcapng");
const STRAGGLERS: [&str; 4] = ["fd20:20::12", "10.20.0.11", "fd20:20::20", "10.20.0.13"];
const HOST: &str = "hosts/mac-0a%3A20%3A00%3A00%3A00%3A11";
/// The link of each row to the page of its host.
const HOSTS: &str = "table.hosts a.host";

/// The daemon on the example with a store, and a browser.
struct Case {
    browser: Browser,
    served: Served,
    _state: tempfile::TempDir,
}

impl Case {
    fn example() -> Option<Self> {
        Self::of(&[], Path::new(EXAMPLE))
    }

    fn of(more: &[&str], capture: &Path) -> Option<Self> {
        let Some(browser) = Browser::start() else {
            needs::skip("chromium (`make test-long` installs it)");
            return None;
        };
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("state");
        let args = [
            "--replay",
            capture.to_str().unwrap(),
            "--state-dir",
            folder.to_str().unwrap(),
        ];
        let served = Served::start(&[&args, more].concat());
        served.wait_ready();
        Some(Self {
            browser,
            served,
            _state: state,
        })
    }

    fn open(&mut self, path: &str) {
        let url = self.url(path);
        self.browser.open(&url);
    }

    /// Opens all that is folded, so that it can be looked at.
    fn unfold(&mut self) {
        let all = "document.querySelectorAll('details').forEach(one => { one.open = true; })";
        self.browser.eval(all);
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.served.address)
    }

    fn hosts(&mut self) -> Vec<String> {
        self.browser.texts(HOSTS)
    }

    /// Nothing was asked of anybody else, and the browser has nothing to say.
    fn is_quiet(&self) {
        let own = self.url("");
        let foreign: Vec<String> = self.browser.requests();
        let foreign: Vec<_> = foreign
            .iter()
            .filter(|url| !url.starts_with(&own) && *url != "about:blank")
            .collect();
        assert!(foreign.is_empty(), "{foreign:?}");
        assert_eq!(self.browser.complaints(), Vec::<String>::new());
    }
}

#[test]
fn the_stragglers_of_the_example_are_in_the_table() {
    let Some(mut case) = Case::example() else {
        return;
    };
    case.open("");
    assert_eq!(case.browser.eval("document.title"), "4 stragglers");
    assert_eq!(case.browser.texts("#answer .count"), ["4"]);
    assert_eq!(case.browser.texts("tr.straggler a.host"), STRAGGLERS);
    assert_eq!(case.browser.texts("tr.straggler .mark").len(), 4);
    case.browser.follow("a[href$='status=straggler#hosts']");
    assert_eq!(case.hosts(), STRAGGLERS);
    case.is_quiet();
}

#[test]
fn search_order_and_filters_work_with_a_script_and_without() {
    for scripts in [true, false] {
        let Some(mut case) = Case::example() else {
            return;
        };
        case.browser.scripts(scripts);
        case.open("");
        assert_eq!(
            case.browser.texts("#renewal button").len(),
            usize::from(scripts)
        );
        case.browser
            .eval("document.querySelector('#q').value = 'KSN'");
        case.browser.follow("form.controls button");
        assert_eq!(case.hosts(), ["fd20:20::20", "10.20.0.13"]);
        assert_eq!(
            case.browser.eval("document.querySelector('#q').value"),
            "ksn"
        );
        case.browser.follow("a.clear");
        case.browser
            .eval("document.querySelector('#status').value = 'silent'");
        case.browser.follow("form.controls button");
        assert_eq!(case.hosts(), ["10.20.0.18", "10.20.0.16"]);
        case.browser.follow("a.clear");
        case.browser
            .eval("document.querySelector('#vendor').value = 'microsoft-defender'");
        case.browser.follow("form.controls button");
        assert_eq!(case.hosts().len(), 2);
        case.browser.follow("a.clear");
        for (order, place) in [("descending", 0), ("ascending", 8)] {
            case.browser
                .follow("th a[href*='sort=received'], th a[href*='sort=-received']");
            assert_eq!(
                case.browser
                    .eval("document.querySelector('[aria-sort]').ariaSort"),
                order
            );
            assert_eq!(case.hosts()[place], "10.20.0.11");
        }
        case.is_quiet();
    }
}

#[test]
fn the_page_of_a_host_shows_its_proof() {
    let Some(mut case) = Case::example() else {
        return;
    };
    let url = case.url(HOST);
    served::wait_for("the store to have it", || {
        case.served
            .get(&format!("/{HOST}"))
            .1
            .contains("Day by day")
    });
    case.open("");
    case.browser.follow(&format!("a.host[href='{HOST}']"));
    assert_eq!(case.browser.eval("location.href"), json!(url));
    assert_eq!(case.browser.texts("h1"), ["10.20.0.11"]);
    let proof = case.browser.texts(".proof").join("\n");
    for words in [
        "s07.upd.kaspersky.com",
        "3 of 12 sightings",
        "198.51.100.7:443",
        "pack version",
        "support.kaspersky.com",
    ] {
        assert!(proof.contains(words), "{words}: {proof}");
    }
    assert_eq!(
        case.browser
            .eval("document.querySelectorAll('#history-now table').length"),
        2
    );
    case.browser.follow(".back a");
    assert_eq!(case.hosts().len(), 9);
    case.open("hosts/nobody");
    assert_eq!(case.browser.texts("h1"), ["No such host"]);
    // That it is not there the browser says too: so it would say what else is wrong.
    let said = case.browser.complaints();
    assert!(said.len() == 1 && said[0].contains("404"), "{said:?}");
}

#[test]
fn a_name_with_html_in_it_is_text() {
    const EVIL: &str = "<img/src=x/onerror=alert(1)>";
    let folder = tempfile::tempdir().unwrap();
    let question = |client: &str, name: &str| {
        Talk::udp(format!("{client}:40000").as_str(), "10.0.0.53:53")
            .at(1_727_700_000_000_000_000)
            .asks(&Message::query(7, name, A))
    };
    let packets = support::merge([
        question("10.0.0.17", &format!("{EVIL}.ksn.kaspersky-labs.com")),
        question("10.0.0.17", &format!("{EVIL}.kaspersky.com")),
    ]);
    let link = Link::ethernet();
    let capture = folder.path().join("case.pcap");
    Pcap::new(link.link_type())
        .nanos()
        .write(&capture, &link.frames(&packets))
        .unwrap();
    let inventory = folder.path().join("inventory.csv");
    std::fs::write(
        &inventory,
        format!("address,name,owner\n10.0.0.17,{EVIL},<script>alert(2)</script>\n"),
    )
    .unwrap();
    let config = folder.path().join("c.toml");
    std::fs::write(&config, format!("inventory = {inventory:?}\n")).unwrap();
    let Some(mut case) = Case::of(&["--config", config.to_str().unwrap()], &capture) else {
        return;
    };
    case.open("?q=%3Cimg%20src%3Dx%20onerror%3Dalert(3)%3E");
    case.open("");
    assert_eq!(case.hosts(), [EVIL]);
    assert!(case.browser.texts("td.names")[0].contains(EVIL));
    assert!(case.browser.texts("#unseen").join("").contains(EVIL));
    case.browser.follow("a.host");
    assert_eq!(case.browser.texts("h1"), [EVIL]);
    let made = case
        .browser
        .eval("document.querySelectorAll('main img, main script').length");
    assert_eq!(made, 0);
    case.is_quiet();
}

/// The script renews the parts of a page and leaves the reader where they are; it says when nobody answers.
#[test]
fn it_renews_itself_and_says_when_it_cannot() {
    let Some(mut case) = Case::example() else {
        return;
    };
    case.open("");
    let renew = "document.dispatchEvent(new Event('visibilitychange'))";
    case.browser.eval(
        "document.querySelector('#packs').open = true; document.querySelector('a.host').focus()",
    );
    case.browser.eval("document.querySelector('#answer .count').textContent = 'old'; document.querySelector('a.host').textContent = 'old'");
    case.browser.eval(renew);
    case.browser
        .wait_for("document.querySelector('#answer .count').textContent == '4'");
    assert_eq!(case.hosts()[0], STRAGGLERS[0]);
    assert_eq!(
        case.browser.eval("document.querySelector('#packs').open"),
        true
    );
    assert_eq!(
        case.browser.eval("document.activeElement.innerText"),
        STRAGGLERS[0]
    );
    case.is_quiet();
    case.browser.click("#renewal button");
    assert!(case.browser.texts("#renewal")[0].starts_with("Paused"));
    case.browser.click("#renewal button");
    let Case {
        mut browser,
        served,
        ..
    } = case;
    served.end("TERM");
    browser.eval(renew);
    browser.wait_for(
        "document.querySelector('#renewal').innerText.startsWith('The sensor does not answer')",
    );
}
