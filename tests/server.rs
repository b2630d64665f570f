//! The server towards those who are let in, those who are not, and those who misbehave.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod program;
mod served;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use program::{example, straggler, text};
use served::{Served, wait_for};
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

/// A daemon on the example, with a file that says who is let in.
struct Guarded {
    served: Served,
    folder: TempDir,
}

impl Guarded {
    fn start(web: &str, prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let file = folder.path().join("web.yml");
        std::fs::write(&file, web).unwrap();
        let example = example();
        let served = Served::start(&[
            "--replay",
            example.to_str().unwrap(),
            "--web.config.file",
            file.to_str().unwrap(),
        ]);
        Self { served, folder }
    }

    /// What curl gets, as it shows it, and its exit code.
    fn curl(&self, scheme: &str, path: &str, more: &[&str]) -> (Option<i32>, String) {
        let url = format!("{scheme}://localhost:{}{path}", self.served.address.port());
        let output = Command::new("curl")
            .args(["-s", "-i", "--max-time", "20", "--resolve"])
            .arg(format!(
                "localhost:{}:127.0.0.1",
                self.served.address.port()
            ))
            .args(more)
            .arg(url)
            .output()
            .unwrap();
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), shown)
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }
}

/// A certificate for `localhost` of this name, signed by itself, and its key.
fn certificate(folder: &Path, name: &str, organisation: &str) {
    make(folder, name, organisation, &[]);
}

/// A client's certificate of this name, signed by another.
fn client_certificate(folder: &Path, name: &str, authority: &str) {
    let file = |end: &str| folder.join(format!("{authority}.{end}"));
    let (authority, key) = (file("crt"), file("key"));
    let signed = [
        "-CA",
        authority.to_str().unwrap(),
        "-CAkey",
        key.to_str().unwrap(),
    ];
    let leaf = [
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-addext",
        "extendedKeyUsage=clientAuth",
    ];
    make(folder, name, "Client", &[signed, leaf].concat());
}

fn make(folder: &Path, name: &str, organisation: &str, more: &[&str]) {
    let file = |end: &str| folder.join(format!("{name}.{end}"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"])
        .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .args(["-subj", &format!("/O={organisation}/CN=localhost")])
        .args(more)
        .arg("-keyout")
        .arg(file("key"))
        .arg("-out")
        .arg(file("crt"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
}

fn users() -> String {
    let hash = bcrypt::hash("right", 4).unwrap();
    format!("basic_auth_users:\n  alice: {hash}\n")
}

const TLS: &str = "tls_server_config:\n  cert_file: a.crt\n  key_file: a.key\n";

#[test]
fn strangers_are_told_nothing() {
    let headers = "http_server_config:\n  headers:\n    Strict-Transport-Security: max-age=60\n";
    let guarded = Guarded::start(&format!("{}{headers}", users()), |_| {});
    for path in [
        "/",
        "/metrics",
        "/-/healthy",
        "/api/v1/hosts",
        "/nothing",
        "/style.css",
    ] {
        for more in [
            &[][..],
            &["-u", "alice:wrong"],
            &["-u", "bob:right"],
            &["-X", "POST"],
        ] {
            let (_, shown) = guarded.curl("http", path, more);
            assert!(
                shown.starts_with("HTTP/1.1 401 Unauthorized\r\n"),
                "{path}: {shown}"
            );
            assert!(shown.contains("www-authenticate: Basic realm=\"restricted\""));
            // As the toolkit does.
            assert!(
                shown.contains("strict-transport-security: max-age=60"),
                "{shown}"
            );
            let lower = shown.to_lowercase();
            for word in [
                "straggler",
                "kaspersky",
                "0.1.0",
                "axum",
                "hyper",
                "server:",
                "/etc",
                "/tmp",
            ] {
                assert!(!lower.contains(word), "{path} tells {word}: {shown}");
            }
            assert!(shown.ends_with("\r\n\r\nUnauthorized\n"), "{shown}");
        }
    }
    wait_for("the example", || {
        guarded
            .curl("http", "/-/ready", &["-u", "alice:right"])
            .1
            .contains(" 200 OK")
    });
    let (_, shown) = guarded.curl("http", "/metrics", &["-u", "alice:right"]);
    assert!(shown.contains("straggler_stragglers{"), "{shown}");
}

#[test]
fn over_tls_and_with_another_certificate_without_a_restart() {
    let guarded = Guarded::start(
        &format!(
            "{TLS}http_server_config:\n  headers:\n    Strict-Transport-Security: max-age=60\n"
        ),
        |folder| {
            certificate(folder, "a", "First");
            certificate(folder, "b", "Second");
        },
    );
    let (first, second) = (guarded.file("a.crt"), guarded.file("b.crt"));
    let (_, shown) = guarded.curl("https", "/-/healthy", &["--cacert", &first]);
    assert!(shown.starts_with("HTTP/1.1 200 OK\r\n"), "{shown}");
    assert!(
        shown.contains("strict-transport-security: max-age=60"),
        "{shown}"
    );
    let (_, shown) = guarded.curl("http", "/-/healthy", &[]);
    assert!(!shown.contains("healthy"), "not in the clear: {shown}");
    let (code, _) = guarded.curl("https", "/-/healthy", &["--cacert", &second]);
    assert_eq!(code, Some(60), "curl does not know the certificate");
    // Half of the pair: what is in force stays.
    std::fs::copy(&second, &first).unwrap();
    std::thread::sleep(Duration::from_millis(1_200));
    let (code, _) = guarded.curl("https", "/-/healthy", &["--cacert", &second]);
    assert_eq!(code, Some(60), "the former pair is still there");
    let told = |path: &str| guarded.curl("https", path, &["-k"]).1;
    let is_sound = "straggler_config_last_reload_successful 1";
    let refused = "who is let in: refused: ";
    wait_for("the example", || told("/-/ready").contains(" 200 OK"));
    assert!(told("/metrics").contains("straggler_config_last_reload_successful 0"));
    for path in ["/", "/api/v1/status"] {
        let shown = told(path);
        assert!(
            shown.contains(refused) && shown.contains("a.crt"),
            "{path}: {shown}"
        );
    }
    std::fs::copy(guarded.file("b.key"), guarded.file("a.key")).unwrap();
    wait_for("the other certificate", || {
        guarded
            .curl("https", "/-/healthy", &["--cacert", &second])
            .1
            .contains(" 200 OK")
    });
    // What is mended is no fault any more. A scrape may be a second old.
    wait_for("a sound reading", || told("/metrics").contains(is_sound));
    assert!(!told("/").contains(refused));
    // Files that the configuration names before they are there are taken once they are.
    let web = guarded.file("web.yml");
    let named = std::fs::read_to_string(&web).unwrap();
    std::fs::write(
        &web,
        named.replace("a.crt", "c.crt").replace("a.key", "c.key"),
    )
    .unwrap();
    wait_for("a refusal", || told("/").contains(refused));
    certificate(guarded.folder.path(), "c", "Third");
    wait_for("files that are there now", || !told("/").contains(refused));
    let third = guarded.file("c.crt");
    let (_, shown) = guarded.curl("https", "/-/healthy", &["--cacert", &third]);
    assert!(shown.contains(" 200 OK"), "{shown}");
}

#[test]
fn clients_show_certificates_where_they_must() {
    let web = format!(
        "{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n  min_version: TLS13\n"
    );
    let guarded = Guarded::start(&web, |folder| {
        certificate(folder, "a", "Server");
        certificate(folder, "ca", "Authority");
        certificate(folder, "other-ca", "Stranger");
        client_certificate(folder, "client", "ca");
        client_certificate(folder, "other", "other-ca");
    });
    let with = |name: &str, more: &[&str]| {
        let (ca, certificate, key) = (
            guarded.file("a.crt"),
            guarded.file(&format!("{name}.crt")),
            guarded.file(&format!("{name}.key")),
        );
        let pair = ["--cacert", &ca, "--cert", &certificate, "--key", &key];
        guarded
            .curl("https", "/-/healthy", &[&pair[..], more].concat())
            .1
    };
    assert!(with("client", &[]).contains("healthy"));
    assert!(!with("other", &[]).contains("healthy"));
    assert!(!with("client", &["--tls-max", "1.2"]).contains("healthy"));
    let (_, shown) = guarded.curl("https", "/-/healthy", &["--cacert", &guarded.file("a.crt")]);
    assert!(!shown.contains("healthy"), "{shown}");
}

#[test]
fn a_wrong_file_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("web.yml");
    let refused = |content: &str| {
        std::fs::write(&file, content).unwrap();
        let example = example();
        let output = straggler(&[
            "run",
            "--replay",
            example.to_str().unwrap(),
            "--listen",
            "127.0.0.1:0",
            "--web.config.file",
            file.to_str().unwrap(),
        ]);
        assert_eq!(output.status.code(), Some(2));
        let said = text(&output.stderr);
        assert_eq!(said.lines().count(), 1, "{said}");
        said
    };
    assert!(refused("basic_auth_users:\n  alice: plain\n").contains("no hash of bcrypt"));
    std::fs::create_dir(folder.path().join("d")).unwrap();
    for (file, why) in [("nope.yml", "No such file"), ("d", "not a regular file")] {
        let file = folder.path().join(file);
        let example = example();
        let output = straggler(&[
            "run",
            "--replay",
            example.to_str().unwrap(),
            "--web.config.file",
            file.to_str().unwrap(),
        ]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        for word in [
            file.to_str().unwrap(),
            why,
            "who is let in",
            "docs/server.md",
        ] {
            assert!(said.contains(word), "{said}");
        }
    }
    assert!(refused(TLS).contains("a.crt: No such file"));
    assert!(
        refused(TLS).contains("tls_server_config"),
        "where it is named"
    );
    certificate(folder.path(), "a", "First");
    std::fs::write(folder.path().join("a.crt"), "nonsense").unwrap();
    assert!(refused(TLS).contains("no certificate in PEM"));
    certificate(folder.path(), "a", "First");
    certificate(folder.path(), "b", "Second");
    let mixed = TLS.replace("a.key", "b.key");
    assert!(refused(&mixed).contains("a.crt: "), "a pair that is none");
    // `config check` finds it before anybody restarts.
    let config = folder.path().join("straggler.toml");
    std::fs::write(&config, format!("web_config = {file:?}")).unwrap();
    let checked = straggler(&["config", "check", "--config", config.to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(2), "{}", text(&checked.stderr));
}

#[test]
fn answers_are_packed_for_those_who_take_it() {
    let guarded = Guarded::start("", |_| {});
    wait_for("the example", || {
        guarded.curl("http", "/-/ready", &[]).1.contains(" 200 OK")
    });
    let size = |more: &[&str]| {
        let (_, shown) = guarded.curl(
            "http",
            "/metrics",
            &[&["-o", "/dev/null", "-w", "%{size_download}"][..], more].concat(),
        );
        shown.parse::<usize>().unwrap()
    };
    let (plain, packed) = (size(&[]), size(&["-H", "Accept-Encoding: gzip"]));
    assert!(packed * 4 < plain, "{packed} of {plain}");
    let unpacked = guarded.curl("http", "/metrics", &["--compressed"]).1;
    assert!(unpacked.contains("straggler_build_info"));
}

/// A page from elsewhere whose name leads to this machine reads nothing: its browser says that name.
#[test]
fn names_of_others_are_refused_where_nothing_else_keeps_them_out() {
    let asked = |served: &Served, path: &str, host: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        raw(served, request.as_bytes())
    };
    let open = Guarded::start("", |_| {});
    for path in ["/", "/metrics", "/api/v1/hosts", "/-/healthy", "/nope"] {
        let answer = asked(&open.served, path, "evil.example:9842");
        assert!(answer.starts_with("HTTP/1.1 421 "), "{path}: {answer}");
        assert!(answer.contains("--web.config.file"), "{path}: {answer}");
        let lower = answer.to_lowercase();
        assert!(
            !lower.contains("straggler") && !lower.contains("0.1.0"),
            "{path}: {answer}"
        );
    }
    for host in ["127.0.0.1:9842", "[::1]", "localhost:80", "a.localhost"] {
        let answer = asked(&open.served, "/-/healthy", host);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{host}: {answer}");
    }
    let nobody = raw(&open.served, b"GET /-/healthy HTTP/1.0\r\n\r\n");
    assert!(nobody.contains("healthy"), "{nobody}");
    // Who has no password learns nothing either way.
    let guarded = Guarded::start(&users(), |_| {});
    let answer = asked(&guarded.served, "/-/healthy", "sensor.example");
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    // An address that others reach has names.
    let example = example();
    let everywhere = Served::spawn({
        let mut command = Command::new(env!("CARGO_BIN_EXE_straggler"));
        command.args(["run", "--listen", "0.0.0.0:0", "--replay"]);
        command.arg(example);
        command
    });
    let answer = asked(&everywhere, "/-/healthy", "sensor.example");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// Sends these bytes and gives what comes back until the end.
fn raw(served: &Served, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(served.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    // The server may have closed already.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn what_is_too_much_is_refused() {
    let guarded = Guarded::start("", |_| {});
    let served = &guarded.served;
    let head = |filler: usize| {
        format!(
            "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: {}\r\n\r\n",
            "x".repeat(filler)
        )
    };
    assert!(raw(served, head(1_000).as_bytes()).contains("healthy"));
    let answer = raw(served, head(100_000).as_bytes());
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
    let many: String = (0..500).map(|n| format!("X-{n}: 1\r\n")).collect();
    let answer = raw(
        served,
        format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n").as_bytes(),
    );
    assert!(!answer.contains(" 200 "), "{answer}");
    let body = "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 999999999\r\n\r\nx";
    assert!(raw(served, body.as_bytes()).starts_with("HTTP/1.1 413"));
    assert!(raw(served, b"nonsense\r\n\r\n").starts_with("HTTP/1.1 400"));
}

/// A connection to the server from an address of this machine.
fn connect(guarded: &Guarded, from: [u8; 4]) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
    socket.connect(&guarded.served.address.into()).unwrap();
    socket.into()
}

/// From each of these last octets of an address a connection on which nothing more comes.
fn say_nothing(
    guarded: &Guarded,
    from: impl IntoIterator<Item = u8>,
    first: &[u8],
) -> Vec<TcpStream> {
    let connections = from.into_iter().map(|last| {
        let mut stream = connect(guarded, [127, 0, 0, last]);
        stream.write_all(first).unwrap();
        stream
    });
    connections.collect()
}

/// Clients that hold connections open and ask nothing keep nobody waiting, whether they are one or many, let in or not.
#[test]
fn who_says_nothing_keeps_no_scrape_waiting() {
    const HALF: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n";
    let open = Guarded::start("", |_| {});
    let closed = Guarded::start(&format!("{TLS}{}", users()), |folder| {
        certificate(folder, "a", "First");
    });
    wait_for("the example", || {
        open.curl("http", "/-/ready", &[]).1.contains(" 200 OK")
    });
    let ca = closed.file("a.crt");
    let of_closed = ["--cacert", &ca, "-u", "alice:right"];
    for (guarded, scheme, more, first) in [
        (&open, "http", &[][..], HALF),
        (&closed, "https", &of_closed[..], b""),
        (&closed, "https", &of_closed[..], &[22, 3, 1, 2, 0]),
    ] {
        let from_one = vec![1; 64];
        let from_many: Vec<u8> = (2..=66).collect();
        for from in [from_one, from_many] {
            let silent = say_nothing(guarded, from, first);
            let begun = Instant::now();
            let quickly = [more, &["--max-time", "2"]].concat();
            let (_, shown) = guarded.curl(scheme, "/metrics", &quickly);
            assert!(
                shown.contains(" 200 OK") && shown.contains("straggler_build_info"),
                "{scheme}, {} silent, after {:?}: {shown}",
                silent.len(),
                begun.elapsed()
            );
        }
    }
    let (_, shown) = open.curl("http", "/metrics", &[]);
    let line = "straggler_table_evictions_total{table=\"connections\"}";
    let counted = shown.lines().find_map(|told| told.strip_prefix(line));
    assert!(counted.unwrap().trim().parse::<f64>().unwrap() > 0.0);
}

/// A scraper that was let in keeps its connection, however many others come.
#[test]
fn who_is_let_in_stays_among_strangers() {
    let guarded = Guarded::start(&users(), |_| {});
    let mut scraper = connect(&guarded, [127, 0, 0, 1]);
    scraper
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut asks = || {
        let request =
            "GET /-/healthy HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YWxpY2U6cmlnaHQ=\r\n\r\n";
        scraper.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let mut octet = [0];
        while !answer.ends_with(b"healthy\n") {
            scraper.read_exact(&mut octet).unwrap();
            answer.push(octet[0]);
        }
        String::from_utf8(answer).unwrap()
    };
    assert!(asks().starts_with("HTTP/1.1 200 OK"));
    // They are answered too, and told that they may not.
    let strangers = say_nothing(
        &guarded,
        (2..=250).chain(std::iter::repeat_n(1, 60)),
        b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert!(asks().starts_with("HTTP/1.1 200 OK"));
    drop(strangers);
}

/// Who asks nothing has no place for long, even where nobody waits for it.
#[test]
fn who_says_nothing_is_shown_out() {
    let open = Guarded::start("", |_| {});
    let closed = Guarded::start(TLS, |folder| certificate(folder, "a", "First"));
    for (guarded, first) in [
        (&open, &b""[..]),
        (&open, b"GET / HTTP/1.1\r\n"),
        (&closed, b""),
    ] {
        let mut silent = connect(guarded, [127, 0, 0, 1]);
        silent.write_all(first).unwrap();
        silent
            .set_read_timeout(Some(Duration::from_secs(8)))
            .unwrap();
        let mut rest = Vec::new();
        // The end, orderly or not, and no more waiting.
        let ended = silent.read_to_end(&mut rest);
        let kind = ended.err().map(|error| error.kind());
        assert_ne!(kind, Some(std::io::ErrorKind::WouldBlock));
    }
}

/// Clients that ask for all and read nothing hold no place for long.
#[test]
fn who_reads_nothing_is_shown_out() {
    let guarded = Guarded::start("", |_| {});
    wait_for("the example", || {
        guarded.curl("http", "/-/ready", &[]).1.contains(" 200 OK")
    });
    let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100);
    let deaf: Vec<TcpStream> = (0..80)
        .map(|_| {
            let mut stream = TcpStream::connect(guarded.served.address).unwrap();
            stream.set_nonblocking(true).unwrap();
            let _ = stream.write(&request);
            stream
        })
        .collect();
    served::wait_long_for("an answer", Duration::from_secs(90), || {
        guarded
            .curl("http", "/-/healthy", &[])
            .1
            .contains("healthy")
    });
    drop(deaf);
}
