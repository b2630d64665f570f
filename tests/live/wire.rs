//! That the clients were as hard to read as they are meant to be: tools change, and a test must not become an easy one
//! unnoticed.

use std::path::Path;
use std::process::Command;

use crate::laboratory::NARROW;

/// What a server says at most without having answered: a Retry or an acknowledgement of QUIC.
const FEW_WORDS: usize = 200;

pub(crate) fn was_as_meant(recording: &Path, with_quic: bool) {
    let mut wanted = vec![
        (
            "segments of the long hello",
            format!("tcp and host {NARROW}"),
            vec![3],
        ),
        (
            "questions of the one connection",
            "tcp port 53".to_owned(),
            vec![2],
        ),
    ];
    if with_quic {
        let [direct, sent_away] = [443, 4433].map(|port| format!("udp port {port}"));
        wanted.push((
            "datagrams of a short and of a long hello",
            direct,
            vec![1, 2],
        ));
        wanted.push(("hello, Retry, hello", sent_away, vec![2]));
    }
    for (what, filter, least) in wanted {
        let counts = before_the_answer(recording, &filter);
        let enough = counts
            .iter()
            .zip(&least)
            .all(|(count, least)| count >= least);
        assert!(counts.len() == least.len() && enough, "{what}: {counts:?}");
    }
}

/// For each conversation of a filter, in the order of their start: how many packets with payload the client sent before
/// the server said more than a few words.
fn before_the_answer(recording: &Path, filter: &str) -> Vec<usize> {
    let output = Command::new("sh")
        .arg("-c")
        .arg("PATH=$PATH:/usr/sbin:/sbin exec tcpdump -nqt -r \"$0\" \"$1\"")
        .args([recording.as_os_str(), filter.as_ref()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut clients: Vec<Client<'_>> = Vec::new();
    for line in text.lines() {
        // IP 10.99.0.2.40844 > 10.99.0.9.443: tcp 524
        let words: Vec<&str> = line.split(' ').collect();
        let (from, to) = (words[1], words[3].trim_end_matches(':'));
        let payload: usize = words.last().unwrap().parse().unwrap();
        if let Some(client) = clients.iter_mut().find(|client| client.end == to) {
            client.answered |= payload >= FEW_WORDS;
        } else if let Some(client) = clients.iter_mut().find(|client| client.end == from) {
            client.packets += usize::from(payload > 0 && !client.answered);
        } else {
            clients.push(Client {
                end: from,
                packets: usize::from(payload > 0),
                answered: false,
            });
        }
    }
    clients.iter().map(|client| client.packets).collect()
}

/// The side of a conversation that began it.
struct Client<'a> {
    end: &'a str,
    packets: usize,
    answered: bool,
}
