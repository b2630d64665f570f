//! Syslog: RFC 5424 over UDP (RFC 5426), TCP (RFC 6587) and the local socket.
//!
//! The message is the JSON object. It is ASCII, so it goes without the byte order mark that RFC 5424, section 6.4, wants in
//! front of UTF-8, and which no reader of JSON takes. There is no structured data: all is in the object.
//!
//! Not handled: TLS (RFC 5425), and local sockets that are streams.

mod format;
mod local;
mod tcp;
mod udp;

use super::{Message, Output, OutputError, SyslogSettings, SyslogTarget};

use format::Formatter;
pub use format::Origin;
use local::Local;
use tcp::Tcp;
use udp::Udp;

/// How long a connection, a full buffer or a daemon that does not read is waited for.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// A syslog receiver.
pub(super) struct Syslog {
    formatter: Formatter,
    transport: Box<dyn Transport>,
}

/// Takes a formatted message to a receiver. After an error it connects anew.
trait Transport: Send {
    fn send(&mut self, message: &[u8]) -> Result<(), OutputError>;

    /// Lets go of the connection.
    fn close(&mut self);
}

impl Syslog {
    pub(super) fn new(settings: &SyslogSettings, origin: Origin) -> Self {
        let transport: Box<dyn Transport> = match &settings.to {
            SyslogTarget::Udp(address) => Box::new(Udp::new(address, settings.max_bytes)),
            SyslogTarget::Tcp(address) => Box::new(Tcp::new(address)),
            SyslogTarget::Unix(path) => Box::new(Local::new(path)),
        };
        Self {
            formatter: Formatter::new(origin, settings.facility, settings.format),
            transport,
        }
    }
}

impl Output for Syslog {
    fn write(&mut self, message: &Message) -> Result<(), OutputError> {
        let text = self.formatter.format(message);
        let sent = self.transport.send(text.as_bytes());
        if sent.is_err() {
            self.transport.close();
        }
        sent
    }

    fn reopen(&mut self) {
        self.transport.close();
    }
}
