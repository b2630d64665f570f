//! The site: who is where, the wires between them, the servers, and the gateway's rules.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::namespace::{Namespace, Running, wait_for_word};
use crate::needs::beside_this;
use crate::served::wait_for;
use crate::support::links::mac_of;

/// What the site is made of.
pub(crate) const TOOLS: [&str; 12] = [
    "ip",
    "unshare",
    "nsenter",
    "nft",
    "udhcpc",
    "curl",
    "dig",
    "dnsmasq",
    "openssl",
    "python3",
    "tcpdump",
    "tcpreplay",
];

/// Clients on the link of the gateway, by the last number of the address that they are leased.
pub(crate) const CLIENTS: [(&str, u8); 17] = [
    ("fetcher", 11),
    ("talker", 12),
    ("refused", 13),
    ("dropped", 14),
    ("unreachable", 15),
    ("sinkholed", 16),
    ("asker", 17),
    ("excepted", 18),
    ("mover", 19),
    ("veteran", 20),
    ("both", 21),
    ("bypasser", 22),
    ("scanner", 23),
    ("six", 24),
    ("crosser", 25),
    ("visitor", VISITOR),
    ("next-visitor", NEXT_VISITOR),
];
/// Left before the laboratory began; only yesterday knows it.
pub(crate) const GONE: (&str, u8) = ("gone", 30);
/// Two visitors who are leased the address of the first in turn.
const VISITOR: u8 = 77;
const NEXT_VISITOR: u8 = 78;

/// Servers of the site, in a network of their own behind the gateway.
const DMZ: [(&str, u8); 3] = [("relay", 20), ("proxy", 30), ("resolver", 53)];

/// Where the servers of the vendors stand.
pub(crate) const VENDOR: &str = "203.0.113.10";
/// The same over IPv6.
pub(crate) const VENDOR_V6: &str = "2001:db8::10";
/// A resolver outside, which is nobody's here.
pub(crate) const FOREIGN_RESOLVER: &str = "203.0.113.53";

/// What the gateway's resolver answers, by the last number of the server's address. Other names it refuses. A flow that
/// ends before it says a name can be told by an address only if that is nobody else's.
const ZONES: [(&str, u8); 9] = [
    ("upd.kaspersky.com", 10),
    ("geo.kaspersky.com", 10),
    ("ksn.kaspersky-labs.com", 10),
    ("wdcp.microsoft.com", 10),
    ("crossing.example", 10),
    ("news.example", 10),
    ("dnl-01.geo.kaspersky.com", 31),
    ("dnl-02.geo.kaspersky.com", 32),
    ("dnl-03.geo.kaspersky.com", 33),
];

/// What the gateway lets nobody through to, and how it says so.
const FIREWALL: &str = "\
    table inet laboratory {
        chain forward {
            type filter hook forward priority 0
            ip saddr 10.98.0.13 tcp dport 443 reject with tcp reset
            ip saddr 10.98.0.14 tcp dport 443 drop
            ip saddr 10.98.0.15 tcp dport 443 reject with icmp type admin-prohibited
        }
    }";

/// Everything that stands; goes with its owner.
pub(crate) struct Site {
    pub(crate) gateway: Namespace,
    outside: Namespace,
    places: Vec<(&'static str, Namespace)>,
    servers: Vec<Running>,
    folder: tempfile::TempDir,
}

impl Site {
    /// Builds it; every server answers when this returns.
    pub(crate) fn build(python: &Path) -> Self {
        let mut site = Self {
            gateway: Namespace::new(),
            outside: Namespace::new(),
            places: Vec::new(),
            servers: Vec::new(),
            folder: tempfile::tempdir().unwrap(),
        };
        site.wire_the_gateway();
        for (name, number) in CLIENTS {
            let mac = mac_of([10, 98, 0, number].into());
            site.wire(name, "lan", mac);
            let place = site.place(name);
            run(
                place,
                &format!("ip addr add fd98::{number}/64 dev sg0 nodad"),
            );
            run(place, "ip -6 route add default via fd98::1");
        }
        for (name, number) in DMZ {
            site.wire(name, "dmz", mac_of([10, 98, 1, number].into()));
            let place = site.place(name);
            run(place, &format!("ip addr add 10.98.1.{number}/24 dev sg0"));
            run(place, "ip route add default via 10.98.1.1");
        }
        site.wire_the_shop();
        site.serve(python);
        site
    }

    /// The machine of this name.
    pub(crate) fn place(&self, name: &str) -> &Namespace {
        let mut places = self.places.iter();
        let found = places.find(|(other, _)| *other == name);
        &found.unwrap_or_else(|| panic!("no place {name}")).1
    }

    /// A file of this laboratory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn wire_the_gateway(&self) {
        let (gateway, outside) = (&self.gateway, &self.outside);
        for bridge in ["lan", "dmz", "shop"] {
            run(
                gateway,
                &format!("ip link add {bridge} type bridge mcast_snooping 0"),
            );
            run(
                gateway,
                &format!("ip link set {bridge} addrgenmode none up"),
            );
        }
        let wan = format!(
            "ip link add wan type veth peer name sg0 netns {}",
            outside.pid()
        );
        for line in [
            "ip link set lo up",
            "ip addr add 10.98.0.1/24 dev lan",
            "ip addr add fd98::1/64 dev lan nodad",
            // A router asks for its neighbours from a link-local address.
            "ip addr add fe80::1/64 dev lan nodad",
            &format!(
                "ip link set dmz address {}",
                written(mac_of([10, 98, 1, 1].into()))
            ),
            "ip addr add 10.98.1.1/24 dev dmz",
            "ip addr add 10.98.2.1/24 dev shop",
            &wan,
            "ip link set wan addrgenmode none gso_max_segs 1 up",
            "ip addr add 203.0.113.1/24 dev wan",
            "ip addr add 2001:db8::1/64 dev wan nodad",
            "ip addr add fe80::1/64 dev wan nodad",
            "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1",
            &format!("nft '{FIREWALL}'"),
            // Or a refusal goes out at the bridge's port, where nobody captures.
            "sysctl -qw net.bridge.bridge-nf-call-iptables=0 2>/dev/null || true",
        ] {
            run(gateway, line);
        }
        for line in [
            "ip link set lo up",
            "ip link set sg0 addrgenmode none gso_max_segs 1 up",
            &format!("ip addr add {VENDOR}/24 dev sg0"),
            &format!("ip addr add {FOREIGN_RESOLVER}/24 dev sg0"),
            &format!("ip addr add {VENDOR_V6}/64 dev sg0 nodad"),
            "ip route add default via 203.0.113.1",
            "ip -6 route add default via 2001:db8::1",
        ] {
            run(outside, line);
        }
    }

    /// A machine at a bridge of the gateway.
    fn wire(&mut self, name: &'static str, bridge: &str, mac: [u8; 6]) {
        let place = Namespace::new();
        let port = format!("p{}", self.places.len());
        let peer = format!("peer name sg0 netns {}", place.pid());
        run(
            &self.gateway,
            &format!("ip link add {port} type veth {peer}"),
        );
        run(
            &self.gateway,
            &format!("ip link set {port} master {bridge} addrgenmode none gso_max_segs 1 up"),
        );
        let mac = written(mac);
        run(&place, "ip link set lo up");
        run(
            &place,
            // What is sent stands on the wire in segments of its path, not in one large one.
            &format!("ip link set sg0 address {mac} addrgenmode none gso_max_segs 1 up"),
        );
        self.places.push((name, place));
    }

    /// A router with address translation, and behind it a machine of each of two kinds.
    fn wire_the_shop(&mut self) {
        self.wire("router", "shop", mac_of([10, 98, 2, 2].into()));
        let machines = [("till", 64), ("office", 128)].map(|(name, hops)| {
            let place = Namespace::new();
            run(
                &place,
                &format!("sysctl -qw net.ipv4.ip_default_ttl={hops}"),
            );
            (name, place)
        });
        let router = self.place("router");
        run(router, "ip addr add 10.98.2.2/24 dev sg0");
        run(router, "ip route add default via 10.98.2.1");
        run(router, "sysctl -qw net.ipv4.ip_forward=1");
        run(
            router,
            "nft 'table ip shop { chain out { type nat hook postrouting priority 100; oifname sg0 masquerade; }; }'",
        );
        for ((_, place), number) in machines.iter().zip(1..) {
            let peer = format!("peer name sg0 netns {}", place.pid());
            for (place, line) in [
                (router, format!("ip link add in{number} type veth {peer}")),
                (router, format!("ip link set in{number} up")),
                (
                    router,
                    format!("ip addr add 192.168.{number}.1/24 dev in{number}"),
                ),
                (place, "ip link set sg0 up".to_owned()),
                (place, format!("ip addr add 192.168.{number}.2/24 dev sg0")),
                (
                    place,
                    format!("ip route add default via 192.168.{number}.1"),
                ),
            ] {
                run(place, &line);
            }
        }
        self.places.extend(machines);
    }

    fn serve(&mut self, python: &Path) {
        let (cert, key) = (self.file("cert"), self.file("key"));
        let (cert, key) = (cert.display(), key.display());
        run(
            &self.gateway,
            &format!(
                "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=stand-in \
                 -keyout {key} -out {cert} 2>&1"
            ),
        );
        let dnsmasq = "exec dnsmasq --keep-in-foreground --no-resolv --no-hosts --conf-file=/dev/null --pid-file= \
                       --user=root --bind-interfaces --except-interface=lo";
        let all = ZONES.map(|(zone, number)| {
            format!("--address=/{zone}/203.0.113.{number} --address=/{zone}/2001:db8::{number}")
        });
        let all = all.join(" ");
        let mac = |number: u8| written(mac_of([10, 98, 0, number].into()));
        let leases = CLIENTS.map(|(_, number)| match number {
            VISITOR => format!(
                "--dhcp-host={},{},10.98.0.{number}",
                mac(VISITOR),
                mac(NEXT_VISITOR)
            ),
            NEXT_VISITOR => String::new(),
            number => format!("--dhcp-host={},10.98.0.{number}", mac(number)),
        });
        let (lease_file, leases) = (self.file("leases"), leases.join(" "));
        let resolvers = [
            (
                &self.gateway,
                format!(
                    "--interface=lan --interface=dmz --interface=shop {all} \
                     --address=/activation-v2.kaspersky.com/0.0.0.0 \
                     --dhcp-range=10.98.0.10,10.98.0.99,255.255.255.0,1h --dhcp-leasefile={} {leases}",
                    lease_file.display()
                ),
            ),
            (
                &self.outside,
                format!("{all} --address=/kaspersky.com/{VENDOR}"),
            ),
            (
                self.place("resolver"),
                format!("--server={FOREIGN_RESOLVER} --cache-size=0"),
            ),
        ];
        let mut servers: Vec<Running> = resolvers
            .iter()
            .map(|(place, settings)| start(place.line(&format!("{dnsmasq} {settings}")), None))
            .collect();
        let scripts = [
            (&self.outside, "python3".into(), "servers.py", &[][..]),
            (&self.outside, python.to_owned(), "quic.py", &["serve"]),
            (self.place("proxy"), "python3".into(), "servers.py", &[]),
        ];
        for (place, python, script, arguments) in scripts {
            let mut command = place.command(python.to_str().unwrap());
            command.arg(beside_this(script)).args(arguments);
            command.args([self.file("cert"), self.file("key")]);
            servers.push(start(command, Some("ready")));
        }
        // The agents' server: it holds its clients' connections over TLS and says nothing.
        let relay = format!("exec openssl s_server -quiet -accept 13000 -cert {cert} -key {key}");
        servers.push(start(self.place("relay").line(&relay), None));
        for resolver in ["10.98.0.1", FOREIGN_RESOLVER] {
            let ask = format!("dig +short +time=1 +tries=1 @{resolver} news.example");
            wait_for("a resolver", || {
                self.outside_or_gateway(resolver).shell(&ask).stdout
                    == format!("{VENDOR}\n").as_bytes()
            });
        }
        self.servers = servers;
    }

    /// Where a resolver is asked so that nothing of it is on the links that are watched.
    fn outside_or_gateway(&self, resolver: &str) -> &Namespace {
        if resolver == FOREIGN_RESOLVER {
            &self.outside
        } else {
            &self.gateway
        }
    }
}

/// A hardware address as people write it.
pub(crate) fn written(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

/// Starts a server, and waits for its word if it has one.
fn start(mut command: std::process::Command, word: Option<&str>) -> Running {
    command
        .stdin(Stdio::null())
        .stdout(if word.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stderr(Stdio::null());
    let mut server = Running(command.spawn().unwrap());
    if let Some(word) = word {
        wait_for_word(server.0.stdout.take().unwrap(), word);
    }
    server
}

/// Runs a line that must do.
pub(crate) fn run(place: &Namespace, line: &str) -> String {
    let output = place.shell(line);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
