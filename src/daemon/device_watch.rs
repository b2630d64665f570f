//! Looks every few seconds whether files about devices changed, and reads them again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::settling::Settling;
use crate::config::{DeviceFileError, DeviceFiles};
use crate::hosts::Listings;

/// How often files are looked at.
pub(super) const EVERY: Duration = Duration::from_secs(2);

/// What a new reading came to: what is in force from now on, or why nothing changes.
pub(super) type Reading = Result<Listings, DeviceFileError>;

/// Looks that often; runs until told to stop or nobody listens. Until a file is sound again the former content stays in
/// force.
pub(super) fn run(
    files: &ArcSwap<DeviceFiles>,
    every: Duration,
    readings: &Sender<Reading>,
    stop: &AtomicBool,
) {
    // Of the reading at start nothing is known, so all are read once more, if there are any.
    let mut settling = Settling::known(Vec::new());
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(every);
        let files = files.load();
        if let Some(reading) = settling.look(files.stamps(), || files.read())
            && readings.send(reading).is_err()
        {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::HostKey;
    use std::sync::Arc;
    use std::sync::mpsc;

    #[test]
    fn what_changes_is_read_again_and_what_is_bad_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inventory.csv");
        let write = |rows: &str| std::fs::write(&path, format!("address,id\n{rows}\n")).unwrap();
        write("10.0.0.1,a");
        let files = ArcSwap::from_pointee(DeviceFiles {
            inventory: Some(path.clone()),
            leases: Vec::new(),
        });
        let (sender, readings) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let every = Duration::from_millis(20);
        let thread = std::thread::spawn(move || run(&files, every, &sender, &told));
        let next = || readings.recv_timeout(Duration::from_secs(20)).unwrap();
        let has = |reading: Reading, id: &str| {
            let id = HostKey::restored(id);
            reading.unwrap().inventory.has_id(&id)
        };
        assert!(has(next(), "a"));
        write("10.0.0.1,bb");
        assert!(has(next(), "bb"));
        write("10.0.0.x,ccc");
        let fault = next().unwrap_err();
        assert!(!fault.clone().discreet().to_string().contains("10.0.0.x"));
        let fault = fault.to_string();
        assert!(fault.contains("inventory.csv:2: `10.0.0.x`"), "{fault}");
        // Told once, until it is mended.
        std::thread::sleep(10 * every);
        assert!(readings.try_recv().is_err());
        write("10.0.0.1,dddd");
        assert!(has(next(), "dddd"));
        stop.store(true, Ordering::Relaxed);
        thread.join().unwrap();
    }
}
