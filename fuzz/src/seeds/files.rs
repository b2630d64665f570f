//! Files that an administrator names: who devices are, and the configuration.

use crate::checks::device_files::{INVENTORY, LEASES};

/// An inventory, and leases of dnsmasq and Kea.
pub(super) fn device_files() -> Vec<(String, Vec<u8>)> {
    [
        ("inventory", INVENTORY, INVENTORY_FILE),
        (
            "inventory by address",
            INVENTORY,
            "address,name\n10.0.0.19,Printer 2\n",
        ),
        ("dnsmasq", LEASES, DNSMASQ),
        ("kea 4", LEASES, KEA_4),
        ("kea 6", LEASES, KEA_6),
    ]
    .into_iter()
    .map(|(name, how, text)| {
        let file = [&[how], text.as_bytes()].concat();
        (name.to_owned(), file)
    })
    .collect()
}

/// The example with every key, as it is and with its comments taken for keys, and a short one.
pub(super) fn configurations() -> Vec<(String, Vec<u8>)> {
    let example = straggler::config::EXAMPLE;
    let every_key: String = example
        .lines()
        .map(|line| {
            let key = line.strip_prefix("# ").filter(|rest| rest.contains(" = "));
            format!("{}\n", key.unwrap_or(line))
        })
        .collect();
    vec![
        ("example".to_owned(), example.as_bytes().to_vec()),
        ("every key".to_owned(), every_key.into_bytes()),
        ("short".to_owned(), SHORT_CONFIGURATION.as_bytes().to_vec()),
    ]
}

const INVENTORY_FILE: &str = "mac,address,name,owner,site,id
# wired and wireless
00:11:22:33:44:55,,Laptop 7,Ann,Berne,laptop-7
00-11-22-33-44-66,,,,,laptop-7
,10.0.0.19,\"Printer, 2\",Workshop,Basle,
0011.2233.4477,2001:db8::7,Server,,,server:1
";

const DNSMASQ: &str = "1727586000 02:00:00:00:00:01 10.0.0.17 pc-17 01:02:00:00:00:00:01
0 02:00:00:00:00:02 10.0.0.18 * *
duid 00:01:00:01:2a:2a:2a:2a:02:00:00:00:00:09
1727586000 38797313 fd00::17 pc-17 00:01:00:01:2a:2a:2a:2a:02:00:00:00:00:01
";

const KEA_4: &str = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id
10.0.0.17,02:00:00:00:00:01,,3600,1727586000,1,0,0,pc-17,0,,0
10.0.0.18,02:00:00:00:00:02,01:02,4294967295,4294967295,1,0,0,a&#x2cb,0,,0
10.0.0.17,02:00:00:00:00:01,,3600,1727589600,1,0,0,pc-17,2,,0
";

const KEA_6: &str = "address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_fwd,fqdn_rev,hostname,hwaddr,state,user_context,hwtype,hwaddr_source,pool_id
fd00::17,00:01:00:01,3600,1727586000,1,1800,0,7,128,0,0,pc-17,02:00:00:00:00:01,0,,1,2,0
fd00:7::,00:01:00:01,3600,1727586000,1,1800,2,7,56,0,0,,,0,,1,4,0
";

const SHORT_CONFIGURATION: &str = r#"interfaces = ["eth0"]
local_networks = ["192.0.2.0/24"]

[capture]
mode = "signals"
workers = 4

[vendor.kaspersky]
enabled = true

[[exception]]
hosts = ["10.0.0.17"]
until = 2030-01-01T00:00:00Z
reason = "A machine tool"
by = "Head of operations"
"#;
