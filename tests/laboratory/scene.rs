//! What happens: who does what, with which program.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use std::time::SystemTime;

use crate::namespace::Namespace;
use crate::needs::beside_this;
use crate::site::{CLIENTS, Site, VENDOR, VENDOR_V6, run};

/// Bytes that clients say they downloaded.
pub(crate) type Downloaded = BTreeMap<&'static str, u64>;

/// Words of the shell with which clients speak. `fetch NAME BYTES` asks the gateway's resolver and downloads over TLS; `get` is
/// the same over HTTP from a place that concerns nobody; `try_at NAME SECONDS` must not get through.
const WORDS: &str = "\
    ask() { dig +short +time=2 +tries=1 @10.98.0.1 \"$1\"; }
    at() { echo \"$1:443:$(ask \"$1\" | head -n 1)\"; }
    fetch() { curl -sk --max-time 90 -o /dev/null -w '%{size_download}' --resolve \"$(at \"$1\")\" \"https://$1/$2\"; }
    get() { curl -s --max-time 5 -o /dev/null --resolve \"news.example:80:203.0.113.10\" http://news.example/; }
    try_at() { ! curl -sk --max-time \"$2\" -o /dev/null --resolve \"$(at \"$1\")\" \"https://$1/\"; }
    hello() { openssl s_client -connect \"$1\" $2 </dev/null 2>&1; }
";

/// Plays it to its end, not before `until`.
pub(crate) fn play(site: &Site, python: &Path, until: SystemTime) -> Downloaded {
    for (name, _) in CLIENTS {
        // Visitors come and go by themselves.
        if !name.ends_with("visitor") {
            run(site.place(name), &format!("{} -n -q", lease(name)));
        }
    }
    let mut downloaded = Downloaded::new();
    thread::scope(|scope| {
        // These take their time.
        let slow = ["crosser", "dropped"]
            .map(|name| scope.spawn(move || (name, act(site.place(name), line_of(name)))));
        for (name, line) in LINES {
            note(&mut downloaded, name, &act(site.place(name), line));
        }
        with_two_addresses(site, python, &mut downloaded);
        one_after_the_other(site, &mut downloaded);
        at_the_gateway(site, &mut downloaded);
        behind_the_router(site);
        for thread in slow {
            let (name, said) = thread.join().unwrap();
            note(&mut downloaded, name, &said);
        }
    });
    if let Ok(left) = until.duration_since(SystemTime::now()) {
        thread::sleep(left);
    }
    // So that a recording reaches to here, as the sensor's time does.
    act(site.place("veteran"), "get");
    downloaded
}

/// The clients one by one. What a line prints at its end is what the client downloaded.
const LINES: [(&str, &str); 17] = [
    ("fetcher", "fetch s07.upd.kaspersky.com 3000000"),
    (
        "talker",
        "ask dc1.ksn.kaspersky-labs.com; \
         hello 203.0.113.10:443 '-servername dc1.ksn.kaspersky-labs.com' | grep -q CONNECTED",
    ),
    ("refused", "try_at dnl-01.geo.kaspersky.com 5"),
    ("unreachable", "try_at dnl-03.geo.kaspersky.com 5"),
    ("sinkholed", "ask activation-v2.kaspersky.com"),
    ("asker", "ask s03.upd.kaspersky.com"),
    ("excepted", "fetch s01.upd.kaspersky.com 100000"),
    ("mover", "fetch wdcp.microsoft.com 5000"),
    ("veteran", "get"),
    (
        "both",
        "ask s04.upd.kaspersky.com; fetch wdcp.microsoft.com 5000",
    ),
    (
        "bypasser",
        "ask ksn-url.geoksn.kaspersky.com; \
         dig +short +time=2 @203.0.113.53 ksn-url.geoksn.kaspersky.com",
    ),
    (
        "scanner",
        "for n in 0 1; do for m in 0 1 2 3 4 5 6 7 8 9; do \
         for name in s$n$m.upd p$n$m.upd dnl-$n$m.geo; do echo \"$name.kaspersky.com A\"; done; done; done >/tmp/names.$$; \
         dig +short +time=2 @10.98.0.1 -f /tmp/names.$$; rm /tmp/names.$$",
    ),
    // Three ask the resolver of the site, and it asks outside.
    (
        "asker",
        "dig +short +time=2 @10.98.1.53 s03.upd.kaspersky.com",
    ),
    (
        "fetcher",
        "dig +short +time=2 @10.98.1.53 s07.upd.kaspersky.com",
    ),
    (
        "excepted",
        "dig +short +time=2 @10.98.1.53 s01.upd.kaspersky.com",
    ),
    (
        "relay",
        "curl -sk -o /dev/null -w '%{size_download}' \
      --resolve s10.upd.kaspersky.com:443:203.0.113.10 https://s10.upd.kaspersky.com/400000",
    ),
    // Three agents hold on to the site's relay.
    ("asker", "hello 10.98.1.20:13000 | grep -q CONNECTED"),
];

fn line_of(name: &str) -> &'static str {
    match name {
        // By what the server gives: a client that takes slowly may still have its system take all at once.
        "crosser" => "fetch dl.crossing.example 100000/50",
        // What it gets from elsewhere shows that the sensor would have seen an answer.
        "dropped" => "get; try_at dnl-02.geo.kaspersky.com 45",
        other => panic!("no slow line for {other}"),
    }
}

fn act(place: &Namespace, line: &str) -> String {
    run(place, &format!("{WORDS}{line}"))
}

/// What curl said last.
fn note(downloaded: &mut Downloaded, name: &'static str, said: &str) {
    if let Some(bytes) = said
        .lines()
        .last()
        .and_then(|line| line.parse::<u64>().ok())
    {
        *downloaded.entry(name).or_default() += bytes;
    }
}

/// A client that speaks IPv6, and takes another address between two downloads, as with privacy addresses.
fn with_two_addresses(site: &Site, python: &Path, downloaded: &mut Downloaded) {
    let six = site.place("six");
    let (python, script) = (python.display(), beside_this("quic.py"));
    let fetch = format!(
        "{python} {} fetch {VENDOR_V6} 443 s08.upd.kaspersky.com large",
        script.display()
    );
    assert_eq!(run(six, &fetch), "57344 bytes\n");
    run(six, "ip addr add fd98::6:24/64 dev sg0 nodad");
    run(six, "ip addr del fd98::24/64 dev sg0");
    run(six, "ip -6 route replace default via fd98::1");
    let again = format!(
        "curl -6sk -o /dev/null -w '%{{size_download}}' --resolve s09.upd.kaspersky.com:443:[{VENDOR_V6}] \
         https://s09.upd.kaspersky.com/600000"
    );
    note(downloaded, "six", &act(six, &again));
}

/// A visitor downloads and gives its address back; the next one is leased it, and only asks.
fn one_after_the_other(site: &Site, downloaded: &mut Downloaded) {
    let stay = |name: &'static str, line: &str| {
        // -R: what was leased is given back at the end.
        let line = format!(
            "{} -n -f -R >/dev/null 2>&1 & lease=$!; \
             until ip -4 addr show sg0 | grep -q 10.98.0.77; do sleep 0.1; done; \
             {line}; kill $lease; wait $lease 2>/dev/null || true",
            lease(name)
        );
        act(site.place(name), &line)
    };
    let said = stay("visitor", "fetch s02.upd.kaspersky.com 100000");
    note(downloaded, "visitor", &said);
    stay("next-visitor", "ask s06.upd.kaspersky.com");
}

/// The sensor's own machine fetches too, by the site's proxy.
fn at_the_gateway(site: &Site, downloaded: &mut Downloaded) {
    let line = "curl -sk -o /dev/null -w '%{size_download}' -x http://10.98.1.30:3128 \
                https://s05.upd.kaspersky.com/1000";
    note(downloaded, "gateway", &act(&site.gateway, line));
    for agent in ["veteran", "mover"] {
        act(
            site.place(agent),
            "hello 10.98.1.20:13000 | grep -q CONNECTED",
        );
    }
}

/// Two machines of different kinds, which the world sees as one.
fn behind_the_router(site: &Site) {
    for name in ["till", "office"] {
        let line = format!(
            "for n in 0 1 2 3 4 5 6 7 8 9; do curl -sk -o /dev/null \
             --resolve s0$n.upd.kaspersky.com:443:{VENDOR} https://s0$n.upd.kaspersky.com/; done"
        );
        act(site.place(name), &line);
    }
}

/// A DHCP client that says who it is.
fn lease(name: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/laboratory/lease.sh");
    format!(
        "udhcpc -i sg0 -t 8 -T 1 -x hostname:{name} -V laboratory -s {}",
        script.display()
    )
}
