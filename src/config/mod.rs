//! The configuration: a file, flags on top, and from both the settings of each part.

mod device_files;
mod exception;
mod file;
mod group;
mod needs;
mod refused;
mod reload;
mod stamps;
mod values;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::hosts::Listings;
use crate::model::{LinkType, LocalNetworks, Pack, VendorId};
use crate::privacy::Pseudonyms;
use crate::rules::{Library, RuleSet};
use crate::sandbox::Granted;
use crate::{capture, evidence, flows, ledger, metrics, replay, store, tracker, web};

pub use device_files::{DeviceFileError, DeviceFiles};
pub use exception::Exception;
pub use file::{ConfigError, EXAMPLE, File, LogLevel, VendorChoice};
pub use group::Group;
pub use refused::Refused;
pub use stamps::FileStamp;

/// Where the page and the metrics are served unless something else is said: this machine only.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:9842";

/// A checked configuration with its rules.
pub struct Config {
    /// The file's content with flags applied.
    pub file: File,
    /// Every pack.
    pub library: Library,
    /// Tokens in place of devices, where the file names a key.
    pseudonyms: Option<Pseudonyms>,
    /// What files say of who devices are.
    pub listings: Listings,
    /// Where all of this comes from.
    source: (Option<PathBuf>, Overrides),
    /// How [`Config::stamps`] were when it was read.
    pub read_when: Vec<FileStamp>,
    /// What the sandbox left, if it is entered.
    granted: Option<Granted>,
}

fn device_files(file: &File) -> DeviceFiles {
    DeviceFiles {
        inventory: file.inventory.clone(),
        leases: file.leases.clone(),
    }
}

/// What the command line says on top of the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Interfaces; replace the file's if there are any.
    pub interfaces: Vec<String>,
    /// Address and port of the server.
    pub listen: Option<SocketAddr>,
    /// Folder of packs.
    pub rules: Option<PathBuf>,
    /// Folder in which findings are kept.
    pub state_dir: Option<PathBuf>,
    /// File that says who is let in to the server.
    pub web_config: Option<PathBuf>,
}

impl Config {
    /// Reads the file, if there is one, applies the flags, loads the packs and checks one against the other.
    pub fn load(path: Option<&Path>, overrides: Overrides) -> Result<Self, Refused> {
        // Before the reading: what changes meanwhile is read again.
        let file_stamp = path.map(stamps::stamp);
        let mut file = match path {
            Some(path) => File::read(path)?,
            None => File::default(),
        };
        let source = (path.map(Path::to_owned), overrides.clone());
        if !overrides.interfaces.is_empty() {
            file.interfaces = overrides.interfaces;
        }
        file.listen = overrides.listen.unwrap_or(file.listen);
        file.rules = overrides.rules.or(file.rules);
        file.state_dir = overrides.state_dir.or(file.state_dir);
        file.web_config = overrides.web_config.or(file.web_config);
        let packs = stamps::of_packs(file.rules.as_deref());
        let library = Library::load(file.rules.as_deref()).map_err(Refused::Packs)?;
        let key_file = file.privacy.key_file.as_deref();
        let pseudonyms = key_file.map(Pseudonyms::read).transpose()?;
        // A refusal goes to the log too, and that to who knows where.
        let listings = device_files(&file).read();
        let listings = match &pseudonyms {
            Some(_) => listings.map_err(DeviceFileError::discreet)?,
            None => listings?,
        };
        let config = Self {
            file,
            library,
            listings,
            pseudonyms,
            source,
            read_when: file_stamp.into_iter().chain(packs).collect(),
            granted: None,
        };
        config.check(path)?;
        Ok(config)
    }

    /// The files that say who devices are.
    pub fn device_files(&self) -> DeviceFiles {
        device_files(&self.file)
    }

    /// Who is let in to the server. Only a daemon and who checks for it may read what this needs.
    pub fn access(&self) -> Result<web::Access, Refused> {
        Ok(web::Access::read(self.file.web_config.as_deref())?)
    }

    /// The packs in force: the enabled ones, as the configuration corrects it.
    pub fn rule_set(&self) -> RuleSet {
        self.library.compile(|pack| self.in_force(pack))
    }

    fn in_force(&self, pack: &Pack) -> bool {
        let choice = self.file.vendor.get(pack.vendor.as_str());
        choice
            .and_then(|choice| choice.enabled)
            .unwrap_or(pack.enabled)
    }

    fn check(&self, path: Option<&Path>) -> Result<(), Refused> {
        let origin = path.map_or("command line".to_owned(), |path| path.display().to_string());
        let refuse = |what: String| Refused::Choice {
            origin: origin.clone(),
            what,
        };
        let chosen = self.file.vendor.keys();
        let chosen = chosen.map(|vendor| (vendor.as_str(), format!("[vendor.{vendor}]")));
        let excepted = self.file.exception.iter().filter_map(Exception::vendor);
        let excepted =
            excepted.map(|vendor| (vendor, format!("[[exception]] vendor = \"{vendor}\"")));
        for (vendor, place) in chosen.chain(excepted) {
            if self.library.pack(vendor).is_none() {
                let packs = self.library.packs();
                let known: Vec<&str> = packs.map(|pack| pack.vendor.as_str()).collect();
                return Err(refuse(format!(
                    "{place}: there is no pack of that vendor; there are: {}",
                    known.join(", ")
                )));
            }
        }
        if let Some(filter) = self.signal_filter(&[]) {
            // Before any interface is opened: the commonest link has the longest filter.
            filter
                .compile(LinkType::ETHERNET, "[capture]")
                .map_err(|error| refuse(error.to_string()))?;
        }
        let rules = self.rule_set();
        evidence::Cutoffs::choose(&rules.packs, &self.evidence())
            .map_err(|unknown| refuse(unknown.to_string()))?;
        Ok(())
    }

    fn evidence(&self) -> evidence::Settings {
        let chosen: BTreeMap<VendorId, Vec<String>> = self
            .file
            .vendor
            .iter()
            .filter_map(|(vendor, choice)| {
                Some((VendorId::parse(vendor)?, choice.cutoffs.clone()?))
            })
            .collect();
        evidence::Settings {
            transfer_threshold: self.file.transfer_threshold_bytes,
            chosen_cutoffs: chosen,
            exceptions: self.file.exception.iter().map(Exception::rule).collect(),
            groups: self.file.group.iter().map(Group::rule).collect(),
        }
    }

    /// Name of the sensor in events: as configured, or the machine's.
    pub fn sensor(&self) -> String {
        let machine = || std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let name = self.file.sensor.clone().unwrap_or_else(machine);
        name.trim().to_owned()
    }

    /// How interfaces are captured.
    pub fn capture(&self) -> capture::Settings {
        self.file.capture.clone()
    }

    /// What the kernel is to pass, where that is not all; `networks` are those of the captured interfaces.
    pub fn signal_filter(&self, networks: &[ipnet::IpNet]) -> Option<capture::SignalFilter> {
        let local = self.local(networks);
        self.is_thinned()
            .then(|| capture::SignalFilter::new(&local))
    }

    /// Whether captures lack what no signal is in.
    fn is_thinned(&self) -> bool {
        self.file.capture.mode == capture::Mode::Signals
    }

    /// How a tracker judges; `networks` are those of the captured interfaces.
    pub fn tracker(&self, networks: &[ipnet::IpNet]) -> tracker::Settings {
        tracker::Settings {
            flows: flows::Settings {
                max_flows: self.file.limits.flows,
                ..flows::Settings::default()
            },
            first_bytes: self.file.limits.first_bytes,
            transfer_threshold: self.file.transfer_threshold_bytes,
            block_addresses: self.file.block_addresses.clone(),
            block_pages: self
                .file
                .block_pages
                .iter()
                .cloned()
                .map(String::from)
                .collect(),
            local: self.local(networks),
            thinned: self.is_thinned(),
            interface: None,
            one_of_several: self.file.interfaces.len() > 1,
            events: self.file.events.has_outputs(),
        }
    }

    /// How the ledger judges; `networks` are those of the captured interfaces.
    pub fn ledger(&self, networks: &[ipnet::IpNet]) -> ledger::Settings {
        ledger::Settings {
            evidence: self.evidence(),
            local_networks_known: self.local(networks).known(),
            local: self.local(networks),
            resolvers: self.file.resolvers.clone(),
            sensor_addresses: self.file.sensor_addresses.clone(),
            watch_sensor: self.file.watch_sensor,
            events: self.file.events.has_outputs(),
            keep: self.file.state_dir.is_some(),
            listings: self.listings.clone(),
        }
    }

    /// How captures are judged.
    pub fn replay(&self) -> replay::Settings {
        replay::Settings {
            // Nobody takes what happens in a replay, unless the daemon runs it.
            tracker: tracker::Settings {
                events: false,
                ..self.tracker(&[])
            },
            ledger: ledger::Settings {
                // Nobody takes what happens in a replay, or keeps it.
                events: false,
                keep: false,
                ..self.ledger(&[])
            },
            filter: self.signal_filter(&[]),
            at: None,
        }
    }

    /// What stands for devices in every output, where that is asked for; `networks` are those of the captured interfaces.
    pub fn pseudonyms(&self, networks: &[ipnet::IpNet]) -> Option<Pseudonyms> {
        let pseudonyms = self.pseudonyms.clone()?;
        Some(pseudonyms.within(self.local(networks)))
    }

    /// How much the store may take.
    pub fn store(&self) -> store::Settings {
        store::Settings {
            max_bytes: self.file.store.max_bytes,
            ..store::Settings::default()
        }
    }

    /// For how long findings are kept, in capture time.
    pub fn retention(&self) -> Duration {
        Duration::from_secs(u64::from(self.file.store.retention_days) * 24 * 3600)
    }

    /// How many series the metrics may have.
    pub fn metrics(&self) -> metrics::Settings {
        metrics::Settings {
            host_series: self.file.limits.host_series,
        }
    }

    fn local(&self, networks: &[ipnet::IpNet]) -> LocalNetworks {
        let given = self.file.local_networks.iter().map(|network| network.0);
        LocalNetworks::new(given.chain(networks.iter().copied()).collect())
    }
}
