//! What it costs to read one name, by what carries it.
//!
//! ```text
//! cargo bench --bench dissect
//! ```
//!
//! The same bytes again and again, so everything is in the caches. Allocations are counted beside the time; their counter
//! costs a few nanoseconds for each.

use divan::{AllocProfiler, Bencher, Divan, black_box, black_box_drop};

#[path = "../tests/support/mod.rs"]
mod support;

use straggler::dissect::quic::{Connection, Scratch};
use straggler::dissect::{Dissection, dns, http, tls};
use straggler::model::{DomainName, NameBuf};
use support::dns_messages::A;
use support::hello::{POST_QUANTUM_SHARE, server_hello_message};
use support::initials::crypto;
use support::{ClientHello, Initial, Message, server_hello};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

/// Calls that are timed together: single ones are as short as the clock's steps.
const CALLS: u32 = 500;
const NAME: &str = "static.site0042.example";
const FIRST_ID: &[u8] = b"first-id";

fn main() {
    let divan = Divan::default().sample_size(CALLS);
    divan.config_with_args().main();
}

fn dns_query() -> Message {
    Message::query(7, NAME, A).edns(1_232)
}

/// Header and name of a question.
fn asked(message: &[u8], name: &mut NameBuf) -> (dns::Header, usize) {
    let header = found(dns::header(message));
    let question = found(dns::question(message, dns::first_question(), name));
    (header, question.end)
}

#[divan::bench(name = "dns_query")]
fn query(bencher: Bencher) {
    let message = dns_query().bytes();
    let mut name = NameBuf::default();
    bencher.bench_local(move || black_box(asked(black_box(&message), &mut name)));
}

/// Two aliases and four addresses.
#[divan::bench(name = "dns_answer")]
fn answer(bencher: Bencher) {
    let chain = [
        NAME,
        "site0042.edge.delivery.example",
        "pop10.delivery.example",
    ];
    let addresses = [1, 2, 3, 4].map(|last| [198, 18, 0, last].into());
    let message = dns_query().response().chain(&chain, &addresses).bytes();
    let mut name = NameBuf::default();
    let (header, at) = asked(&message, &mut name);
    let owner = DomainName::parse(NAME).expect("a name");
    let answer = dns::answer(&message, &header, at, &owner);
    assert_eq!(answer.addresses, addresses);
    bencher.bench_local(move || {
        black_box_drop(dns::answer(black_box(&message), &header, at, &owner));
    });
}

#[divan::bench]
fn tls_hello(bencher: Bencher) {
    read_hello(bencher, &ClientHello::to(NAME));
}

#[divan::bench]
fn tls_hello_post_quantum(bencher: Bencher) {
    read_hello(
        bencher,
        &ClientHello::to(NAME).key_share(POST_QUANTUM_SHARE),
    );
}

fn read_hello(bencher: Bencher, hello: &ClientHello) {
    let stream = hello.stream();
    assert_eq!(server_name(tls::client_hello(&stream)), NAME);
    bencher.bench_local(move || black_box_drop(tls::client_hello(black_box(&stream))));
}

/// What is looked at while the second segment is not there yet.
#[divan::bench]
fn tls_hello_first_segment(bencher: Bencher) {
    let mut stream = ClientHello::to(NAME).key_share(POST_QUANTUM_SHARE).stream();
    stream.truncate(1_460);
    assert_eq!(tls::client_hello(&stream), Dissection::NeedMore);
    bencher.bench_local(move || black_box_drop(tls::client_hello(black_box(&stream))));
}

#[divan::bench]
fn tls_server_reply(bencher: Bencher) {
    let stream = server_hello();
    bencher.bench_local(move || black_box(tls::server_reply(black_box(&stream))));
}

/// Keys of a new connection, and one packet of 1,200 bytes.
#[divan::bench]
fn quic_initial(bencher: Bencher) {
    read_initials(bencher, 32);
}

/// The same with a second packet.
#[divan::bench]
fn quic_initial_post_quantum(bencher: Bencher) {
    read_initials(bencher, POST_QUANTUM_SHARE);
}

fn read_initials(bencher: Bencher, key_share: usize) {
    let datagrams = initials(key_share);
    let mut scratch = Scratch::default();
    assert_eq!(server_name(read(&datagrams, &mut scratch).0), NAME);
    bencher.bench_local(move || black_box_drop(read(black_box(&datagrams), &mut scratch)));
}

/// Keys of the server, and its first packet.
#[divan::bench]
fn quic_server_reply(bencher: Bencher) {
    let datagrams = initials(32);
    let answer = server_hello_message();
    let reply = Initial::server(FIRST_ID).datagram(&crypto(&answer, 0..answer.len()));
    let mut scratch = Scratch::default();
    let (_, connection) = read(&datagrams, &mut scratch);
    bencher.bench_local(move || {
        let mut server = connection.server().expect("the hello was read");
        found(server.reply(black_box(&reply), reply.len(), &mut scratch))
    });
}

fn initials(key_share: usize) -> Vec<Vec<u8>> {
    let hello = ClientHello::to(NAME).key_share(key_share).message();
    let initial = Initial::client(FIRST_ID);
    let room = initial.room() - 8; // for the header of a CRYPTO frame
    let starts = (0..hello.len()).step_by(room).zip(0..);
    let datagram = |(start, number)| {
        let part = start..hello.len().min(start + room);
        initial.clone().number(number).filled(&crypto(&hello, part))
    };
    starts.map(datagram).collect()
}

/// What the last datagram comes to.
fn read(
    datagrams: &[Vec<u8>],
    scratch: &mut Scratch,
) -> (Dissection<tls::ClientHello>, Connection) {
    let mut connection = Connection::default();
    let mut verdict = Dissection::NeedMore;
    for datagram in datagrams {
        verdict = connection.datagram(datagram, datagram.len(), scratch);
    }
    (verdict, connection)
}

#[divan::bench]
fn http_request(bencher: Bencher) {
    let request = format!(
        "GET /index/1.dat HTTP/1.1\r\nHost: {NAME}\r\nUser-Agent: updater/3.1\r\nAccept: */*\r\n\
         Accept-Encoding: gzip\r\nConnection: close\r\n\r\n"
    );
    let read = found(http::request(request.as_bytes()));
    assert_eq!(read.host.as_deref(), Some(NAME.as_bytes()));
    bencher.bench_local(move || black_box_drop(http::request(black_box(request.as_bytes()))));
}

fn server_name(verdict: Dissection<tls::ClientHello>) -> String {
    let name = found(verdict).server_name.expect("a name");
    String::from_utf8(name).expect("a name in ASCII")
}

fn found<T>(verdict: Dissection<T>) -> T {
    match verdict {
        Dissection::Found(fact) => fact,
        Dissection::NotThis | Dissection::NeedMore => panic!("the fact is there"),
    }
}
