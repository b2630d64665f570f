//! What a running daemon takes over when the configuration changes, and what needs a restart.

use super::file::File;
use super::stamps::{FileStamp, of_packs, stamp};
use super::{Config, Refused};

impl Config {
    /// Reads file and packs again, with the same flags on top. Refuses a change that needs a restart.
    pub fn again(&self) -> Result<Self, Refused> {
        let (path, overrides) = &self.source;
        if let Some(path) = path {
            let mut file = File::read(path)?;
            file.rules = overrides.rules.clone().or(file.rules);
            self.check_granted(&file)?;
        }
        let mut new = Self::load(path.as_deref(), overrides.clone())?;
        new.granted.clone_from(&self.granted);
        let fixed = self.file.fixed_changes(&new.file);
        if fixed.is_empty() {
            return Ok(new);
        }
        let origin = path.as_ref().map(|path| path.display().to_string());
        Err(Refused::Restart {
            origin: origin.unwrap_or_default(),
            keys: fixed.join("`, `"),
        })
    }

    /// How the file and the packs of the folder lie there now.
    pub fn stamps(&self) -> Vec<FileStamp> {
        let file = self.source.0.iter().map(|path| stamp(path));
        file.chain(of_packs(self.file.rules.as_deref())).collect()
    }
}

impl File {
    /// Keys that differ and cannot change while the daemon runs: what it has opened, and what all rests on that it has
    /// noted.
    fn fixed_changes(&self, new: &Self) -> Vec<&'static str> {
        // Every key is named, so that a new one must be put on one side.
        let Self {
            sensor,
            interfaces,
            listen,
            web_config,
            web_reload,
            state_dir,
            local_networks,
            log,
            capture,
            limits,
            store,
            events,
            privacy,
            rules: _,
            resolvers: _,
            inventory: _,
            leases: _,
            sensor_addresses: _,
            watch_sensor: _,
            block_addresses: _,
            block_pages: _,
            transfer_threshold_bytes: _,
            exception: _,
            group: _,
            vendor: _,
        } = self;
        let fixed = [
            ("sensor", *sensor != new.sensor),
            ("interfaces", *interfaces != new.interfaces),
            ("listen", *listen != new.listen),
            ("web_config", *web_config != new.web_config),
            ("web_reload", *web_reload != new.web_reload),
            ("state_dir", *state_dir != new.state_dir),
            ("local_networks", *local_networks != new.local_networks),
            ("log", *log != new.log),
            ("capture", *capture != new.capture),
            ("limits", *limits != new.limits),
            ("store", *store != new.store),
            ("events", *events != new.events),
            ("privacy", *privacy != new.privacy),
        ];
        let changed = fixed.into_iter().filter(|(_, differs)| *differs);
        changed.map(|(key, _)| key).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Overrides, Refused};

    const PACK: &str = include_str!("../../rules/kaspersky.toml");

    #[test]
    fn what_can_change_is_taken_over_and_the_rest_needs_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("straggler.toml");
        let rules = folder.path().join("rules");
        std::fs::create_dir(&rules).unwrap();
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write("listen = \"127.0.0.1:1\"");
        let overrides = Overrides {
            listen: Some("127.0.0.1:2".parse().unwrap()),
            rules: Some(rules.clone()),
            ..Overrides::default()
        };
        let config = Config::load(Some(&path), overrides).unwrap();
        let before = config.stamps();
        // The flag wins, as it did.
        write("listen = \"127.0.0.1:3\"\n[vendor.kaspersky]\ncutoffs = [\"us-federal-2018\"]");
        std::fs::write(rules.join("kaspersky.toml"), PACK).unwrap();
        assert_ne!(config.stamps(), before);
        let again = config.again().unwrap();
        assert_eq!(again.file.listen, config.file.listen);
        assert!(again.file.vendor.contains_key("kaspersky"));
        let pack = again.library.pack("kaspersky").unwrap();
        assert!(pack.origin.contains("rules"), "{}", pack.origin);
        for (text, words) in [
            ("local_networks = [\"10.0.0.0/8\"]", "`local_networks`"),
            ("log = \"debug\"\n[limits]\nflows = 7", "`log`, `limits`"),
        ] {
            write(text);
            let refused = config.again().err().unwrap();
            assert!(matches!(refused, Refused::Restart { .. }));
            let told = refused.to_string();
            assert!(told.contains(words) && told.contains("restart"), "{told}");
        }
        write("lissten = 1");
        assert!(matches!(config.again(), Err(Refused::File(_))));
    }
}
