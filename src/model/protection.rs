//! The layers of the daemon's sandbox.

use std::fmt;

use super::closed::closed_list;

closed_list! {
    /// A layer that protects the machine from the daemon, should a parser have a fault.
    Protection {
        /// No file but its own, and no connection: Landlock.
        Landlock = "landlock",
        /// No system call but those that it makes: seccomp.
        Seccomp = "seccomp",
        /// No capability, but for capture threads: `CAP_NET_RAW` while interfaces are opened again.
        Capabilities = "capabilities",
    }
}

/// Which layers are in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Protections([bool; Protection::ALL.len()]);

impl Protections {
    /// Whether a layer is.
    pub fn has(self, layer: Protection) -> bool {
        self.0[layer.index()]
    }

    /// Notes whether a layer is.
    pub fn set(&mut self, layer: Protection, in_force: bool) {
        self.0[layer.index()] = in_force;
    }
}

/// The layers in force by their words, or `none`.
impl fmt::Display for Protections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layers = Protection::ALL.iter().filter(|&&layer| self.has(layer));
        let layers: Vec<&str> = layers.map(|layer| layer.label()).collect();
        f.write_str(if layers.is_empty() { "none" } else { "" })?;
        f.write_str(&layers.join(", "))
    }
}
