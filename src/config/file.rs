//! The configuration file. The format is closed: an unknown key is an error with its place.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::group::{self, Group};
use super::values::{HostName, Network};
use super::{DEFAULT_LISTEN, Exception};
use crate::model::{in_one_line, line_and_column};
use crate::{capture, events, flows, metrics, store, tracker};

/// Every key with its default and what it means; a test keeps it so.
pub const EXAMPLE: &str = include_str!("example.toml");

/// The keys of the file; `example.toml` says what each means.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    /// Name of this sensor in events; the machine's where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensor: Option<String>,
    /// Interfaces to capture.
    pub interfaces: Vec<String>,
    /// Address and port of the server.
    pub listen: SocketAddr,
    /// File that says who is let in to the server, and over what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_config: Option<PathBuf>,
    /// Whether `POST /-/reload` reads configuration and packs again.
    pub web_reload: bool,
    /// Folder of packs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<PathBuf>,
    /// Folder in which findings are kept; nothing is kept where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<PathBuf>,
    /// Networks whose hosts are watched.
    pub local_networks: Vec<Network>,
    /// Resolvers of the network that are not local.
    pub resolvers: Vec<IpAddr>,
    /// The inventory of devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inventory: Option<PathBuf>,
    /// Lease files of DHCP servers.
    pub leases: Vec<PathBuf>,
    /// Addresses of the sensor's own machine.
    pub sensor_addresses: Vec<IpAddr>,
    /// Whether the sensor's own machine may be a straggler.
    pub watch_sensor: bool,
    /// Addresses given instead of blocked names.
    pub block_addresses: Vec<IpAddr>,
    /// Hosts of the pages that are shown instead of blocked ones.
    pub block_pages: Vec<HostName>,
    /// Payload bytes that make a contact a transfer.
    pub transfer_threshold_bytes: u64,
    /// What goes to standard error.
    pub log: LogLevel,
    /// How interfaces are captured.
    pub capture: capture::Settings,
    /// Bounds.
    pub limits: Limits,
    /// How much is kept, and for how long.
    pub store: Keep,
    /// Where events go.
    pub events: events::Settings,
    /// What is hidden.
    #[serde(skip_serializing_if = "Privacy::is_off")]
    pub privacy: Privacy,
    /// Hosts left out of account for a while.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exception: Vec<Exception>,
    /// Hosts that other cutoffs bind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub group: Vec<Group>,
    /// Choices for vendors.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub vendor: BTreeMap<String, VendorChoice>,
}

/// Bounds of tables.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Flows kept at once.
    pub flows: usize,
    /// Bytes of unfinished hellos kept at once.
    pub first_bytes: usize,
    /// Combinations of host, vendor and category exported as metrics.
    pub host_series: usize,
}

/// What is hidden.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Privacy {
    /// File with the key of pseudonyms.
    pub key_file: Option<PathBuf>,
}

impl Privacy {
    fn is_off(&self) -> bool {
        self.key_file.is_none()
    }
}

/// How much is kept in the state folder, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keep {
    /// Days of capture time for which findings are kept.
    pub retention_days: u32,
    /// Bytes to which the file may grow.
    pub max_bytes: u64,
}

/// A choice for one vendor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct VendorChoice {
    /// Whether the pack is in force.
    pub enabled: Option<bool>,
    /// Which of its cutoffs bind.
    pub cutoffs: Option<Vec<String>>,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What needs somebody.
    Error,
    /// What may need somebody.
    Warn,
    /// What happened.
    #[default]
    Info,
    /// What it did.
    Debug,
    /// Everything.
    Trace,
}

/// Why the file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("{path}: {why}")]
    Unreadable {
        /// Path of the file.
        path: String,
        /// The system's words.
        why: String,
    },
    /// Its text is wrong.
    #[error("{path}:{line}:{column}: {what}; `straggler config example` shows every key")]
    Wrong {
        /// Path of the file.
        path: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong.
        what: String,
    },
}

impl Default for File {
    fn default() -> Self {
        let tracker = tracker::Settings::default();
        Self {
            sensor: None,
            interfaces: Vec::new(),
            // The constant is an address; a test parses it.
            listen: DEFAULT_LISTEN
                .parse()
                .unwrap_or_else(|_| SocketAddr::from(([127, 0, 0, 1], 9842))),
            web_config: None,
            web_reload: false,
            rules: None,
            state_dir: None,
            local_networks: Vec::new(),
            resolvers: Vec::new(),
            inventory: None,
            leases: Vec::new(),
            sensor_addresses: Vec::new(),
            watch_sensor: false,
            block_addresses: tracker.block_addresses,
            block_pages: Vec::new(),
            transfer_threshold_bytes: tracker.transfer_threshold,
            log: LogLevel::default(),
            capture: capture::Settings::default(),
            limits: Limits::default(),
            store: Keep::default(),
            events: events::Settings::default(),
            privacy: Privacy::default(),
            exception: Vec::new(),
            group: Vec::new(),
            vendor: BTreeMap::new(),
        }
    }
}

impl Default for Keep {
    fn default() -> Self {
        Self {
            retention_days: 400,
            max_bytes: store::Settings::default().max_bytes,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            flows: flows::Settings::default().max_flows,
            first_bytes: tracker::Settings::default().first_bytes,
            host_series: metrics::Settings::default().host_series,
        }
    }
}

/// Bytes of a configuration: some hundred thousand exceptions.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

impl File {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let unreadable = |why: String| ConfigError::Unreadable {
            path: name.clone(),
            why,
        };
        let mut text = String::new();
        // It may be a pipe, whose size nobody knows.
        let file = std::fs::File::open(path).map_err(|error| unreadable(error.to_string()))?;
        let read = file.take(MAX_BYTES + 1).read_to_string(&mut text);
        let read = read.map_err(|error| unreadable(error.to_string()))?;
        if read as u64 > MAX_BYTES {
            return Err(unreadable(format!(
                "it is larger than the {MAX_BYTES} bytes that a configuration may have"
            )));
        }
        Self::parse(&name, &text)
    }

    /// Reads a text; `name` stands in errors.
    pub fn parse(name: &str, text: &str) -> Result<Self, ConfigError> {
        let file: Self = toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            wrong(
                name,
                text,
                offset,
                error.message().trim_end().replace('\n', "; "),
            )
        })?;
        let bad = |key: &str, what: &str| {
            let offset = text.find(key).unwrap_or(0);
            Err(wrong(name, text, offset, format!("{key}: {what}")))
        };
        if file.limits.flows == 0 || file.limits.flows > 16_777_216 {
            return bad("flows", "write a number from 1 to 16777216");
        }
        if !(64..=262_144).contains(&file.capture.snap_length) {
            return bad("snap_length", "write a number of bytes from 64 to 262144");
        }
        if !(65_536..=1_073_741_824).contains(&file.capture.buffer) {
            return bad("buffer", "write a number of bytes from 65536 to 1073741824");
        }
        if !(1..=capture::MAX_WORKERS).contains(&file.capture.workers) {
            return bad("workers", "write a number from 1 to 16");
        }
        if file.capture.mode == capture::Mode::Signals && file.local_networks.is_empty() {
            return bad(
                "mode",
                "\"signals\" needs to know which side is yours: name your networks in `local_networks`, above all tables, or \
                 write \"full\"",
            );
        }
        if file.transfer_threshold_bytes == 0 {
            return bad(
                "transfer_threshold_bytes",
                "write a number of bytes, at least 1",
            );
        }
        if let Some(name) = group::repeated(&file.group) {
            return bad("[[group]]", &format!("the name `{name}` stands twice"));
        }
        if !(2..=36_500).contains(&file.store.retention_days) {
            return bad("retention_days", "write a number of days from 2 to 36500");
        }
        if file.store.max_bytes < 1 << 20 {
            return bad("max_bytes", "write a number of bytes, at least 1048576");
        }
        if let Err(unfit) = file.events.check() {
            return bad(unfit.key, &unfit.what);
        }
        Ok(file)
    }
}

fn wrong(name: &str, text: &str, offset: usize, what: String) -> ConfigError {
    let (line, column) = line_and_column(text, offset);
    ConfigError::Wrong {
        path: name.to_owned(),
        line,
        column,
        what: in_one_line(&what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_holds_the_defaults_and_every_key() {
        let example = File::parse("example.toml", EXAMPLE).unwrap();
        assert_eq!(example, File::default());
        let commented: String = EXAMPLE
            .lines()
            .map(|line| {
                let code = line.strip_prefix("# ").filter(|code| {
                    code.starts_with('[') || (code.contains(" = ") && !code.contains('`'))
                });
                format!("{}\n", code.unwrap_or(line))
            })
            .collect();
        let full = File::parse("example.toml", &commented).unwrap();
        assert!(full.rules.is_some() && full.vendor["kaspersky"].cutoffs.is_some());
        let written = toml::to_string(&full).unwrap();
        for line in written.lines().filter_map(|line| line.split_once(" = ")) {
            assert!(
                commented.contains(&format!("{} = ", line.0)),
                "{} is not in the example",
                line.0
            );
        }
        assert_eq!(DEFAULT_LISTEN.parse(), Ok(File::default().listen));
    }

    #[test]
    fn faults_say_where() {
        for (text, line, words) in [
            ("\nlistn = \"x\"", 2, "unknown field `listn`"),
            ("listen = \"nonsense\"", 1, "socket address"),
            ("\n\n[limits]\nflows = 0", 4, "from 1 to"),
            ("[capture]\nsnap_length = 5", 2, "64 to 262144"),
            (
                "[capture]\nworkers = 0",
                2,
                "workers: write a number from 1 to 16",
            ),
            ("[capture]\nworkers = 17", 2, "from 1 to 16"),
            ("[capture]\nmode = \"signals\"", 2, "`local_networks`"),
            ("[capture]\nmode = \"half\"", 2, "unknown variant"),
            (
                "local_networks = [\"10.0.0.0/40\"]",
                1,
                "`10.0.0.0/40` is no network; write it like 192.0.2.0/24",
            ),
            ("[store]\nretention_days = 1", 2, "from 2 to 36500"),
            ("[store]\nmax_bytes = 1", 2, "at least 1048576"),
            ("log = \"loud\"", 1, "unknown variant `loud`"),
            ("log = \"\t\"", 1, "unknown variant `\\t`"),
        ] {
            let error = File::parse("s.toml", text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("s.toml:{line}:")), "{error}");
            assert!(error.contains(words), "{error}");
        }
    }
}
