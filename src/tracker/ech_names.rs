//! Names that stand outside Encrypted Client Hellos, as hosts learnt them from HTTPS records.

use std::collections::VecDeque;
use std::net::IpAddr;

use hashbrown::HashSet;

use crate::model::{DomainName, Name};

/// Names kept, the latest of them; about 150 bytes each.
const MAX_NAMES: usize = 4_096;

/// Who learnt which outer name.
#[derive(Debug, Default)]
pub(super) struct EchNames {
    known: HashSet<(IpAddr, DomainName)>,
    order: VecDeque<(IpAddr, DomainName)>,
}

impl EchNames {
    /// An answer to this host held such a name.
    pub(super) fn learn(&mut self, host: IpAddr, name: DomainName) {
        if self.known.insert((host, name.clone())) {
            self.order.push_back((host, name));
            if self.order.len() > MAX_NAMES
                && let Some(oldest) = self.order.pop_front()
            {
                self.known.remove(&oldest);
            }
        }
    }

    /// Whether this host learnt this name.
    pub(super) fn learnt(&self, host: IpAddr, name: Name<'_>) -> bool {
        !self.known.is_empty() && self.known.contains(&(host, name.to_owned()))
    }
}
