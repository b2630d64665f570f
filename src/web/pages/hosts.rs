//! The table of hosts: one row for each host, vendor and category, a page at a time.

use std::cmp::{Ordering, Reverse};
use std::collections::HashSet;

use maud::{Markup, html};

use super::shell::{called, counted, host_path, level, status, time};
use super::wanted::{Order, Statuses, Vendors, Wanted};
use crate::metrics::Scene;
use crate::model::{Finding, PackRole, Snapshot};
use crate::report::{bytes, plain};

/// Rows of a page.
const PAGE: usize = 100;
/// Names and addresses shown in a row.
const MAX_NAMES: usize = 5;
const MAX_ADDRESSES: usize = 2;

/// What is wanted of the hosts.
pub(super) fn table(scene: &Scene, wanted: &Wanted) -> Markup {
    let snapshot = &scene.snapshot;
    let found = sorted(snapshot, chosen(snapshot, wanted), wanted);
    let pages = found.len().div_ceil(PAGE).max(1);
    let page = wanted.page.clamp(1, pages);
    let mut unknown = wanted.unknown.clone();
    if wanted.page != page {
        unknown.push(format!("page “{}” of {pages}", wanted.page));
    }
    let rows = &found[(page - 1) * PAGE..found.len().min(page * PAGE)];
    let owned = snapshot
        .hosts
        .iter()
        .any(|view| view.owner.is_some() || view.site.is_some());
    html! {
        @if !unknown.is_empty() {
            p.fault { "Not known, and left aside: " (plain(&unknown.join(", "))) "." }
        }
        p.found role="status" {
            @if found.is_empty() {
                @if wanted.narrows() { "No host that was seen is like that. " a href="./#hosts" { "Show all" } }
                @else if snapshot.at.is_none() { "No packet was seen yet." }
                @else { "No host asked for any name of a restricted vendor, as far as could be seen." }
            } @else {
                (counted(found.len() as u64, "row", "rows"))
                @if pages > 1 { ", page " (page) " of " (pages) }
                @if wanted.order == Order::Worst && !wanted.turned { ", worst first" }
            }
        }
        @if !rows.is_empty() {
            table.hosts role="table" {
                caption.hidden { "Hosts by vendor and category" }
                thead role="rowgroup" {
                    tr role="row" {
                        (head(wanted, Order::Host, "Host", false))
                        @if owned { (head(wanted, Order::Owner, "Owner", false)) }
                        (head(wanted, Order::Vendor, "Vendor", false))
                        (head(wanted, Order::Status, "Status", false))
                        (head(wanted, Order::Evidence, "Furthest ever", false))
                        (head(wanted, Order::Seen, "Last seen", false))
                        (head(wanted, Order::After, "After the cutoff", true))
                        (head(wanted, Order::Received, "Received in all", true))
                        (head(wanted, Order::Sent, "Sent in all", true))
                        th scope="col" role="columnheader" { "Names" }
                    }
                }
                tbody role="rowgroup" { @for finding in rows { (row(snapshot, finding, owned)) } }
            }
        }
        @if pages > 1 {
            nav.pages aria-label="Pages of hosts" {
                @if page > 1 { a rel="prev" href=(wanted.at(page - 1).link()) { "Previous " (PAGE) } }
                span { "Page " (page) " of " (pages) }
                @if page < pages { a rel="next" href=(wanted.at(page + 1).link()) { "Next " (PAGE.min(found.len() - page * PAGE)) } }
            }
        }
    }
}

/// A heading that sorts, and says how it is sorted.
fn head(wanted: &Wanted, order: Order, words: &str, is_number: bool) -> Markup {
    let is_sorted = wanted.order == order;
    let state = match is_sorted {
        false => None,
        true if wanted.turned == order.falls() => Some("ascending"),
        true => Some("descending"),
    };
    html! {
        th scope="col" role="columnheader" .number[is_number] aria-sort=[state] {
            a href=(wanted.sorted(order).link()) { (words) span.arrow aria-hidden="true" {} }
        }
    }
}

fn row(snapshot: &Snapshot, finding: &Finding, owned: bool) -> Markup {
    let view = snapshot.host(&finding.host);
    let name = called(view, &finding.host);
    let others = finding
        .addresses
        .iter()
        .map(ToString::to_string)
        .filter(|address| *address != name);
    let others: Vec<String> = others.collect();
    let more = finding.names.len().saturating_sub(MAX_NAMES) as u64 + finding.names_left_out;
    html! {
        tr role="row" .straggler[finding.straggler] {
            th scope="row" role="rowheader" {
                a.host href=(host_path(&finding.host)) { bdi { (name) } }
                @if finding.host.as_str() != name { span.key { (plain(finding.host.as_str())) } }
                @for address in others.iter().take(MAX_ADDRESSES) { span.key { (address) } }
                @if others.len() > MAX_ADDRESSES { span.key { "and " (counted((others.len() - MAX_ADDRESSES) as u64, "address", "addresses")) " more" } }
                @if let Some(view) = view {
                    @for role in &view.roles { span.key { (role) } }
                }
            }
            @if owned {
                td role="cell" data-label="Owner" {
                    @if let Some(owner) = view.and_then(|view| view.owner.as_deref()) { bdi { (plain(owner)) } }
                    @if let Some(site) = view.and_then(|view| view.site.as_deref()) { span.key { bdi { (plain(site)) } } }
                }
            }
            td role="cell" data-label="Vendor" { (plain(&finding.vendor_name)) span.key { (finding.category) } }
            td role="cell" data-label="Status" { (status(finding)) @if finding.straggler { " " span.mark { "straggler" } } }
            td role="cell" data-label="Furthest ever" { (level(finding.evidence)) }
            td role="cell" data-label="Last seen" { (time(finding.last_seen)) }
            td.number role="cell" data-label="After the cutoff" { (after_cutoff(finding)) }
            td.number role="cell" data-label="Received in all" { (bytes(finding.received)) }
            td.number role="cell" data-label="Sent in all" { (bytes(finding.sent)) }
            td.names role="cell" data-label="Names" {
                @for name in finding.names.iter().take(MAX_NAMES) {
                    span { (name.name) @if name.is_by_address() { " (by address)" } }
                }
                @if more > 0 { span.quiet { "and " (more) " more" } }
            }
        }
    }
}

/// What accuses: what came after the cutoff, and what was sent then. What was before stands in the totals only.
fn after_cutoff(finding: &Finding) -> Markup {
    html! {
        @if finding.cutoff.is_none() {
            span.quiet { "no cutoff" }
        } @else {
            span { (bytes(finding.after_cutoff_received)) }
            span.key { (bytes(finding.after_cutoff_sent)) " sent" }
        }
    }
}

fn chosen<'a>(snapshot: &'a Snapshot, wanted: &Wanted) -> Vec<&'a Finding> {
    let findings = snapshot.findings.iter();
    findings
        .filter(|finding| match &wanted.vendors {
            Vendors::Restricted => finding.role == PackRole::Restricted,
            Vendors::All => true,
            Vendors::One(id) => finding.vendor == *id,
        })
        .filter(|finding| match wanted.statuses {
            Statuses::All => true,
            Statuses::Stragglers => finding.straggler,
            Statuses::One(status) => finding.status == status,
        })
        .filter(|finding| wanted.search.is_empty() || mentions(snapshot, finding, &wanted.search))
        .collect()
}

/// Whether the text stands in anything by which people know the host, or in a name that it asked for.
fn mentions(snapshot: &Snapshot, finding: &Finding, text: &str) -> bool {
    let holds = |field: &str| field.to_lowercase().contains(text);
    let known = |view: &crate::model::HostView| {
        let texts = [&view.name, &view.owner, &view.site, &view.device];
        texts.into_iter().flatten().any(|field| holds(field))
            || view.aliases.iter().any(|alias| holds(alias.as_str()))
            || view
                .addresses
                .iter()
                .any(|address| holds(&address.to_string()))
            || view.macs.iter().any(|mac| holds(&mac.to_string()))
            || view.roles.iter().any(|role| holds(role.label()))
    };
    holds(finding.host.as_str())
        || finding
            .addresses
            .iter()
            .any(|address| holds(&address.to_string()))
        || finding.names.iter().any(|name| holds(name.name.as_str()))
        || holds(&finding.vendor_name)
        || holds(finding.category.label())
        || snapshot.host(&finding.host).is_some_and(known)
}

fn sorted<'a>(
    snapshot: &Snapshot,
    mut found: Vec<&'a Finding>,
    wanted: &Wanted,
) -> Vec<&'a Finding> {
    let view = |finding: &Finding| snapshot.host(&finding.host);
    match wanted.order {
        Order::Worst => found = foremost_first(found),
        // Named ones first, then by address.
        Order::Host => found.sort_by_cached_key(|finding| {
            let name = view(finding)
                .and_then(|view| view.name.as_deref())
                .map(str::to_lowercase);
            (
                name.is_none(),
                name,
                finding.addresses.first().copied(),
                finding.host.clone(),
            )
        }),
        Order::Owner => found.sort_by_cached_key(|finding| {
            let owner = view(finding)
                .and_then(|view| view.owner.as_deref())
                .map(str::to_lowercase);
            (owner.is_none(), owner)
        }),
        Order::Vendor => {
            found.sort_by(|a, b| (&a.vendor_name, a.category).cmp(&(&b.vendor_name, b.category)));
        }
        Order::Status => found.sort_by_key(|finding| finding.status),
        Order::Evidence => found.sort_by_key(|finding| Reverse(finding.evidence)),
        Order::Seen => found.sort_by_key(|finding| Reverse(finding.last_seen)),
        Order::After => found.sort_by_key(|finding| {
            Reverse((finding.after_cutoff_received, finding.after_cutoff_sent))
        }),
        Order::Received => found.sort_by_key(|finding| Reverse(finding.received)),
        Order::Sent => found.sort_by_key(|finding| Reverse(finding.sent)),
    }
    if wanted.turned {
        found.reverse();
    }
    found
}

/// In a flood forged hosts must not push real ones from the first page: half of its places go to those of long standing.
fn foremost_first(found: Vec<&Finding>) -> Vec<&Finding> {
    if found.len() <= PAGE {
        return found;
    }
    let first: HashSet<*const Finding> = Finding::foremost(&found, PAGE)
        .into_iter()
        .map(std::ptr::from_ref)
        .collect();
    let mut found = found;
    found.sort_by(|a, b| {
        let is_first = |finding: &&Finding| first.contains(&std::ptr::from_ref::<Finding>(finding));
        match (is_first(a), is_first(b)) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            _ => Ordering::Equal,
        }
    });
    found
}
