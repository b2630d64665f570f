//! Where a syslog receiver is.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `udp://HOST:PORT`, `tcp://HOST:PORT` or `unix:///PATH`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum SyslogTarget {
    /// Datagrams to host and port.
    Udp(String),
    /// A connection to host and port.
    Tcp(String),
    /// The local daemon's socket.
    Unix(PathBuf),
}

impl FromStr for SyslogTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let target = match text.split_once("://") {
            Some(("udp", address)) if is_address(address) => Self::Udp(address.to_owned()),
            Some(("tcp", address)) if is_address(address) => Self::Tcp(address.to_owned()),
            Some(("unix", path)) if path.starts_with('/') => Self::Unix(path.into()),
            _ => {
                return Err(format!(
                    "`{text}` is no receiver; write it like udp://192.0.2.1:514, tcp://[2001:db8::1]:601, \
                     tcp://logs.example:601 or unix:///dev/log"
                ));
            }
        };
        Ok(target)
    }
}

fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    let is_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_graphic() && c != '/');
    is_host && (is_bracketed || !host.contains(':')) && port.parse().is_ok_and(|port: u16| port > 0)
}

impl TryFrom<String> for SyslogTarget {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<SyslogTarget> for String {
    fn from(target: SyslogTarget) -> Self {
        target.to_string()
    }
}

impl fmt::Display for SyslogTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(address) => write!(f, "udp://{address}"),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}
