//! The packs compiled into the program.

/// File name and text of each. This is the only place that names them.
pub const BUILT_IN: &[(&str, &str)] = &[
    (
        "encrypted-dns.toml",
        include_str!("../../rules/encrypted-dns.toml"),
    ),
    ("kaspersky.toml", include_str!("../../rules/kaspersky.toml")),
    (
        "microsoft-defender.toml",
        include_str!("../../rules/microsoft-defender.toml"),
    ),
];
