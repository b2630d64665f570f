//! A site in network namespaces: a gateway with the sensor on it, its clients and servers, and what is outside. Real
//! clients do what makes every status, role and coverage, and the same must stand in `/metrics`, in `report`, and in the
//! replay of what was recorded meanwhile.
//!
//! ```text
//! clients 10.98.0.0/24, fd98::/64 -- lan [gateway] wan -- servers of vendors 203.0.113.0/24, 2001:db8::/64
//! servers 10.98.1.0/24 ------------- dmz [   "   ]
//! a router that hides two machines - shop[   "   ]
//! ```
//!
//! Needs root and the tools that `make test-long` installs; says so and skips where they are missing.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod expected;
#[path = "../live/namespace.rs"]
mod namespace;
#[path = "../live/needs.rs"]
mod needs;
mod recording;
mod reloading;
mod scene;
mod sensor;
#[path = "../served/mod.rs"]
mod served;
mod site;
#[path = "../support/mod.rs"]
mod support;
mod yesterday;

use std::time::{Duration, SystemTime};

use recording::Recorder;
use sensor::Sensor;
use site::{Site, TOOLS};

/// How long after its start the vendor of one client has its cutoff: in the middle of a download.
const CUTOFF_COMES_AFTER: Duration = Duration::from_secs(30);
/// A client that gets nothing repeats itself for half a minute, and half a minute of silence behind that is told.
const SILENCE_TELLS_AFTER: Duration = Duration::from_secs(75);

#[test]
fn all_that_hosts_may_do_is_told_as_it_is() {
    if !needs::are_here(&TOOLS) {
        return;
    }
    let Some(python) = needs::aioquic() else {
        return;
    };
    let start = SystemTime::now();
    let cutoff = start + CUTOFF_COMES_AFTER;
    let site = Site::build(&python);
    let seen_before = yesterday::write(&site, start);

    let recorder = Recorder::start(&site, &["lan", "dmz"]);
    // One sensor has seen the whole day; one was away since the hosts used their products; one sees a shop behind a router.
    let sensor = Sensor::start(
        &site,
        "whole-day",
        &["lan", "dmz"],
        &seen_before.whole,
        cutoff,
    );
    let late = Sensor::start(&site, "late", &["lan", "dmz"], &seen_before.early, cutoff);
    let shop = Sensor::start_new(&site, "shop", &["shop"], cutoff);
    // The same as the first one, with several workers on each interface.
    let shared = [("two-workers", 2), ("four-workers", 4)].map(|named| {
        Sensor::start_shared(&site, named, &["lan", "dmz"], &seen_before.whole, cutoff)
    });

    let downloaded = reloading::during(&sensor, || {
        scene::play(&site, &python, start + SILENCE_TELLS_AFTER)
    });

    let recording = recorder.end(&site);
    expected::of_the_whole_day(&sensor, &downloaded);
    for sensor in &shared {
        eprintln!("{}", sensor.name());
        expected::of_the_whole_day(sensor, &downloaded);
        expected::workers_share(sensor);
    }
    expected::of_the_late_one(&late);
    expected::of_the_shop(&shop);
    let told = sensor.end();
    expected::of_the_events(&told.events);
    reloading::is_told_by(&told.events);
    let replayed = told.replay(&[&seen_before.whole, &recording]);
    expected::same_findings(&told.report, &replayed);
    for sensor in shared {
        expected::same_findings(&told.report, &sensor.end().report);
    }
    late.end();
    shop.end();
    // Afterwards, because two cores are enough for one of them at a time.
    reloading::changes_no_count();
}
