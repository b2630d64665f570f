//! The text exposition format, made once for all who ask at the same time.

use std::io::{BufWriter, Read};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::{Counter, MetricFamily};
use prometheus::{Encoder, TextEncoder};

use super::gather::gather;
use super::samples::Part;
use super::{Board, Scene, Settings};

/// How long a scrape is as good as another: what is not of the scene, the process's own figures, is this old at most.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// Bytes of text that are packed in one go.
const PACKED_AT_ONCE: usize = 64 * 1024;

/// The metrics of a board in the text exposition format.
pub struct Exposition {
    board: Arc<Board>,
    settings: Settings,
    /// The most combinations left out at any scrape.
    most_rejected: AtomicU64,
    process: ProcessCollector,
    latest: Mutex<Option<Made>>,
}

/// One scrape. It is kept packed with gzip: with many hosts a tenth of the memory, and as most ask for it.
#[derive(Clone, Debug)]
pub struct Scrape(Bytes);

struct Made {
    /// Of which scene; without holding it, because one that is over takes as much memory as the one that is shown.
    of: Weak<Scene>,
    at: Instant,
    scrape: Scrape,
}

impl Scrape {
    /// As gzip.
    pub fn packed(self) -> Bytes {
        self.0
    }

    /// As text.
    pub fn plain(&self) -> std::io::Result<Vec<u8>> {
        let mut text = Vec::new();
        GzDecoder::new(&*self.0).read_to_end(&mut text)?;
        Ok(text)
    }
}

impl Exposition {
    /// The metrics of what stands on this board, and of the process.
    pub fn new(board: Arc<Board>, settings: Settings) -> Self {
        Self {
            board,
            settings,
            most_rejected: AtomicU64::new(0),
            process: ProcessCollector::for_self(),
            latest: Mutex::new(None),
        }
    }

    /// The metrics as of now. With many hosts it takes a tenth of a second and some ten megabytes to make them, so whoever
    /// asks within a second of another, and of the same scene, gets the same.
    pub fn scrape(&self) -> Result<Scrape, prometheus::Error> {
        // What a thread that panicked had not finished it had not put here.
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let scene = self.board.load_full();
        if let Some(made) = &*latest
            && std::ptr::eq(made.of.as_ptr(), Arc::as_ptr(&scene))
            && made.at.elapsed() < FRESH_FOR
        {
            return Ok(made.scrape.clone());
        }
        // The encoder writes label by label, and the packer clears its whole buffer at each write.
        let packer = GzEncoder::new(Vec::new(), Compression::fast());
        let mut packer = BufWriter::with_capacity(PACKED_AT_ONCE, packer);
        let encoder = TextEncoder::new();
        for part in Part::all() {
            let families = gather(part, &scene, &self.settings, &self.most_rejected);
            encoder.encode(&families, &mut packer)?;
        }
        encoder.encode(&self.process(), &mut packer)?;
        let packed = packer
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?;
        let scrape = Scrape(Bytes::from(packed.finish()?));
        *latest = Some(Made {
            of: Arc::downgrade(&scene),
            at: Instant::now(),
            scrape: scrape.clone(),
        });
        Ok(scrape)
    }

    /// The process's own figures. The collector counts processor time in whole seconds, of which a rate is a staircase; here
    /// it is told as the system counts it, mostly in hundredths.
    fn process(&self) -> Vec<MetricFamily> {
        let mut families = self.process.collect();
        let spent = families
            .iter_mut()
            .find(|family| family.name() == "process_cpu_seconds_total");
        let stat = procfs::process::Process::myself().and_then(|process| process.stat());
        if let (Some(spent), Ok(stat)) = (spent, stat) {
            let ticks = (stat.utime + stat.stime) as f64;
            let mut counter = Counter::default();
            counter.set_value(ticks / procfs::ticks_per_second() as f64);
            for metric in spent.mut_metric() {
                metric.set_counter(counter.clone());
            }
        }
        families
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_told_finer_than_in_seconds() {
        let exposition = Exposition::new(Arc::default(), Settings::default());
        let spent = || {
            let families = exposition.process();
            let mut all = families.iter();
            let family = all.find(|family| family.name() == "process_cpu_seconds_total");
            family.unwrap().get_metric()[0].get_counter().get_value()
        };
        let first = spent();
        let begun = Instant::now();
        let mut now = first;
        while now == first && begun.elapsed() < Duration::from_secs(20) {
            now = spent();
        }
        assert!(now > first && now - first < 0.5, "{first}, then {now}");
    }
}
