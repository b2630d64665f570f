//! The real clients: how each is started, what it says when all went well, and the names that it shows on the wire.

use std::path::Path;

use crate::laboratory::{CLIENT, NARROW, OTHER_CLIENT, SERVER, ZONE};
use crate::namespace::Namespace;
use crate::needs::beside_this;

/// A name read on the wire: signal, client, name.
pub(crate) type Read = (String, String, String);

/// A client, once.
pub(crate) struct Client {
    /// What is typed.
    line: String,
    /// What it prints among other things.
    says: String,
    /// Signal, client and name, in the zone of the laboratory.
    reads: Vec<(&'static str, &'static str, &'static str)>,
}

impl Client {
    fn new(line: String, says: &str, reads: &[(&'static str, &'static str, &'static str)]) -> Self {
        Self {
            line,
            says: says.to_owned(),
            reads: reads.to_vec(),
        }
    }

    /// Runs it and gives the names that it must have shown.
    pub(crate) fn run(&self, place: &Namespace) -> Vec<Read> {
        let output = place.shell(&format!("timeout 10 {} </dev/null", self.line));
        let said = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && said.contains(&self.says),
            "{}\n{said}{complained}",
            self.line
        );
        let full = |&(signal, client, name): &(&str, &str, &str)| {
            let name = format!("{name}.{ZONE}");
            (signal.to_owned(), client.to_owned(), name)
        };
        self.reads.iter().map(full).collect()
    }
}

/// All that speak TCP or DNS.
pub(crate) fn clients() -> Vec<Client> {
    let at = |name: &str, port: u16| format!("--resolve {name}.{ZONE}:{port}:{SERVER}");
    // Protocols that nobody speaks, 200 letters each: a hello of more than 1,600 bytes.
    let protocols: Vec<String> = ('a'..='h')
        .map(|letter| letter.to_string().repeat(200))
        .collect();
    vec![
        Client::new(
            format!("dig +short @{SERVER} udp.dns.{ZONE}"),
            SERVER,
            &[("dns", CLIENT, "udp.dns")],
        ),
        Client::new(
            format!("dig +tcp +keepopen @{SERVER} -b {OTHER_CLIENT} one.dns.{ZONE} two.dns.{ZONE}"),
            &format!("two.dns.{ZONE}."),
            &[
                ("dns", OTHER_CLIENT, "one.dns"),
                ("dns", OTHER_CLIENT, "two.dns"),
            ],
        ),
        Client::new(
            format!("dig +short @{SERVER} https.dns.{ZONE} TYPE65"),
            "1 . ",
            &[("dns", CLIENT, "https.dns")],
        ),
        Client::new(
            // The second request goes over the first one's connection.
            format!(
                "curl -s -o /dev/null -w '%{{num_connects}} connects;' {} -H Host:one.http.{ZONE} \
                 http://one.http.{ZONE}/ --next -s -o /dev/null -w '%{{num_connects}} connects;' \
                 -H Host:two.http.{ZONE} http://one.http.{ZONE}/large",
                at("one.http", 80)
            ),
            "1 connects;0 connects;",
            &[("http", CLIENT, "one.http"), ("http", CLIENT, "two.http")],
        ),
        Client::new(
            format!(
                "curl -sk --interface {OTHER_CLIENT} {} https://curl.tls.{ZONE}/large",
                at("curl.tls", 443)
            ),
            "update",
            &[("tls", OTHER_CLIENT, "curl.tls")],
        ),
        Client::new(
            format!("curl -sk -x http://{SERVER}:3128 https://proxied.tls.{ZONE}/"),
            "hello",
            &[
                ("connect", CLIENT, "proxied.tls"),
                ("tls", CLIENT, "proxied.tls"),
            ],
        ),
        Client::new(
            format!(
                "openssl s_client -connect {NARROW}:443 -servername narrow.tls.{ZONE} -alpn {}",
                protocols.join(",")
            ),
            "CONNECTED",
            &[("tls", CLIENT, "narrow.tls")],
        ),
        Client::new(
            format!(
                "openssl s_client -connect {SERVER}:25 -starttls smtp -servername mail.tls.{ZONE}"
            ),
            "CONNECTED",
            &[("tls", CLIENT, "mail.tls")],
        ),
    ]
}

/// Those that speak QUIC: a hello in one datagram, in several, and after a Retry.
pub(crate) fn quic_clients(python: &Path) -> Vec<Client> {
    let fetch = format!(
        "{} {} fetch {SERVER}",
        python.display(),
        beside_this("quic.py").display()
    );
    [
        ("443", "small.quic", ""),
        ("443", "large.quic", "large"),
        ("4433", "retry.quic", ""),
    ]
    .map(|(port, name, large)| {
        Client::new(
            format!("{fetch} {port} {name}.{ZONE} {large}"),
            "57344 bytes",
            &[("quic", CLIENT, name)],
        )
    })
    .into()
}

/// The last client: what stands before its answer in a recording is all that the others did.
pub(crate) fn last_client() -> Client {
    Client::new(
        format!("dig +short @{SERVER} the-end.{ZONE}"),
        SERVER,
        &[("dns", CLIENT, "the-end")],
    )
}

/// The last client's name as it stands in a message.
pub(crate) const LAST_LABEL: &[u8] = b"\x07the-end\x08stand-in";
