//! A connection, each message with its length in front (RFC 6587, section 3.4.1).
//!
//! The receiver confirms nothing. What the kernel had taken when a connection broke may be lost, or, where a part had
//! been sent, arrive twice: `event.id` tells.

use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

use super::{OutputError, PATIENCE, Transport};

/// How long the other end may confirm nothing.
const SILENCE: Duration = Duration::from_secs(30);

pub(super) struct Tcp {
    address: String,
    stream: Option<TcpStream>,
}

impl Tcp {
    pub(super) fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            stream: None,
        }
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let mut fault = io::ErrorKind::NotFound.into();
        for address in self.address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => {
                    stream.set_write_timeout(Some(PATIENCE))?;
                    stream.set_nodelay(true)?;
                    notice_silence(&stream)?;
                    return Ok(stream);
                }
                Err(error) => fault = error,
            }
        }
        Err(fault)
    }
}

impl Transport for Tcp {
    fn send(&mut self, message: &[u8]) -> Result<(), OutputError> {
        let doing = |what: &'static str| {
            let address = self.address.clone();
            move || format!("{what} tcp://{address}")
        };
        let mut stream = match self.stream.take() {
            Some(stream) if is_open(&stream) => stream,
            _ => self
                .connect()
                .map_err(OutputError::when(doing("connect to")))?,
        };
        let mut frame = format!("{} ", message.len()).into_bytes();
        frame.extend_from_slice(message);
        // A part of a frame spoils the connection: it is kept only where all was taken.
        stream
            .write_all(&frame)
            .map_err(OutputError::when(doing("write to")))?;
        self.stream = Some(stream);
        Ok(())
    }

    fn close(&mut self) {
        self.stream = None;
    }
}

/// Has the kernel give a connection up whose other end says nothing any more, as after a power cut. Otherwise it takes
/// megabytes for a quarter of an hour before it learns.
fn notice_silence(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(SILENCE)
            .with_interval(SILENCE / 3),
    )?;
    socket.set_tcp_user_timeout(Some(SILENCE))
}

/// Whether the other side still holds its end. Without asking, the first message after its restart would be lost: the
/// kernel takes it, and learns only then that nobody is there.
fn is_open(stream: &TcpStream) -> bool {
    if stream.set_nonblocking(true).is_err() {
        return false;
    }
    let is_quiet = match stream.peek(&mut [0]) {
        Ok(0) => false,
        // Nobody has anything to say here; what it said stays unread.
        Ok(_) => true,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    };
    is_quiet && stream.set_nonblocking(false).is_ok()
}
