//! What all pages share: the document around them, and how times, links and marks are written.

use std::fmt::Write as _;

use maud::{DOCTYPE, Markup, html};

use crate::model::{Evidence, Finding, HostKey, HostView, Status, Timestamp};
use crate::report::{is_web_address, plain};

/// Seconds between two renewals by the script.
const RENEWED_EVERY: u32 = 10;

/// A document. `root` leads from it to the overview: empty there, `../` from a page below.
pub(super) fn document(title: &str, root: &str, main: &Markup) -> String {
    let home = if root.is_empty() { "./" } else { root };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" href={ (root) "icon.svg" } type="image/svg+xml";
                link rel="stylesheet" href={ (root) "style.css" };
                script src={ (root) "script.js" } defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href=(home) { "Straggler" }
                    p { "Which hosts still fetch a vendor’s updates, or report to it, after the date on which that had to stop?" }
                    // The script puts its state and its switch here.
                    div #renewal data-seconds=(RENEWED_EVERY) {}
                }
                main #main tabindex="-1" { (main) }
                footer {
                    p {
                        "straggler " (env!("CARGO_PKG_VERSION"))
                        " · " a href={ (root) "metrics" } { "metrics" }
                        " · " a href={ (root) "api/v1/hosts" } { "findings as JSON" }
                        " · all times are UTC"
                    }
                }
            }
        }
    }
    .into_string()
}

/// A document that says one thing, and leads back.
pub(super) fn message(root: &str, title: &str, words: &str) -> String {
    let home = if root.is_empty() { "./" } else { root };
    let main = html! {
        h1 { (title) }
        p { (words) }
        p { a href=(home) { "All hosts" } }
    };
    document(&format!("{title} – Straggler"), root, &main)
}

/// A part of a page that the script renews. Its id says which.
pub(super) fn renewed(id: &str, content: &Markup) -> Markup {
    html! { div id=(id) data-renewed { (content) } }
}

/// An instant as people read it, in UTC.
pub(super) fn time(instant: Timestamp) -> Markup {
    let exact = instant.to_string();
    let (day, clock) = exact
        .trim_end_matches('Z')
        .split_once('T')
        .unwrap_or((&exact, ""));
    // A line may end behind the day, and nowhere else.
    html! { time datetime=(exact) { span.nowrap { (day) } " " span.nowrap { (clock) } } }
}

/// A day of UTC, by its number since the epoch.
pub(super) fn day(number: i64) -> String {
    let exact = Timestamp::from_unix(number.saturating_mul(86_400), 0).to_string();
    exact.split('T').next().unwrap_or(&exact).to_owned()
}

/// A claim with the page that proves it; what is no web address is text only.
pub(super) fn source(text: &str, url: &str) -> Markup {
    html! {
        @if is_web_address(url) {
            a href=(url) rel="noreferrer" { (plain(text)) }
        } @else {
            (plain(text)) " (" (plain(url)) ")"
        }
    }
}

/// Where the page of a host is.
pub(super) fn host_path(key: &HostKey) -> String {
    format!("hosts/{}", percent_encoded(key.as_str()))
}

/// A text as one segment of a path or one value of a query.
pub(super) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// What people call a host: its name, else its address, else its key.
pub(super) fn called(view: Option<&HostView>, key: &HostKey) -> String {
    let name = view.and_then(|view| view.name.as_deref());
    let address = || {
        let address = view.and_then(|view| view.addresses.first());
        address.map(ToString::to_string)
    };
    let text = name.map(str::to_owned).or_else(address);
    plain(&text.unwrap_or_else(|| key.to_string())).into_owned()
}

/// The status as a badge, and what proves that it is stopped.
pub(super) fn status(finding: &Finding) -> Markup {
    html! {
        (badge(finding.status))
        @if let (Status::Blocked, Some((_, kind))) = (finding.status, finding.last_blocked) {
            " " span.quiet { "by " (kind.phrase()) }
        }
    }
}

/// A status in its colour; the word says it too.
pub(super) fn badge(status: Status) -> Markup {
    html! { span.badge.(status.label()) { (status) } }
}

/// A level of evidence, as a word and as that many of four dots.
pub(super) fn level(evidence: Evidence) -> Markup {
    html! { span.level.(evidence.label()) { (evidence) } }
}

/// A count with its thousands apart: `10,000`.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 host`, `2 hosts`.
pub(super) fn counted(count: u64, one: &str, more: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { more })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_one_segment() {
        for (key, path) in [
            (
                "mac-0a:20:00:00:00:11",
                "hosts/mac-0a%3A20%3A00%3A00%3A00%3A11",
            ),
            ("ip-10.0.0.1#2", "hosts/ip-10.0.0.1%232"),
            ("ip-fd00::/64", "hosts/ip-fd00%3A%3A%2F64"),
            ("a b?ü%", "hosts/a%20b%3F%C3%BC%25"),
        ] {
            assert_eq!(host_path(&HostKey::restored(key)), path);
        }
    }

    #[test]
    fn thousands_stand_apart() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_345_678, "12,345,678"),
        ] {
            assert_eq!(grouped(count), text);
        }
    }

    #[test]
    fn days_have_their_date() {
        assert_eq!(day(0), "1970-01-01");
        assert_eq!(day(19_996), "2024-09-30");
    }

    #[test]
    fn only_web_addresses_are_links() {
        assert!(
            source("a", "javascript:alert(1)")
                .into_string()
                .starts_with("a (")
        );
        assert!(
            source("a<b", "https://x.example/")
                .into_string()
                .contains("href=\"https://x.example/\" rel=\"noreferrer\">a&lt;b<")
        );
    }
}
