//! The interfaces of this machine.

use std::net::IpAddr;

use ipnet::IpNet;

use super::CaptureError;
use super::error::words;

/// An interface that can be captured.
#[derive(Clone, Debug)]
pub struct Interface {
    /// Its name, as `--interface` takes it.
    pub name: String,
    /// libpcap's description.
    pub description: Option<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// The networks it is attached to.
    pub networks: Vec<IpNet>,
    /// Whether it is up.
    pub up: bool,
    /// Whether it is a loopback interface.
    pub loopback: bool,
}

/// Lists the interfaces, in libpcap's order (best first).
pub fn interfaces() -> Result<Vec<Interface>, CaptureError> {
    let devices = pcap::Device::list().map_err(|error| CaptureError::Interface {
        interface: "interfaces".to_owned(),
        why: words(&error),
    })?;
    Ok(devices.into_iter().map(Interface::from).collect())
}

/// Whether an interface is up and has a link; `None` for what is no interface, or where the system does not say. It asks
/// the system for all interfaces, so it is for those from which nothing comes.
pub fn has_link(name: &str) -> Option<bool> {
    let devices = pcap::Device::list().ok()?;
    let device = devices.into_iter().find(|device| device.name == name)?;
    Some(device.flags.is_up() && device.flags.is_running())
}

impl From<pcap::Device> for Interface {
    fn from(device: pcap::Device) -> Self {
        let networks = device
            .addresses
            .iter()
            .filter_map(|address| IpNet::with_netmask(address.addr, address.netmask?).ok())
            .map(|network| network.trunc())
            .collect();
        Self {
            up: device.flags.is_up(),
            loopback: device.flags.is_loopback(),
            addresses: device
                .addresses
                .iter()
                .map(|address| address.addr)
                .collect(),
            networks,
            name: device.name,
            description: device.desc,
        }
    }
}
