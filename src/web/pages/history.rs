//! What a host did day by day, and the addresses that it had, from the store.

use maud::{Markup, html};

use super::past::{Before, MAX_ROWS, Told};
use super::shell::{day, percent_encoded, time};
use crate::model::{Evidence, HostKey};
use crate::report::{bytes, plain};

/// What the store says of a host.
pub(super) fn history(key: &HostKey, past: &Told<Option<Before>>) -> Markup {
    match past {
        Told::NotKept => html! {
            p { "There is no history: findings are not kept. " code { "--state-dir DIR" } " keeps them." }
        },
        Told::Failed(why) => html! { p.fault { "There is no history now: " (plain(why)) "." } },
        Told::NotYet | Told::Read(None) => html! { p { "Nothing of it is stored yet." } },
        Told::Read(Some(before)) => html! {
            (days(before))
            (addresses(before))
            p { a href={ "../api/v1/sightings?host=" (percent_encoded(key.as_str())) } { "All stored sightings as JSON" } }
        },
    }
}

fn days(before: &Before) -> Markup {
    html! {
        @if before.days.is_empty() { p { "No sighting of a name that only a product asks for is stored." } }
        @else {
            div.scroll tabindex="0" role="region" aria-label="Day by day" {
                table {
                    caption { "Day by day. Levels are cumulative: a transfer was a contact too." }
                    thead { tr {
                        th scope="col" { "Day" } th scope="col" { "Vendor" } th scope="col" { "Category" }
                        @for level in Evidence::ALL { th scope="col" .number { (level) } }
                        th scope="col" .number { "Received" } th scope="col" .number { "Sent" } th scope="col" { "Last seen" }
                    } }
                    tbody {
                        @for one in &before.days {
                            tr {
                                th scope="row" .nowrap { (day(one.day)) }
                                td { (one.vendor) } td { (one.category) }
                                @for count in one.counts { td.number { @if count > 0 { (count) } @else { span.quiet { "–" } } } }
                                td.number { (bytes(one.received)) } td.number { (bytes(one.sent)) } td { (time(one.last)) }
                            }
                        }
                    }
                }
            }
            @if before.days.len() >= MAX_ROWS { p { "The latest " (MAX_ROWS) " rows." } }
        }
    }
}

fn addresses(before: &Before) -> Markup {
    html! {
        @if !before.bindings.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="Addresses over time" {
                table {
                    caption { "Addresses over time" }
                    thead { tr {
                        th scope="col" { "Address" } th scope="col" { "From" } th scope="col" { "Until" } th scope="col" { "Hardware address" }
                    } }
                    tbody {
                        @for binding in &before.bindings {
                            tr {
                                th scope="row" { (binding.address) }
                                td { (time(binding.from)) }
                                td { @match binding.until { Some(until) => (time(until)), None => "now" } }
                                td { @if let Some(mac) = binding.mac { (mac) } }
                            }
                        }
                    }
                }
            }
            @if before.bindings.len() >= MAX_ROWS { p { "The latest " (MAX_ROWS) " rows." } }
        }
    }
}
