//! What files say: the inventory and leases.

use super::*;

#[test]
fn the_inventory_says_who_it_is() {
    let text = "mac,address,name,owner,site,id\n\
        02:00:00:00:00:0a,,Desk 4,Ann,Berne,pc-4\n\
        02:00:00:00:00:0b,,,,,pc-4\n\
        ,10.0.0.9,Printer,,,\n";
    let mut hosts = Hosts::default();
    hosts.own_word(X, A, 1);
    assert_eq!(hosts.key(X, 2), "mac-02:00:00:00:00:0a");
    assert_eq!(hosts.key(Y, 2), "ip-10.0.0.6");
    hosts.set_inventory(Inventory::parse(text).unwrap());
    let joined = hosts.take_joined();
    assert_eq!(joined.len(), 1);
    assert_eq!(hosts.key(X, 3), "pc-4");
    assert_eq!(hosts.aliases("pc-4"), ["mac-02:00:00:00:00:0a"]);
    // Wired and wireless, once the other one's address is proven.
    hosts.own_word(Y, B, 4);
    assert_eq!(hosts.key(Y, 5), "pc-4");
    assert_eq!(hosts.take_joined().len(), 1);
    assert_eq!(hosts.key("10.0.0.9", 5), "inv-printer");
    let view = hosts.view(&HostKey::restored("ip-10.0.0.6")).unwrap();
    assert_eq!(view.key.as_str(), "pc-4");
    assert_eq!(view.macs, [A, B]);
    assert_eq!(
        (
            view.name.as_deref(),
            view.owner.as_deref(),
            view.site.as_deref()
        ),
        (Some("Desk 4"), Some("Ann"), Some("Berne"))
    );
    assert_eq!(view.confidence, KeyConfidence::Inventory);
    // Whoever is left out keeps the key, and loses what stood beside it.
    hosts.set_inventory(Inventory::default());
    assert_eq!(hosts.key(X, 6), "pc-4");
    assert_eq!(hosts.view(&HostKey::restored("pc-4")).unwrap().owner, None);
}

/// Each case: an inventory, what happens, and keys of sightings at 10.0.0.5 by A, then by B, with the owners told and the
/// lines in dispute.
#[test]
fn a_row_by_address_names_a_device_only_where_no_other_one_has_it() {
    type Say = fn(&mut Hosts);
    let (a, b) = ("mac-02:00:00:00:00:0a", "mac-02:00:00:00:00:0b");
    let row = "mac,address,name,owner,site,id\n,10.0.0.5,,Bob,,pc-1\n";
    let with_mac = "mac,address,name,owner,site,id\n02:00:00:00:00:0b,10.0.0.5,,Bob,,pc-1\n";
    let nothing: Say = |_| {};
    let handed_over: Say = |it| it.leased(X, B, 5_000);
    type Told = [(&'static str, Option<&'static str>); 2];
    let cases: [(&str, &str, Say, Told, &[u64]); 6] = [
        (
            "one device",
            row,
            nothing,
            [("pc-1", Some("Bob")), ("pc-1", Some("Bob"))],
            &[],
        ),
        (
            "it went to another one",
            row,
            handed_over,
            [(a, None), (b, None)],
            &[2],
        ),
        (
            "another one claims it too",
            row,
            |it| it.own_word(X, B, 2),
            [(a, None), (b, None)],
            &[2],
        ),
        (
            "the row says which one",
            with_mac,
            handed_over,
            [(a, None), ("pc-1", Some("Bob"))],
            &[],
        ),
        (
            "the row says another one",
            with_mac,
            nothing,
            [(a, None), (a, None)],
            &[2],
        ),
        (
            "the other one is only seen in frames",
            row,
            |it| it.own_word(Y, C, 1),
            [("pc-1", Some("Bob")), ("ip-10.0.0.5", None)],
            &[],
        ),
    ];
    for (what, text, say, expected, lines) in cases {
        for is_late in [false, true] {
            let mut hosts = Hosts::default();
            if !is_late {
                hosts.set_inventory(Inventory::parse(text).unwrap());
            }
            hosts.leased(X, A, 0);
            hosts.key_from(A, X, 1);
            say(&mut hosts);
            let second = if what == "it went to another one" || what == "the row says which one" {
                5_001
            } else {
                10
            };
            hosts.key_from(B, X, second);
            if is_late {
                hosts.set_inventory(Inventory::parse(text).unwrap());
            }
            let of = |at_second: i64, mac| {
                let key = hosts.key_of(address(X), Some(mac), at(at_second));
                (key.to_string(), hosts.view(&key).unwrap().owner)
            };
            let found = [of(1, A), of(second, B)];
            let found: Vec<_> = found
                .iter()
                .map(|(key, owner)| (key.as_str(), owner.as_deref()))
                .collect();
            assert_eq!(found, expected, "{what} {is_late}");
            let told: Vec<u64> = hosts.disputes().iter().map(|it| it.line).collect();
            assert_eq!(told, lines, "{what} {is_late}");
        }
    }
}

/// The id stays the older key of the device that had it; the right one has what stands in the row, by its hardware address.
#[test]
fn an_id_that_was_anothers_joins_nobody() {
    let row = |mac: &str| {
        let text = format!("mac,address,owner,id\n{mac},10.0.0.5,Bob,pc-1\n");
        Inventory::parse(&text).unwrap()
    };
    let mut hosts = Hosts::default();
    hosts.set_inventory(row(""));
    hosts.leased(X, A, 0);
    assert_eq!(hosts.key(X, 1), "pc-1");
    hosts.leased(X, B, 5_000);
    assert_eq!(hosts.key(X, 5_001), "mac-02:00:00:00:00:0b");
    hosts.set_inventory(row("02:00:00:00:00:0b"));
    assert_eq!(hosts.key(X, 5_002), "mac-02:00:00:00:00:0b");
    assert_eq!(hosts.disputes(), []);
    let owner = |mac| hosts.view(&HostKey::from_mac(mac)).unwrap().owner;
    assert_eq!((owner(A), owner(B).as_deref()), (None, Some("Bob")));
    assert_eq!(hosts.aliases("mac-02:00:00:00:00:0a"), ["pc-1"]);
}

#[test]
fn a_lease_file_is_a_servers_word() {
    let listings = |mac, from: Option<i64>| Listings {
        inventory: Inventory::default(),
        leases: vec![LeaseRecord {
            address: address(X),
            mac: Some(mac),
            name: Some(DomainName::parse("pc-17").unwrap()),
            from: from.map(at),
            until: at(100),
        }],
    };
    let mut hosts = Hosts::default();
    hosts.set_listings(listings(A, Some(50)), None);
    assert_eq!(hosts.present_after(Timestamp::MIN), 0, "nothing was seen");
    let entry = hosts.addresses.get(address(X)).unwrap();
    assert!(entry.first > entry.last);
    assert_eq!(hosts.key(X, 5), "mac-02:00:00:00:00:0a");
    assert_eq!(hosts.known(address(X)).name.as_deref(), Some("pc-17"));
    // Read again, changed: from then on, or from when the file says.
    hosts.set_listings(listings(B, None), Some(at(60)));
    assert_eq!(hosts.key(X, 59), "mac-02:00:00:00:00:0a");
    assert_eq!(hosts.key(X, 61), "mac-02:00:00:00:00:0b");
    hosts.set_listings(listings(A, Some(70)), Some(at(80)));
    assert_eq!(hosts.key(X, 71), "mac-02:00:00:00:00:0a");
    // Read again, the same: what traffic proved since is later.
    hosts.leased(X, B, 90);
    hosts.set_listings(listings(A, None), Some(at(100)));
    assert_eq!(hosts.key(X, 101), "mac-02:00:00:00:00:0b");
}
