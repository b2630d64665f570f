//! Rule packs.

pub(super) fn packs() -> Vec<(String, Vec<u8>)> {
    let built_in = straggler::rules::BUILT_IN.iter();
    let mut seeds: Vec<(String, Vec<u8>)> = built_in
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
        .collect();
    seeds.push(("short".to_owned(), SHORT_PACK.as_bytes().to_vec()));
    let replacement =
        SHORT_PACK.replace("\"restricted\"", "\"replacement\"\ncoverage = [\"update\"]");
    let control = SHORT_PACK.replace("\"update\"", r#""\u001b[2J""#);
    seeds.push(("control characters".to_owned(), control.into_bytes()));
    seeds.push(("replacement".to_owned(), replacement.into_bytes()));
    seeds
}

const SHORT_PACK: &str = r#"schema = 1
kind = "vendor"

[vendor]
id = "vendor"
name = "Vendor"
role = "restricted"
version = "1"
reviewed = 2026-01-02
enabled = true
relay_ports = [13000]

[[cutoff]]
id = "us"
default = true
jurisdiction = "US"
binds = "everybody"
at = 2024-09-29T00:00:00-04:00
categories = ["update"]
authority = "An office"
source = "https://office.example/"

[[service]]
id = "update"
name = "Updates"
category = "update"
strength = "strong"
confidence = "community"
names = [".upd.vendor.example", "s*.vendor.example", "one.vendor.example"]
source = "https://vendor.example/"
note = "A note"

[[test]]
name = "s07.upd.vendor.example"
expect = "update"

[[test]]
name = "vendor.example"
expect = "none"
"#;
