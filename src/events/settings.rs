//! The `[events]` table of the configuration. The format is closed: an unknown key is an error.

mod target;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use crate::model::EventAction;

pub use target::SyslogTarget;

/// Where events go. Without any output none are made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Events that may wait for each output; an ordinary one has one or two KiB, and no more than 16 MiB wait.
    pub queue: usize,
    /// Seconds for which outputs may write what waits when the sensor stops.
    pub drain_seconds: u64,
    /// Pauses of an output that fails; not in the file.
    #[serde(skip)]
    pub backoff: Backoff,
    /// Standard output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdout: Option<StdoutSettings>,
    /// Files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub file: Vec<FileSettings>,
    /// Syslog receivers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub syslog: Vec<SyslogSettings>,
}

/// Pauses between tries of an output that fails: each twice as long as the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first.
    pub first: Duration,
    /// The longest.
    pub most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(250),
            most: Duration::from_secs(30),
        }
    }
}

/// Standard output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct StdoutSettings {
    /// Kinds of events; all where there are none.
    #[serde(deserialize_with = "actions")]
    pub actions: Vec<EventAction>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FileSettings {
    /// Its path. The folder has to be there.
    pub path: PathBuf,
    /// Bytes after which the next event begins a new file; 0: never, because logrotate does it.
    #[serde(default = "default_rotate_bytes")]
    pub rotate_bytes: u64,
    /// Older files kept beside it, as `PATH.1` and so on.
    #[serde(default = "default_keep")]
    pub keep: u32,
    /// Kinds of events; all where there are none.
    #[serde(default, deserialize_with = "actions")]
    pub actions: Vec<EventAction>,
}

/// A syslog receiver.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SyslogSettings {
    /// Where it is.
    pub to: SyslogTarget,
    /// The facility.
    #[serde(default)]
    pub facility: Facility,
    /// The form of the header.
    #[serde(default)]
    pub format: SyslogFormat,
    /// Longest message over UDP, header included; longer ones are dropped. RFC 5426 wants receivers to take 2,048, common
    /// ones take 8,192.
    #[serde(default = "default_max_bytes")]
    pub max_bytes: usize,
    /// Kinds of events; all where there are none.
    #[serde(default, deserialize_with = "actions")]
    pub actions: Vec<EventAction>,
}

/// The form of the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SyslogFormat {
    /// RFC 5424.
    #[default]
    Rfc5424,
    /// As the C library writes to the local socket: what journald reads, and rsyslog there unless told otherwise.
    Bsd,
}

/// Facilities (RFC 5424, section 6.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the words are those of syslog")]
pub enum Facility {
    User,
    #[default]
    Daemon,
    Auth,
    Authpriv,
    Local0,
    Local1,
    Local2,
    Local3,
    Local4,
    Local5,
    Local6,
    Local7,
}

/// A value that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {what}")]
pub struct Unfit {
    /// The key in `[events]` or a table of it.
    pub key: &'static str,
    /// What to write instead.
    pub what: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            queue: 4_096,
            drain_seconds: 3,
            backoff: Backoff::default(),
            stdout: None,
            file: Vec::new(),
            syslog: Vec::new(),
        }
    }
}

fn default_rotate_bytes() -> u64 {
    100 * 1024 * 1024
}

fn default_keep() -> u32 {
    7
}

fn default_max_bytes() -> usize {
    8_192
}

impl Settings {
    /// Whether anybody wants events.
    pub fn has_outputs(&self) -> bool {
        self.stdout.is_some() || !self.file.is_empty() || !self.syslog.is_empty()
    }

    /// What serde cannot see: numbers out of range, and combinations that make no sense.
    pub fn check(&self) -> Result<(), Unfit> {
        let unfit = |key, what: &str| {
            let what = what.to_owned();
            Err(Unfit { key, what })
        };
        if !(1..=1_000_000).contains(&self.queue) {
            return unfit("queue", "write a number of events from 1 to 1000000");
        }
        if self.drain_seconds > 60 {
            return unfit("drain_seconds", "write a number of seconds from 0 to 60");
        }
        for (index, file) in self.file.iter().enumerate() {
            if !(file.rotate_bytes == 0 || file.rotate_bytes >= 65_536) {
                return unfit("rotate_bytes", "write at least 65536, or 0 for never");
            }
            if file.keep > 1_000 {
                return unfit("keep", "write a number of files from 0 to 1000");
            }
            if !file.path.is_absolute() {
                return unfit("path", "write a path that begins with /");
            }
            // Each would take the other's rotation for somebody who moved the file away.
            if self.file[..index].iter().any(|it| it.path == file.path) {
                return unfit("path", "two outputs have the same file");
            }
        }
        for syslog in &self.syslog {
            if !(480..=65_000).contains(&syslog.max_bytes) {
                return unfit("max_bytes", "write a number of bytes from 480 to 65000");
            }
            let is_local = matches!(syslog.to, SyslogTarget::Unix(_));
            if syslog.format == SyslogFormat::Bsd && !is_local {
                return unfit("format", "`bsd` is for the local socket: it names no host");
            }
        }
        Ok(())
    }
}

impl Facility {
    /// Its number.
    pub fn code(self) -> u8 {
        match self {
            Self::User => 1,
            Self::Daemon => 3,
            Self::Auth => 4,
            Self::Authpriv => 10,
            Self::Local0 => 16,
            Self::Local1 => 17,
            Self::Local2 => 18,
            Self::Local3 => 19,
            Self::Local4 => 20,
            Self::Local5 => 21,
            Self::Local6 => 22,
            Self::Local7 => 23,
        }
    }
}

fn actions<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<EventAction>, D::Error> {
    let words = Vec::<String>::deserialize(input)?;
    let actions = words.iter().map(|word| word.parse());
    actions
        .collect::<Result<_, String>>()
        .map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, String> {
        let settings: Settings = toml::from_str(text).map_err(|error| error.to_string())?;
        settings.check().map_err(|unfit| unfit.to_string())?;
        Ok(settings)
    }

    #[test]
    fn a_whole_table_is_read_and_written() {
        let text = r#"
            [stdout]
            actions = ["straggler_new", "straggler_ended"]
            [[file]]
            path = "/var/log/straggler/events.jsonl"
            [[syslog]]
            to = "tcp://[2001:db8::1]:601"
            facility = "local4"
            [[syslog]]
            to = "unix:///dev/log"
            format = "bsd"
        "#;
        let settings = read(text).unwrap();
        assert_eq!(settings.file[0].keep, 7);
        assert_eq!(settings.syslog[0].facility.code(), 20);
        assert_eq!(
            read(&toml::to_string(&settings).unwrap()).unwrap(),
            settings
        );
        assert_eq!(read("").unwrap(), Settings::default());
    }

    #[test]
    fn faults_say_what_to_write() {
        for (text, words) in [
            ("queu = 1", "unknown field `queu`"),
            ("queue = 0", "from 1 to"),
            ("drain_seconds = 61", "0 to 60"),
            ("[stdout]\nactions = [\"sightings\"]", "`sightings`"),
            ("[[file]]\nkeep = 1", "missing field `path`"),
            ("[[file]]\npath = \"events\"", "begins with /"),
            (
                "[[file]]\npath = \"/a\"\nrotate_bytes = 5",
                "at least 65536",
            ),
            (
                "[[file]]\npath = \"/a\"\n[[file]]\npath = \"/a\"",
                "same file",
            ),
            ("[[syslog]]\nto = \"logs:514\"", "write it like udp://"),
            ("[[syslog]]\nto = \"tcp://logs\"", "write it like"),
            ("[[syslog]]\nto = \"tcp://::1:514\"", "write it like"),
            (
                "[[syslog]]\nto = \"udp://a:1\"\nformat = \"bsd\"",
                "local socket",
            ),
            (
                "[[syslog]]\nto = \"udp://a:1\"\nmax_bytes = 100",
                "480 to 65000",
            ),
            (
                "[[syslog]]\nto = \"udp://a:1\"\nfacility = \"mail\"",
                "unknown variant `mail`",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
