//! The local daemon's socket: one datagram for each message.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use super::{OutputError, PATIENCE, Transport};

/// `EMSGSIZE` of Linux: the datagram is longer than the socket's buffer.
const MESSAGE_TOO_LONG: i32 = 90;
/// What a socket takes at least, whatever the kernel's settings; only told, not enforced.
const USUAL_LIMIT: usize = 212_992;

pub(super) struct Local {
    path: PathBuf,
    socket: Option<UnixDatagram>,
}

impl Local {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            socket: None,
        }
    }

    fn connect(&self) -> io::Result<UnixDatagram> {
        let socket = UnixDatagram::unbound()?;
        // A daemon that does not read blocks its senders.
        socket.set_write_timeout(Some(PATIENCE))?;
        socket.connect(&self.path)?;
        Ok(socket)
    }
}

impl Transport for Local {
    fn send(&mut self, message: &[u8]) -> Result<(), OutputError> {
        let doing = || format!("send to {}", self.path.display());
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => self.connect().map_err(OutputError::when(doing))?,
        };
        match socket.send(message) {
            Ok(_) => {
                self.socket = Some(socket);
                Ok(())
            }
            Err(error) if error.raw_os_error() == Some(MESSAGE_TOO_LONG) => {
                Err(OutputError::TooLong {
                    length: message.len(),
                    limit: USUAL_LIMIT,
                })
            }
            Err(error) => Err(OutputError::when(doing)(error)),
        }
    }

    fn close(&mut self) {
        self.socket = None;
    }
}
