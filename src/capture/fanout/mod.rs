//! Several sockets on one interface, each of which gets its part of the frames (`PACKET_FANOUT`).
//!
//! `PACKET_FANOUT_HASH` would not do: it takes the ports too, so fragments and ICMP errors come to another worker than their
//! flow, and what it can do against that (`PACKET_FANOUT_FLAG_DEFRAG`) it does for IPv4 only, and changes what is captured.
//! The program here takes the addresses alone. Its price is that two machines that speak much with each other, and all
//! of a tunnel, are one worker's.

mod assembler;
mod option;
mod program;

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use socket2::{SockFilter, SockRef};

pub use assembler::Instruction;
pub use program::{ANCILLARY, HARDWARE, LINK, NETWORK, PROTOCOL, program};

/// No frame comes to a socket any more.
pub(super) fn close(socket: &impl AsFd) -> io::Result<()> {
    const GIVE_CONSTANT: u16 = 0x06;
    SockRef::from(socket).attach_filter(&[SockFilter::new(GIVE_CONSTANT, 0, 0, 0)])
}

/// All its frames come to a socket again.
pub(super) fn open(socket: &impl AsFd) -> io::Result<()> {
    SockRef::from(socket).detach_filter()
}

/// Makes sockets of one interface a group, in which each frame comes to one of them.
pub(super) fn share(sockets: &[BorrowedFd<'_>]) -> io::Result<()> {
    let Some((&first, others)) = sockets.split_first() else {
        return Ok(());
    };
    let group = option::found(first)?;
    for &other in others {
        option::join(other, group)?;
    }
    option::spread_by(first, &program())
}
