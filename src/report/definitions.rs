//! What the words of a report mean, in a sentence each.

use super::bytes;
use crate::model::{Coverage, Evidence, HostRole, KeyConfidence, Status, VendorNetwork};

/// What was seen at a level.
pub fn evidence(level: Evidence, transfer_threshold: u64) -> String {
    match level {
        Evidence::Lookup => "The host asked DNS for a name that only the product asks for.".to_owned(),
        Evidence::Attempt => "It spoke towards the server and sent the name; nothing useful came back yet.".to_owned(),
        Evidence::Contact => {
            "The server answered after the name was sent, with something other than an alert, a status that blocks or an error of a gateway.".to_owned()
        }
        Evidence::Transfer => format!(
            "At least {} came from the server in one flow (for telemetry: in either direction).",
            binary_bytes(transfer_threshold)
        ),
    }
}

/// The threshold is set in binary units, and reads best so.
fn binary_bytes(count: u64) -> String {
    match count {
        0 => "one byte".to_owned(),
        count if count % 1_048_576 == 0 => format!("{} MiB", count / 1_048_576),
        count if count % 1024 == 0 => format!("{} KiB", count / 1024),
        count => bytes(count),
    }
}

/// What a status says of the 24 hours that are judged.
pub fn status(status: Status) -> &'static str {
    match status {
        Status::Excepted => {
            "The configuration excepts it until a day that it names; it is told, and counts as no straggler."
        }
        Status::Fetching => "A transfer, or as many bytes over several contacts.",
        Status::Contacting => "Contacts only.",
        Status::Blocked => {
            "It tries, and there is proof that it is stopped: a reset, an ICMP error, a fatal alert, a refusal by HTTP, proxy or DNS, a sinkhole address."
        }
        Status::Asking => "It tries; the outcome was not seen.",
        Status::Silent => "It used the vendor before, is present, and does not ask.",
        Status::Absent => "It used the vendor before and sent nothing.",
        Status::Unknown => {
            "It used the vendor before; the sensor captured less than 90 % of the time."
        }
    }
}

/// What makes a straggler.
pub const STRAGGLER: &str = "A straggler has a contact or transfer, by a name that only the product asks for, at or after the cutoff and within the 24 hours that are judged, and is not excepted.";

/// What a host that used a restricted vendor has now, as people say it.
pub fn coverage(coverage: Coverage) -> &'static str {
    match coverage {
        Coverage::Moved => "moved: a replacement is seen, the old vendor is not",
        Coverage::Both => "both: a replacement is seen, and the old vendor too",
        Coverage::NoneSeen => "no replacement seen",
        Coverage::Straggling => "straggling: the old vendor is still used after the cutoff",
    }
}

/// Why "no replacement seen" may be wrong.
pub const COVERAGE_CAVEATS: [&str; 5] = [
    "“No replacement seen” is not “unprotected”: it says what passed the sensor in the last seven days, or in what was captured of them.",
    "A replacement may take its updates from a server inside the network (WSUS, Configuration Manager, a vendor’s relay), which the sensor does not see.",
    "A product whose names are shared with other software, or whose vendor has no rule pack, is not told.",
    "Names that could not be read may have been a replacement’s; see what could not be seen.",
    "A host that was elsewhere, or off, shows nothing.",
];

/// Why a bypass need not be anybody's doing.
pub const PRODUCT_FALLBACK: &str =
    "a resolver that the product falls back to by itself: it needs no user’s action";

/// Where a server stands: that it is the vendor's own network supports what the name says, and proves nothing alone.
pub fn own_network(network: &VendorNetwork) -> String {
    match network.asn {
        Some(asn) => format!("in the vendor’s own network, AS{asn}"),
        None => "in the vendor’s own network".to_owned(),
    }
}

/// What a role says.
pub fn role(role: HostRole) -> &'static str {
    match role {
        HostRole::Resolver => "resolver: asks DNS for others",
        HostRole::Relay => "relay: seems to fetch for others",
        HostRole::Scanner => "scanner: asks for name after name and uses none",
        HostRole::Gateway => "gateway: the sensor’s own machine",
        HostRole::Nat => "nat: others are behind it",
    }
}

/// What the key of a host rests on.
pub fn confidence(confidence: KeyConfidence) -> &'static str {
    match confidence {
        KeyConfidence::Inventory => "known by the inventory",
        KeyConfidence::Hardware => "known by its hardware address",
        KeyConfidence::Address => "known by its address only",
    }
}

/// How it is done, for a reader who does not know the program.
pub const METHOD: [&str; 4] = [
    "The sensor only listens. It reads the names that hosts ask for in DNS, in TLS and QUIC hellos and in HTTP requests, and compares them with rule packs, which give a source for every claim.",
    "A name is evidence of a connection, not of what was in it: nothing is decrypted, and no payload is kept.",
    "Bytes are payload, counted once however often they were sent again. The levels of evidence are cumulative: a transfer was a contact too.",
    "A host is known by what its key rests on; a device that changes its address may appear more than once, and many devices behind one address as one.",
];
