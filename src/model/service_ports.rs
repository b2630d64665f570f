//! Ports and transport by which a service is reached, as its source gives them. They inform people; nothing is matched by
//! them, because a vendor may change them, and a proxy does.

use std::fmt;

use super::closed::closed_list;

closed_list! {
    /// What carries a service's flows.
    ServiceTransport {
        /// TCP.
        Tcp = "tcp",
        /// UDP, QUIC included.
        Udp = "udp",
    }
}

/// Ports from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// `None` for port 0, which no server has, and where the last comes before the first.
    pub fn new(first: u16, last: u16) -> Option<Self> {
        (first > 0 && first <= last).then_some(Self { first, last })
    }

    /// Whether the two have a port in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// `443`, or `23100-23199`, as packs write it.
impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

/// As text, so that one port and many have one type.
impl serde::Serialize for PortRange {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_their_ends() {
        let range = |first, last| PortRange::new(first, last).unwrap();
        assert_eq!(range(443, 443).to_string(), "443");
        assert_eq!(range(23_100, 23_199).to_string(), "23100-23199");
        assert!(PortRange::new(0, 1).is_none());
        assert!(PortRange::new(2, 1).is_none());
        assert!(range(1, 5).overlaps(range(5, 9)));
        assert!(!range(1, 5).overlaps(range(6, 9)));
    }
}
