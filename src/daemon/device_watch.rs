//! Looks every few seconds whether files about devices changed, and reads them again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

use crate::config::DeviceFiles;
use crate::hosts::Listings;

/// How often files are looked at.
const EVERY: Duration = Duration::from_secs(2);

/// What a new reading came to: what is in force from now on, or why nothing changes.
pub(super) type Reading = Result<Listings, String>;

/// Runs until told to stop or nobody listens. A server may be writing while its file is read, so a fault is told when it is
/// still there the next time; until a file is sound again the former content stays in force.
pub(super) fn run(files: &DeviceFiles, readings: &Sender<Reading>, stop: &AtomicBool) {
    // Of the reading at start nothing is known, so all are read once more.
    let mut known = Vec::new();
    let mut doubtful: Option<String> = None;
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(EVERY);
        let stamps = files.stamps();
        if stamps == known && doubtful.is_none() {
            continue;
        }
        let is_settled = std::mem::replace(&mut known, stamps.clone()) == stamps;
        let reading = files.read().map_err(|error| error.to_string());
        match (&reading, doubtful.take()) {
            (Err(fault), before) if !is_settled || before.as_ref() != Some(fault) => {
                doubtful = Some(fault.clone());
            }
            _ => {
                if readings.send(reading).is_err() {
                    return;
                }
            }
        }
    }
}
