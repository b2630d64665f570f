//! A kernel filter that passes only what names, outcomes and byte counts need (docs/signals.md).
//!
//! It drops what is certain to be none of that, and passes all else: tunnels, deeper tags, unknown protocols. The text
//! is libpcap's filter language, so that no unsafe code is needed to attach it, and so that anybody can try it with
//! tcpdump.
//!
//! Assumption: a frame has the headers that it announces. One that is too short for them is dropped, as the kernel does
//! with every filter that reads behind the end.

mod expression;

use ipnet::IpNet;
use pcap::{BpfProgram, Capture, Linktype};

use super::CaptureError;
use super::error::words;
use crate::model::{Frame, LinkType, LocalNetworks};

/// Instructions that the Linux kernel takes (`BPF_MAXINSNS`). libpcap would filter a longer program in our own process,
/// without a word, and nothing would be saved.
pub const MAX_INSTRUCTIONS: usize = 4096;

/// What passes, for hosts of these networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalFilter {
    local: Vec<IpNet>,
}

/// A filter made ready for one link type.
pub struct Compiled {
    program: BpfProgram,
    text: String,
}

impl SignalFilter {
    /// A filter that takes these networks for the local side.
    pub fn new(local: &LocalNetworks) -> Self {
        let networks: Vec<IpNet> = local.networks().map(|network| network.trunc()).collect();
        Self {
            local: IpNet::aggregate(&networks),
        }
    }

    /// Makes it ready; `source` stands in errors.
    pub fn compile(&self, link: LinkType, source: &str) -> Result<Compiled, CaptureError> {
        let refuse = |why: String| CaptureError::NoSignals {
            source_name: source.to_owned(),
            why,
        };
        let text = expression::of_link(link, &self.local)
            .ok_or_else(|| refuse(format!("frames of link type {} are not filtered", link.0)))?;
        let program = Capture::dead(Linktype(link.0))
            .and_then(|dead| dead.compile(&text, true))
            .map_err(|error| refuse(words(&error)))?;
        let needed = program.get_instructions().len();
        if needed > MAX_INSTRUCTIONS {
            return Err(refuse(format!(
                "a filter for the {} local networks takes {needed} instructions, and the kernel takes {MAX_INSTRUCTIONS}; \
                 join networks in `local_networks`",
                self.local.len()
            )));
        }
        Ok(Compiled { program, text })
    }
}

impl Compiled {
    /// The filter in libpcap's language.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a frame passes.
    pub fn passes(&self, frame: &[u8]) -> bool {
        self.program.filter(frame)
    }
}

/// The filter over recorded frames, of any link types: what the kernel would have passed.
pub struct Thinner {
    filter: SignalFilter,
    /// For each link type so far; `None` where there is no filter, and all passes.
    compiled: Vec<(LinkType, Option<Compiled>)>,
}

impl Thinner {
    /// One that has seen no frame.
    pub fn new(filter: SignalFilter) -> Self {
        Self {
            filter,
            compiled: Vec::new(),
        }
    }

    /// Whether a frame passes.
    pub fn passes(&mut self, frame: &Frame<'_>) -> bool {
        let mut known = self.compiled.iter();
        let known = known.position(|(link, _)| *link == frame.link);
        let at = known.unwrap_or_else(|| {
            let compiled = self.filter.compile(frame.link, "capture").ok();
            self.compiled.push((frame.link, compiled));
            self.compiled.len() - 1
        });
        let compiled = &self.compiled[at].1;
        compiled
            .as_ref()
            .is_none_or(|compiled| compiled.passes(frame.bytes))
    }
}

#[cfg(test)]
mod tests;
