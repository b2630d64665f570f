//! What a daemon with this configuration needs of the system while it runs: what its sandbox leaves it.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::{Config, Refused};
use crate::events::SyslogTarget;
use crate::rules::pack_paths;
use crate::sandbox::{Granted, Needs};
use crate::web;

impl Config {
    /// What it needs. Of a file that may be replaced by another, the folder in which it lies: a new file of the same name is
    /// another one.
    pub fn needs(&self, access: &web::Access) -> Needs {
        let file = &self.file;
        let replaced = self.source.0.iter().chain(&file.inventory);
        let replaced = replaced.chain(&file.leases).cloned().chain(access.files());
        let folders = replaced.flat_map(|path| folders_of(&path));
        let mut read: Vec<PathBuf> = folders.chain(file.rules.clone()).collect();
        // Packs may be links to what lies elsewhere.
        let packs = file.rules.as_deref().map(pack_paths);
        let packs = packs.and_then(Result::ok).unwrap_or_default();
        read.extend(packs.iter().flat_map(|path| folders_of(path)));
        read.extend(file.privacy.key_file.clone());
        // A panic is told with the lines of the program in which it came about.
        read.extend(std::env::current_exe().ok());
        let events = &file.events;
        let logs = events.file.iter().map(|output| folder_of(&output.path));
        let targets = || events.syslog.iter().map(|output| &output.to);
        let addresses = || targets().filter_map(address);
        Needs {
            read,
            write: file.state_dir.iter().cloned().chain(logs).collect(),
            tcp: targets()
                .filter(|target| matches!(target, SyslogTarget::Tcp(_)))
                .filter_map(address)
                .filter_map(|(_, port)| port.parse().ok())
                .collect(),
            sends: !events.syslog.is_empty(),
            looks_up: addresses().any(|(host, _)| is_name(host)),
            captures: !file.interfaces.is_empty(),
            reopens: !file.interfaces.is_empty() && file.capture.reopen,
        }
    }

    /// The sandbox is entered: what was not granted then, a reload cannot have.
    pub fn sandboxed(&mut self, granted: Granted) {
        self.granted = Some(granted);
    }

    /// Refuses a file that names what the sandbox does not let it read.
    pub(super) fn check_granted(&self, new: &super::File) -> Result<(), Refused> {
        let Some(granted) = &self.granted else {
            return Ok(());
        };
        let rules = new.rules.iter().map(|path| ("rules", path));
        let inventory = new.inventory.iter().map(|path| ("inventory", path));
        let leases = new.leases.iter().map(|path| ("leases", path));
        let mut keys: Vec<&str> = rules
            .chain(inventory)
            .chain(leases)
            .filter(|(_, path)| !granted.may_read(path))
            .map(|(key, _)| key)
            .collect();
        keys.dedup();
        if keys.is_empty() {
            return Ok(());
        }
        let origin = self
            .source
            .0
            .as_ref()
            .map(|path| path.display().to_string());
        Err(Refused::Sandbox {
            origin: origin.unwrap_or_default(),
            keys: keys.join("`, `"),
        })
    }
}

/// The folder of a file, and that of what it is a link to: whichever of both is replaced, the new one can be read.
fn folders_of(path: &Path) -> Vec<PathBuf> {
    let target = path.canonicalize().ok().map(|target| folder_of(&target));
    std::iter::once(folder_of(path)).chain(target).collect()
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Host and port of a receiver that is not a local socket.
fn address(target: &SyslogTarget) -> Option<(&str, &str)> {
    match target {
        SyslogTarget::Udp(address) | SyslogTarget::Tcp(address) => address.rsplit_once(':'),
        SyslogTarget::Unix(_) => None,
    }
}

fn is_name(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.parse::<IpAddr>().is_err()
}
