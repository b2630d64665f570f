//! What protects a host that used a restricted vendor.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::WINDOW;
use crate::model::{
    Category, Coverage, CoverageView, Finding, HostKey, Pack, PackRole, Status, Timestamp, VendorId,
};

/// How long a contact with a replacement counts: products fetch updates daily, and machines are off over a week's end.
const RECENT: Duration = Duration::from_secs(7 * 24 * 3600);
/// Categories in which using a vendor is having its product. Downloads and web pages are not.
const PRODUCT: [Category; 4] = [
    Category::Update,
    Category::Telemetry,
    Category::Licensing,
    Category::Management,
];

/// Judges every host that ever had a strong contact with a restricted vendor's product and is present; `last_packet`
/// tells when a host was last seen. Sorted by host and vendor.
pub fn coverage(
    findings: &[Finding],
    packs: &[Pack],
    now: Timestamp,
    last_packet: impl Fn(&Finding) -> Option<Timestamp>,
) -> Vec<CoverageView> {
    let mut users: BTreeMap<(HostKey, VendorId), Use> = BTreeMap::new();
    let mut replacements: BTreeMap<&HostKey, Vec<(VendorId, Category, Timestamp)>> =
        BTreeMap::new();
    for finding in findings {
        let [_, _, contact, transfer] = finding.last_by_evidence;
        let last_contact = contact.max(transfer);
        match finding.role {
            PackRole::Restricted if PRODUCT.contains(&finding.category) => {
                let key = (finding.host.clone(), finding.vendor.clone());
                let used = users.entry(key).or_default();
                used.ever |= last_contact.is_some();
                used.straggling |= finding.straggler;
                used.at_rest.insert(matches!(
                    finding.status,
                    Status::Silent | Status::Blocked | Status::Absent
                ));
                used.last_packet = used.last_packet.max(last_packet(finding));
            }
            PackRole::Restricted => {}
            PackRole::Replacement => {
                let protects = packs.iter().any(|pack| {
                    pack.vendor == finding.vendor && pack.coverage.contains(&finding.category)
                });
                if protects
                    && let Some(last) = last_contact
                    && now.since(last) <= RECENT
                {
                    let seen = replacements.entry(&finding.host).or_default();
                    seen.push((finding.vendor.clone(), finding.category, last));
                }
            }
        }
    }
    users
        .into_iter()
        .filter(|(_, used)| used.ever && used.last_packet > Some(now.before(WINDOW)))
        .map(|((host, vendor), used)| {
            let mut replacements = replacements.get(&host).cloned().unwrap_or_default();
            replacements.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| (&a.0, a.1).cmp(&(&b.0, b.1))));
            let over = !used.at_rest.contains(&false);
            let coverage = match (used.straggling, replacements.is_empty(), over) {
                (true, _, _) => Coverage::Straggling,
                (false, true, _) => Coverage::NoneSeen,
                (false, false, true) => Coverage::Moved,
                (false, false, false) => Coverage::Both,
            };
            CoverageView {
                host,
                vendor,
                coverage,
                replacements,
            }
        })
        .collect()
}

/// A host's use of a restricted vendor.
#[derive(Default)]
struct Use {
    ever: bool,
    straggling: bool,
    /// For each category, whether the use is over or stopped.
    at_rest: BTreeSet<bool>,
    last_packet: Option<Timestamp>,
}
