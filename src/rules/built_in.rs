//! The packs compiled into the program.

/// File name and text of each. This is the only place that names them.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("avast.toml", include_str!("../../rules/avast.toml")),
    (
        "bitdefender.toml",
        include_str!("../../rules/bitdefender.toml"),
    ),
    (
        "carbon-black.toml",
        include_str!("../../rules/carbon-black.toml"),
    ),
    (
        "cisco-secure-endpoint.toml",
        include_str!("../../rules/cisco-secure-endpoint.toml"),
    ),
    (
        "cortex-xdr.toml",
        include_str!("../../rules/cortex-xdr.toml"),
    ),
    (
        "crowdstrike.toml",
        include_str!("../../rules/crowdstrike.toml"),
    ),
    ("dahua.toml", include_str!("../../rules/dahua.toml")),
    ("deepseek.toml", include_str!("../../rules/deepseek.toml")),
    (
        "encrypted-dns.toml",
        include_str!("../../rules/encrypted-dns.toml"),
    ),
    ("eset.toml", include_str!("../../rules/eset.toml")),
    ("hikvision.toml", include_str!("../../rules/hikvision.toml")),
    ("kaspersky.toml", include_str!("../../rules/kaspersky.toml")),
    (
        "malwarebytes.toml",
        include_str!("../../rules/malwarebytes.toml"),
    ),
    (
        "microsoft-defender.toml",
        include_str!("../../rules/microsoft-defender.toml"),
    ),
    (
        "sentinelone.toml",
        include_str!("../../rules/sentinelone.toml"),
    ),
    ("sophos.toml", include_str!("../../rules/sophos.toml")),
    ("symantec.toml", include_str!("../../rules/symantec.toml")),
    ("tiktok.toml", include_str!("../../rules/tiktok.toml")),
    ("trellix.toml", include_str!("../../rules/trellix.toml")),
    (
        "trend-micro.toml",
        include_str!("../../rules/trend-micro.toml"),
    ),
    ("webroot.toml", include_str!("../../rules/webroot.toml")),
    ("wechat.toml", include_str!("../../rules/wechat.toml")),
    (
        "withsecure.toml",
        include_str!("../../rules/withsecure.toml"),
    ),
];
