//! Updates of fifty hosts on a link, one connection after the other, and what they come to.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::support::dns_messages::A;
use crate::support::links::ethernet::Ethernet;
use crate::support::{ClientHello, Message, Side, Talk, application_data, server_hello};

/// The end that is captured, and the one on which is sent.
pub(crate) const CAPTURED: &str = "sg0";
const SENDING: &str = "sg1";
const HOSTS: u32 = 50;
/// Between two connections of 18 frames each.
const PAUSE: Duration = Duration::from_millis(10);

/// What was sent, or counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Truth {
    pub(crate) hosts: u64,
    /// Payload from servers, in bytes.
    pub(crate) received: u64,
    pub(crate) dropped: u64,
}

/// Puts the link there.
pub(crate) fn link() {
    let line = format!(
        "PATH=$PATH:/usr/sbin:/sbin; ip link add {CAPTURED} type veth peer name {SENDING} && \
         ip link set {CAPTURED} addrgenmode none && ip link set {SENDING} addrgenmode none && \
         ip link set {CAPTURED} up && ip link set {SENDING} up"
    );
    assert!(
        Command::new("sh")
            .args(["-c", &line])
            .status()
            .unwrap()
            .success()
    );
}

/// Sends until it is dropped.
pub(crate) struct Load {
    truth: Arc<Mutex<Truth>>,
    stop: Arc<AtomicBool>,
    paused: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn start() -> Self {
        let truth = Arc::new(Mutex::new(Truth::default()));
        let [stop, paused] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let thread = std::thread::spawn({
            let (truth, stop, paused) =
                (Arc::clone(&truth), Arc::clone(&stop), Arc::clone(&paused));
            move || {
                let mut to = pcap::Capture::from_device(SENDING).unwrap().open().unwrap();
                for number in 0.. {
                    while paused.load(Ordering::Relaxed) && !stop.load(Ordering::Relaxed) {
                        std::thread::sleep(PAUSE);
                    }
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    // Held while it sends: whoever asks gets whole connections.
                    let mut truth = truth.lock().unwrap();
                    truth.received +=
                        connection(number, &mut |frame| to.sendpacket(frame).unwrap());
                    truth.hosts = u64::from((number + 1).min(HOSTS));
                    drop(truth);
                    std::thread::sleep(PAUSE);
                }
            }
        });
        Self {
            truth,
            stop,
            paused,
            thread: Some(thread),
        }
    }

    /// Sends nothing more for now: what was sent in all.
    pub(crate) fn pause(&self) -> Truth {
        self.paused.store(true, Ordering::Relaxed);
        // The thread may be at a connection, or just before one.
        std::thread::sleep(PAUSE * 50);
        *self.truth.lock().unwrap()
    }

    pub(crate) fn go_on(&self) {
        self.paused.store(false, Ordering::Relaxed);
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The question and the download of one host: bytes from the server.
fn connection(number: u32, send: &mut dyn FnMut(&[u8])) -> u64 {
    let host = number % HOSTS;
    let name = format!("s{:02}.upd.kaspersky.com", number % 20);
    // Ports come round long after a connection is forgotten, and none is used twice within a minute.
    let port = 1_024 + number / HOSTS % 60_000;
    let client = format!("10.20.0.{}:{port}", host + 10);
    let server = format!("203.0.113.{}:443", number % 20 + 10);
    let query = Message::query(number as u16, &name, A);
    let answer = query.response().address(
        &name,
        format!("203.0.113.{}", number % 20 + 10).parse().unwrap(),
    );
    let asked = Talk::udp(client.as_str(), "10.20.255.53:53")
        .asks(&query)
        .answers(&answer);
    let fetched = Talk::tcp(client.as_str(), server.as_str())
        .mss(1_400)
        .open()
        .client(&ClientHello::to(&name).stream())
        .server(&server_hello())
        .server(&application_data(8_000))
        .close();
    let mac = [2, 0x20, 0, 0, 0, host as u8];
    for packet in asked
        .into_packets()
        .into_iter()
        .chain(fetched.into_packets())
    {
        let link = match packet.from {
            Side::Client => Ethernet::default().source(mac),
            Side::Server => Ethernet::default().target(mac),
        };
        send(&link.packet(&packet.bytes));
    }
    (server_hello().len() + application_data(8_000).len()) as u64
}
