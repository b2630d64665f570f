//! The text exposition format, made once for all who ask at the same time.

use std::io::Read;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use prometheus::process_collector::ProcessCollector;
use prometheus::{Encoder, Registry, TextEncoder};

use super::{Board, Scene, SceneCollector, Settings};

/// How long a scrape is as good as another: what is not of the scene, the process's own figures, is this old at most.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// The metrics of a board in the text exposition format.
pub struct Exposition {
    registry: Registry,
    board: Arc<Board>,
    latest: Mutex<Option<Made>>,
}

/// One scrape. It is kept packed with gzip: with many hosts a tenth of the memory, and as most ask for it.
#[derive(Clone, Debug)]
pub struct Scrape(Bytes);

struct Made {
    of: Arc<Scene>,
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
    /// Registers the collector and the process metrics.
    pub fn new(board: Arc<Board>, settings: Settings) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        registry.register(Box::new(SceneCollector {
            board: Arc::clone(&board),
            settings,
            most_rejected: AtomicU64::new(0),
        }))?;
        registry.register(Box::new(ProcessCollector::for_self()))?;
        Ok(Self {
            registry,
            board,
            latest: Mutex::new(None),
        })
    }

    /// The metrics as of now. With many hosts it takes a tenth of a second and some ten megabytes to make them, so whoever
    /// asks within a second of another, and of the same scene, gets the same.
    pub fn scrape(&self) -> Result<Scrape, prometheus::Error> {
        // What a thread that panicked had not finished it had not put here.
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let scene = self.board.load_full();
        if let Some(made) = &*latest
            && Arc::ptr_eq(&made.of, &scene)
            && made.at.elapsed() < FRESH_FOR
        {
            return Ok(made.scrape.clone());
        }
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        TextEncoder::new().encode(&self.registry.gather(), &mut packer)?;
        let scrape = Scrape(Bytes::from(packer.finish()?));
        *latest = Some(Made {
            of: scene,
            at: Instant::now(),
            scrape: scrape.clone(),
        });
        Ok(scrape)
    }
}
