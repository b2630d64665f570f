//! What can go wrong with a source, said to the person who can mend it.

use crate::model::Timestamp;

/// Why a source could not be opened, or not be read to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// The file cannot be opened at all.
    #[error("{source_name}: {why}")]
    Unreadable {
        /// Path, or `standard input`.
        source_name: String,
        /// The system's words.
        why: String,
    },
    /// Zero bytes.
    #[error(
        "{source_name}: the file is empty; a capture has at least a header (was the recording stopped before it was written?)"
    )]
    Empty {
        /// Path, or `standard input`.
        source_name: String,
    },
    /// A compressed file of a kind that is not read.
    #[error("{source_name}: compressed with {method}; unpack it on the way: {pipe}")]
    Compressed {
        /// Path, or `standard input`.
        source_name: String,
        /// Name of the compression.
        method: &'static str,
        /// Commands that unpack it and read it.
        pipe: String,
    },
    /// Not a pcap or pcapng file.
    #[error("{source_name}: not a pcap or pcapng capture ({why})")]
    NotACapture {
        /// Path, or `standard input`.
        source_name: String,
        /// What it is instead.
        why: String,
    },
    /// The file ends within a frame.
    #[error(
        "{source_name}: cut off after {frames} whole frames; they were read, what followed is lost"
    )]
    CutOff {
        /// Path, or `standard input`.
        source_name: String,
        /// Frames that were read.
        frames: u64,
    },
    /// Any other fault in mid-file.
    #[error("{source_name}: damaged after frame {frames} ({why}); what came before was read")]
    Damaged {
        /// Path, or `standard input`.
        source_name: String,
        /// Frames that were read.
        frames: u64,
        /// What is wrong.
        why: String,
    },
    /// Frames that are later than now.
    #[error(
        "{source_name}: dated up to {last}, later than this machine's clock ({clock}), and not taken into the store, \
         where it would end all findings; set the clock, or mend the times of the file (editcap -t)"
    )]
    Later {
        /// Path, or `standard input`.
        source_name: String,
        /// Its latest time.
        last: Timestamp,
        /// Wall time.
        clock: Timestamp,
    },
    /// The process may not capture.
    #[error(
        "{interface}: no permission to capture; run as root, or grant it to the program: \
         sudo setcap cap_net_raw=ep {program}"
    )]
    NoPermission {
        /// Name of the interface.
        interface: String,
        /// Path of the running program.
        program: String,
    },
    /// No interface of that name.
    #[error("{interface}: no such interface; there are: {known} (see `straggler interfaces`)")]
    NoSuchInterface {
        /// Name asked for.
        interface: String,
        /// Names that exist.
        known: String,
    },
    /// It is there and down.
    #[error("{interface}: the interface is down; `ip link set {interface} up` starts it")]
    Down {
        /// Name of the interface.
        interface: String,
    },
    /// It cannot be captured with `mode = "signals"`.
    #[error(
        "{source_name}: mode = \"signals\" does not work here: {why}; or write mode = \"full\" in [capture]"
    )]
    NoSignals {
        /// Name of the interface.
        source_name: String,
        /// Why, and what to do about it.
        why: String,
    },
    /// Its frames cannot be shared by several workers.
    #[error(
        "{interface}: several workers cannot share it ({why}); write workers = 1 in [capture], or use Linux 4.12 or later"
    )]
    NoWorkers {
        /// Name of the interface.
        interface: String,
        /// The system's words.
        why: String,
    },
    /// Any other fault of an interface.
    #[error("{interface}: {why}")]
    Interface {
        /// Name of the interface.
        interface: String,
        /// libpcap's words.
        why: String,
    },
}

impl CaptureError {
    /// Whether waiting may help: the interface is not there, or down.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::NoSuchInterface { .. } | Self::Down { .. })
    }
}

/// libpcap's words without the wrapper's prefix.
pub(super) fn words(error: &pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(text) => text.clone(),
        other => other.to_string(),
    }
}
