//! Files that say who devices are: an inventory (CSV), lease files of dnsmasq and Kea. What devices call themselves stands in
//! lease files, so strangers write parts of them.
//!
//! Input: a byte that picks the form, then the file.

use straggler::hosts::{Inventory, parse_leases};
use straggler::model::HostKey;

use super::dhcp::mac_holds;
use super::dns::name_holds;

/// First byte: an inventory.
pub const INVENTORY: u8 = 0;
/// First byte: a lease file; which kind, its content tells.
pub const LEASES: u8 = 1;

/// Reads the file.
pub fn check(input: &[u8]) {
    let Some((&how, text)) = input.split_first() else {
        return;
    };
    // A file that is no UTF-8 is refused before it is parsed.
    let Ok(text) = str::from_utf8(text) else {
        return;
    };
    match how % 2 {
        INVENTORY => inventory_holds(text),
        _ => leases_hold(text),
    }
}

/// Whether the file is read and says something.
pub fn says_something(input: &[u8]) -> bool {
    let (&how, text) = input.split_first().expect("a seed has a first byte");
    let text = str::from_utf8(text).expect("a seed is UTF-8");
    match how % 2 {
        INVENTORY => Inventory::parse(text).is_ok_and(|read| read != Inventory::default()),
        _ => parse_leases(text).is_ok_and(|leases| !leases.is_empty()),
    }
}

fn inventory_holds(text: &str) {
    match Inventory::parse(text) {
        Ok(inventory) => {
            // No key of its own is one that hosts have by themselves.
            for taken in ["ip-10.0.0.1", "mac-02:00:00:00:00:01"] {
                assert!(!inventory.has_id(&HostKey::restored(taken)), "{taken}");
            }
        }
        Err(error) => {
            fault_holds(text, error.line, &error.what);
            fault_holds(text, error.line, &error.discreet);
        }
    }
}

fn leases_hold(text: &str) {
    match parse_leases(text) {
        Ok(leases) => {
            let lines = text.lines().count();
            assert!(leases.len() <= lines, "{} of {lines}", leases.len());
            for lease in &leases {
                lease.mac.iter().for_each(|&mac| mac_holds(mac));
                lease.name.iter().for_each(name_holds);
                assert!(lease.from.is_none_or(|from| from <= lease.until));
            }
        }
        Err(error) => fault_holds(text, error.line, &error.what),
    }
}

/// It says where, in one line that a terminal can show.
fn fault_holds(text: &str, line: u64, what: &str) {
    let last = text.matches('\n').count() as u64 + 1;
    assert!((1..=last).contains(&line), "line {line} of {last}: {what}");
    assert!(
        !what.is_empty() && !what.contains(char::is_control),
        "{what:?}"
    );
}
