//! Live capture: a non-blocking libpcap handle and a poll.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use pcap::{Active, Capture, Device};
use rustix::net::netdevice;

use super::error::words;
use super::{
    CaptureError, FrameSource, Pumped, Settings, SignalFilter, Stats, WrappedCounter, fanout,
    interfaces,
};
use crate::model::{Frame, LinkType, Timestamp};

const PACKETS: Token = Token(0);

/// How long the kernel may hold frames back to fill a block, in milliseconds: the price of fewer wake-ups, and well
/// under what a person calls a delay.
const BLOCK_TIMEOUT_MS: i32 = 100;

/// Least kernel buffer of each of several workers. The kernel closes a block, of some 128 KiB, every tenth of a second however
/// little is in it, so a small buffer is full after a second in which nobody reads, even on a link where little passes.
const LEAST_BUFFER: u32 = 8 * 1024 * 1024;
/// What is in the buffer is there to be read after this time: a block is closed at the second look of its timer at the
/// latest.
const BLOCKS_CLOSED_AFTER: Duration = Duration::from_millis(3 * BLOCK_TIMEOUT_MS as u64);

/// A captured interface.
pub struct Live {
    interface: String,
    /// The kernel's number of it, which stays whatever its name becomes; `None` of what is no single interface.
    index: Option<u32>,
    capture: Capture<Active>,
    link: LinkType,
    poll: Poll,
    events: Events,
    kernel_drops: WrappedCounter,
    interface_drops: WrappedCounter,
    stats: Stats,
    share: Share,
}

/// What has the name now by which an interface was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Naming {
    /// It still does, as far as the system says.
    AsOpened,
    /// Nobody: it is called this now.
    Renamed(String),
    /// Another interface; the one that was opened is called this.
    Another(String),
}

/// Which part of an interface a handle has: the `at`th of `of`.
#[derive(Clone, Copy, Debug)]
struct Share {
    at: u32,
    of: u32,
}

impl Share {
    const WHOLE: Self = Self { at: 0, of: 1 };

    /// Its part of a count that all parts know whole. The parts make up the count.
    fn part(self, count: u64) -> u64 {
        (count + u64::from(self.at)) / u64::from(self.of)
    }
}

impl Live {
    /// Opens an interface, or `any` for all of them, as many times as the settings have workers: each frame comes to one
    /// handle, and the same two machines always to the same one.
    pub fn open_shared(
        interface: &str,
        settings: &Settings,
        filter: Option<&SignalFilter>,
    ) -> Result<Vec<Self>, CaptureError> {
        if settings.workers <= 1 {
            return Ok(vec![Self::open(interface, settings, filter)?]);
        }
        let of = settings.workers;
        let settings = Settings {
            buffer: (settings.buffer / of).max(LEAST_BUFFER.min(settings.buffer)),
            ..settings.clone()
        };
        let refuse = |error: std::io::Error| CaptureError::NoWorkers {
            interface: interface.to_owned(),
            why: error.to_string(),
        };
        let mut handles = Vec::new();
        for at in 0..of {
            let mut live = Self::open(interface, &settings, None)?;
            // Until they share, each of them gets every frame.
            fanout::close(&live.capture).map_err(refuse)?;
            live.share = Share { at, of };
            handles.push(live);
        }
        std::thread::sleep(BLOCKS_CLOSED_AFTER);
        for live in &mut handles {
            live.empty()?;
        }
        let sockets: Vec<BorrowedFd<'_>> =
            handles.iter().map(|live| live.capture.as_fd()).collect();
        fanout::share(&sockets).map_err(refuse)?;
        for live in &mut handles {
            match filter {
                // It replaces the one that lets nothing through.
                Some(filter) => live.thin(filter)?,
                None => fanout::open(&live.capture).map_err(refuse)?,
            }
        }
        Ok(handles)
    }

    /// Opens an interface, or `any` for all of them. With a filter the kernel passes only what that lets through.
    pub fn open(
        interface: &str,
        settings: &Settings,
        filter: Option<&SignalFilter>,
    ) -> Result<Self, CaptureError> {
        let fail = |error: &pcap::Error| refusal(interface, &words(error));
        let clamp = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
        let capture = Capture::from_device(Device::from(interface))
            .map_err(|error| fail(&error))?
            .snaplen(clamp(settings.snap_length))
            .buffer_size(clamp(settings.buffer))
            .promisc(settings.promiscuous)
            .timeout(BLOCK_TIMEOUT_MS)
            .open()
            .map_err(|error| fail(&error))?
            .setnonblock()
            .map_err(|error| fail(&error))?;
        let link = LinkType(capture.get_datalink().0);
        let broken = |error: std::io::Error| CaptureError::Interface {
            interface: interface.to_owned(),
            why: format!("cannot wait for frames: {error}"),
        };
        let poll = Poll::new().map_err(broken)?;
        poll.registry()
            .register(
                &mut SourceFd(&capture.as_raw_fd()),
                PACKETS,
                Interest::READABLE,
            )
            .map_err(broken)?;
        let mut live = Self {
            interface: interface.to_owned(),
            index: netdevice::name_to_index(&capture, interface).ok(),
            link,
            capture,
            poll,
            events: Events::with_capacity(4),
            kernel_drops: WrappedCounter::default(),
            interface_drops: WrappedCounter::default(),
            stats: Stats::default(),
            share: Share::WHOLE,
        };
        if let Some(filter) = filter {
            live.thin(filter)?;
        }
        Ok(live)
    }

    /// Only what a filter lets through comes from now on.
    fn thin(&mut self, filter: &SignalFilter) -> Result<(), CaptureError> {
        let compiled = filter.compile(self.link, &self.interface)?;
        self.capture
            .filter(compiled.text(), true)
            .map_err(|error| refusal(&self.interface, &words(&error)))
    }

    /// Throws away what is in the buffer, and what was lost so far.
    fn empty(&mut self) -> Result<(), CaptureError> {
        while self.pump(usize::from(u16::MAX), &mut |_| {})? != Pumped::Idle {}
        self.stats();
        self.kernel_drops.total = 0;
        self.interface_drops.total = 0;
        self.stats = Stats::default();
        Ok(())
    }

    /// Waits until frames may be there, or `timeout` passes.
    pub fn wait(&mut self, timeout: Duration) -> Result<(), CaptureError> {
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => {
                Err(CaptureError::Interface {
                    interface: self.interface.clone(),
                    why: format!("waiting for frames: {error}"),
                })
            }
            _ => Ok(()),
        }
    }

    /// Whether the interface exists, whatever it is called; false of what is no single interface.
    pub fn is_there(&self) -> bool {
        let index = self.index;
        index.is_some_and(|index| netdevice::index_to_name(&self.capture, index).is_ok())
    }

    /// Asks the kernel what became of the interface's name: a handle goes on with its interface, whatever that is called.
    pub fn naming(&self) -> Naming {
        let Some(index) = self.index else {
            return Naming::AsOpened;
        };
        // One that was removed has none, and reading says it.
        let name = netdevice::index_to_name(&self.capture, index).ok();
        match name.filter(|name| *name != self.interface) {
            None => Naming::AsOpened,
            Some(name) => match netdevice::name_to_index(&self.capture, &self.interface) {
                Ok(_) => Naming::Another(name),
                Err(_) => Naming::Renamed(name),
            },
        }
    }

    /// Asks the kernel what was lost since the start.
    pub fn stats(&mut self) -> Stats {
        if let Ok(now) = self.capture.stats() {
            self.stats = Stats {
                kernel_drops: self.kernel_drops.update(now.dropped),
                // The interface's own count, which every handle on it reads.
                interface_drops: self.share.part(self.interface_drops.update(now.if_dropped)),
            };
        }
        self.stats
    }
}

impl FrameSource for Live {
    fn pump(
        &mut self,
        limit: usize,
        sink: &mut dyn FnMut(Frame<'_>),
    ) -> Result<Pumped, CaptureError> {
        let link = self.link;
        let handed = self
            .capture
            .dispatch(Some(limit), |packet| {
                let captured = u32::try_from(packet.data.len()).unwrap_or(u32::MAX);
                sink(Frame {
                    // The handle was opened with microsecond precision.
                    time: Timestamp::from_unix(
                        packet.header.ts.tv_sec,
                        packet.header.ts.tv_usec.saturating_mul(1_000),
                    ),
                    link,
                    bytes: packet.data,
                    wire_len: packet.header.len.max(captured),
                });
            })
            .map_err(|error| CaptureError::Interface {
                interface: self.interface.clone(),
                why: words(&error),
            })?;
        Ok(if handed == 0 {
            Pumped::Idle
        } else {
            Pumped::Frames(handed)
        })
    }
}

/// Tells the two refusals that a person can mend from all others.
fn refusal(interface: &str, why: &str) -> CaptureError {
    let lower = why.to_lowercase();
    if lower.contains("permi") {
        CaptureError::NoPermission {
            interface: interface.to_owned(),
            program: std::env::current_exe().map_or_else(
                |_| "straggler".to_owned(),
                |path| path.display().to_string(),
            ),
        }
    } else if lower.contains("no such device") || lower.contains("doesn't exist") {
        let known = interfaces().unwrap_or_default();
        CaptureError::NoSuchInterface {
            interface: interface.to_owned(),
            known: known
                .into_iter()
                .map(|known| known.name)
                .collect::<Vec<_>>()
                .join(", "),
        }
    } else if lower.contains("is not up") {
        CaptureError::Down {
            interface: interface.to_owned(),
        }
    } else {
        CaptureError::Interface {
            interface: interface.to_owned(),
            why: why.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_up_the_count() {
        for of in 1..=16 {
            for count in 0..100 {
                let parts = (0..of).map(|at| Share { at, of }.part(count));
                assert_eq!(parts.sum::<u64>(), count, "{of}");
            }
        }
    }

    #[test]
    fn refusals_say_how_to_mend_them() {
        let text = refusal(
            "eth0",
            "eth0: You don't have permission to perform this capture on that device",
        )
        .to_string();
        assert!(text.contains("setcap cap_net_raw=ep"), "{text}");
        let text = refusal("eth9", "eth9: No such device exists").to_string();
        assert!(text.contains("no such interface"), "{text}");
        let down = refusal("eth0", "eth0: That device is not up");
        assert!(down.may_pass(), "{down}");
    }
}
