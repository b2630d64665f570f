//! Search, filters and order of the hosts: a form that works without a script.

use maud::{Markup, html};

use super::wanted::{Order, Wanted};
use crate::metrics::Scene;
use crate::model::{PackRole, Status, VendorView};
use crate::report::{plain, restricted};
use crate::web::known;

/// The form.
pub(super) fn form(scene: &Scene, wanted: &Wanted) -> Markup {
    let replacements: Vec<&VendorView> = scene
        .snapshot
        .vendors
        .iter()
        .filter(|vendor| vendor.role == PackRole::Replacement)
        .filter(|vendor| wanted.vendor() == vendor.id.as_str() || !vendor.hosts.is_empty())
        .collect();
    // What is remembered of a vendor outlives its pack.
    let remembered = known::vendors(&scene.snapshot).into_iter();
    let remembered = remembered.filter(|id| scene.snapshot.vendor(id).is_none());
    let sort = wanted.sort();
    html! {
        form.controls method="get" action="./#hosts" role="search" aria-label="Hosts" {
            div.wide {
                label for="q" { "Search" }
                input #q type="search" name="q" value=(wanted.search) maxlength="200" autocomplete="off" spellcheck="false"
                    placeholder="name, address, owner, name asked for";
            }
            div {
                label for="vendor" { "Vendor" }
                select #vendor name="vendor" {
                    (option("", "restricted vendors", wanted.vendor()))
                    (option("*", "all, replacements too", wanted.vendor()))
                    @for vendor in restricted(&scene.snapshot).chain(replacements) {
                        (option(vendor.id.as_str(), &plain(&vendor.name), wanted.vendor()))
                    }
                    @for id in remembered { (option(id.as_str(), id.as_str(), wanted.vendor())) }
                }
            }
            div {
                label for="status" { "Status" }
                select #status name="status" {
                    (option("", "any", wanted.status()))
                    (option("straggler", "stragglers only", wanted.status()))
                    @for status in Status::ALL { (option(status.label(), status.label(), wanted.status())) }
                }
            }
            div {
                label for="sort" { "Order" }
                select #sort name="sort" {
                    @for (order, word, words) in Order::ALL {
                        @let value = if order == Order::Worst { "" } else { word };
                        (option(value, words, &sort))
                        @if wanted.turned && wanted.order == order { (option(&sort, &format!("{words}, turned round"), &sort)) }
                    }
                }
            }
            button type="submit" { "Show" }
            @if wanted.narrows() || !sort.is_empty() { a.clear href="./#hosts" { "Clear" } }
        }
    }
}

fn option(value: &str, words: &str, chosen: &str) -> Markup {
    html! { option value=(value) selected[value == chosen] { (words) } }
}
