//! Stragglers per day: bars drawn here, with the same in words and as a table.

use maud::{Markup, html};

use super::past::{Days, Told};
use super::shell::{counted, day, grouped};
use crate::model::VendorView;
use crate::report::percent;

/// Width of a day and height of the drawing, in units of its own.
const STEP: u64 = 12;
const HEIGHT: u64 = 100;
/// Left free on both sides of a bar.
const GAP: u64 = 2;
/// Less than this of a day was captured: that it shows no straggler says little.
const HARDLY: f64 = 0.9;

/// The chart of a vendor, or why there is none.
pub(super) fn chart(vendor: &VendorView, days: &Told<Days>) -> Markup {
    match days {
        Told::NotKept => html! {
            p.quiet { "There is no history: findings are not kept. " code { "--state-dir DIR" } " keeps them." }
        },
        Told::NotYet => html! { p.quiet { "No packet was seen yet." } },
        Told::Failed(why) => html! { p.fault { "There is no history now: " (why) "." } },
        Told::Read(days) => drawn(vendor, days),
    }
}

fn drawn(vendor: &VendorView, days: &Days) -> Markup {
    let hosts = days.of(&vendor.id);
    let most = hosts.iter().map(|(hosts, _)| *hosts).max().unwrap_or(0);
    let (first, last) = (day(days.first), day(days.last));
    let words = words(&hosts, days);
    let width = hosts.len() as u64 * STEP;
    html! {
        figure.chart {
            div.drawing {
                span.most aria-hidden="true" { (grouped(most)) }
                svg role="img" aria-label=(words) viewBox={ "0 0 " (width) " " (HEIGHT) } preserveAspectRatio="none" {
                    @for (at, (&(hosts, transfers), share)) in hosts.iter().zip(&days.captured).enumerate() {
                        (bar(at as u64 * STEP, hosts, transfers, *share, most, &day(days.first + at as i64)))
                    }
                    line.base x1="0" x2=(width) y1=(HEIGHT) y2=(HEIGHT) {}
                }
            }
            div.axis aria-hidden="true" {
                span { (first) }
                span { (last) }
            }
            figcaption {
                span.key.transfer { "with a transfer" } " " span.key.contact { "with a contact only" } " "
                span.key.missing { "less than 90 % captured" }
            }
        }
        details {
            summary { "The same as a table" }
            p.quiet { "Hosts with a contact or transfer after the cutoff, as judged when they were seen; hosts that are excepted count too." }
            div.scroll tabindex="0" role="region" aria-label={ "Stragglers per day, " (vendor.id) } {
                table {
                    caption.hidden { "Stragglers per day" }
                    thead { tr {
                        th scope="col" { "Day" } th scope="col" .number { "Hosts" } th scope="col" .number { "With a transfer" }
                        th scope="col" .number { "Captured" }
                    } }
                    tbody {
                        @for (at, (&(hosts, transfers), share)) in hosts.iter().zip(&days.captured).enumerate().rev() {
                            tr {
                                th scope="row" { (day(days.first + at as i64)) }
                                td.number { (grouped(hosts)) } td.number { (grouped(transfers)) } td.number { (percent(*share)) " %" }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// One day: what was not captured behind, hosts with a transfer below, others on top of them.
fn bar(x: u64, hosts: u64, transfers: u64, share: f64, most: u64, day: &str) -> Markup {
    let scaled = |count: u64| (count as f64 / most.max(1) as f64 * HEIGHT as f64).round() as u64;
    // One host of thousands is to be seen too.
    let all = scaled(hosts).max(if hosts > 0 { 2 } else { 0 });
    let low = scaled(transfers).min(all);
    let width = STEP - 2 * GAP;
    html! {
        g {
            title { (day) ": " (counted(hosts, "host", "hosts")) ", " (transfers) " with a transfer; " (percent(share)) " % captured" }
            @if share < HARDLY { rect.missing x=(x) y="0" width=(STEP) height=(HEIGHT) {} }
            @if all > low { rect.contact x=(x + GAP) y=(HEIGHT - all) width=(width) height=(all - low) {} }
            @if low > 0 { rect.transfer x=(x + GAP) y=(HEIGHT - low) width=(width) height=(low) {} }
        }
    }
}

/// What the bars say, for who does not see them.
fn words(hosts: &[(u64, u64)], days: &Days) -> String {
    let most = hosts
        .iter()
        .enumerate()
        .max_by_key(|(at, (hosts, _))| (*hosts, *at));
    let hardly = days
        .captured
        .iter()
        .filter(|share| **share < HARDLY)
        .count();
    let mut text = format!(
        "Stragglers per day from {} to {}: ",
        day(days.first),
        day(days.last)
    );
    match most {
        Some((at, (most, _))) if *most > 0 => {
            let latest = hosts.last().map_or(0, |(hosts, _)| *hosts);
            text.push_str(&format!(
                "at most {most}, on {}; {latest} on the last day.",
                day(days.first + at as i64)
            ));
        }
        _ => text.push_str("none."),
    }
    if hardly > 0 {
        text.push_str(&format!(
            " Of {} less than 90 % was captured.",
            counted(hardly as u64, "day", "days")
        ));
    }
    text
}
