//! One datagram for each message (RFC 5426). What is lost on the way nobody learns.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};

use super::{OutputError, PATIENCE, Transport};

pub(super) struct Udp {
    address: String,
    limit: usize,
    socket: Option<UdpSocket>,
}

impl Udp {
    pub(super) fn new(address: &str, limit: usize) -> Self {
        Self {
            address: address.to_owned(),
            limit,
            socket: None,
        }
    }

    fn connect(&self) -> std::io::Result<UdpSocket> {
        let mut fault = std::io::ErrorKind::NotFound.into();
        for address in self.address.to_socket_addrs()? {
            match connect(address) {
                Ok(socket) => return Ok(socket),
                Err(error) => fault = error,
            }
        }
        Err(fault)
    }
}

impl Transport for Udp {
    fn send(&mut self, message: &[u8]) -> Result<(), OutputError> {
        // A cut message would be JSON that nobody can read.
        if message.len() > self.limit {
            return Err(OutputError::TooLong {
                length: message.len(),
                limit: self.limit,
            });
        }
        let doing = || format!("send to udp://{}", self.address);
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => self.connect().map_err(OutputError::when(doing))?,
        };
        // A refusal is the answer to an earlier datagram; this one is sent again.
        socket.send(message).map_err(OutputError::when(doing))?;
        self.socket = Some(socket);
        Ok(())
    }

    fn close(&mut self) {
        self.socket = None;
    }
}

fn connect(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.connect(address)?;
    Ok(socket)
}
