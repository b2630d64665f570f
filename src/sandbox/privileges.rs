//! Capabilities of a thread (<https://man7.org/linux/man-pages/man7/capabilities.7.html>).

use caps::{CapSet, Capability, CapsHashSet};

/// Keeps `CAP_NET_RAW`, if it is to be kept and was there, and gives up all else.
pub(super) fn keep(raw: bool) -> Result<(), String> {
    let failed = |error: caps::errors::CapsError| error.to_string();
    let had = caps::read(None, CapSet::Permitted).map_err(failed)?;
    let kept: CapsHashSet = had
        .into_iter()
        .filter(|&capability| raw && capability == Capability::CAP_NET_RAW)
        .collect();
    // What can be inherited or comes back by itself goes first, or the kernel refuses.
    caps::clear(None, CapSet::Ambient).map_err(failed)?;
    caps::clear(None, CapSet::Inheritable).map_err(failed)?;
    caps::set(None, CapSet::Effective, &kept).map_err(failed)?;
    caps::set(None, CapSet::Permitted, &kept).map_err(failed)?;
    let has = caps::read(None, CapSet::Permitted).map_err(failed)?;
    match has == kept {
        true => Ok(()),
        false => Err("the kernel kept others".to_owned()),
    }
}
