//! What could not be seen, and what was seen and proves nothing.

use maud::{Markup, html};

use super::shell::{counted, host_path};
use super::uncovered::uncovered;
use crate::metrics::Scene;
use crate::model::{BlindKind, FlowProtocol, SeenSide, Undecoded};
use crate::report::{THINNED, named_share, percent, plain, sentence};

/// Hosts with weak names, as many as are listed; the pages of hosts have all.
const MAX_WEAK: usize = 50;

/// What limits the answer.
pub(super) fn unseen(scene: &Scene) -> Markup {
    let seen = &scene.tracker.seen;
    let snapshot = &scene.snapshot;
    html! {
        p { "That a host is not listed says no more than that it was not seen. This was out of sight:" }
        ul {
            li { "The sensor captured " (percent(snapshot.looked)) " % of the 24 hours that are judged." }
            li { (sentence(&named_share(seen))) }
            @for &kind in BlindKind::ALL {
                @let hosts = snapshot.blind_hosts[kind.index()];
                @if hosts > 0 { li { (counted(hosts, "host", "hosts")) " in the last 24 hours with flows without a name: " (kind.phrase()) "." } }
            }
            @for &side in SeenSide::ALL {
                @let flows = seen.one_sided_flows[side.index()];
                @if flows > 0 { li { (counted(flows, "flow", "flows")) " of which only the " (side.label()) "’s packets were seen." } }
            }
            @let other = seen.flows[FlowProtocol::Other.index()];
            @if other > 0 { li { (counted(other, "flow", "flows")) " spoke nothing that is read." } }
            @for &cause in Undecoded::ALL {
                @let count = seen.undecoded[cause.index()];
                @if count > 0 { li { (counted(count, "frame", "frames")) " not decoded: " (cause.label().replace('_', " ")) "." } }
            }
            @if seen.cut_frames > 0 { li { (counted(seen.cut_frames, "frame", "frames")) " cut by the snap length." } }
            @if seen.thinned { li { (sentence(THINNED)) } }
            @if !snapshot.local_networks_known {
                li { "Local networks not set: private addresses, and in doubt whoever opened a flow, count as hosts." }
            }
        }
        (uncovered(scene))
        (weak(scene))
    }
}

fn weak(scene: &Scene) -> Markup {
    let weak = &scene.snapshot.weak;
    html! {
        @if !weak.is_empty() {
            details #weak {
                summary { "Names that prove nothing: " (counted(weak.len() as u64, "host and vendor", "hosts and vendors")) }
                p { "People, web pages or other software ask for these names too. They raise no status." }
                ul {
                    @for weak in weak.iter().take(MAX_WEAK) {
                        li {
                            a href=(host_path(&weak.host)) { (plain(weak.host.as_str())) }
                            ", " (weak.vendor) " " (weak.category) ": "
                            @for (index, name) in weak.names.iter().enumerate() {
                                @if index > 0 { ", " } (name)
                            }
                        }
                    }
                }
                @if weak.len() > MAX_WEAK { p { "The first " (MAX_WEAK) " of " (weak.len()) "." } }
            }
        }
    }
}
