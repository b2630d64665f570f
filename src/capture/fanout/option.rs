//! The socket option by which several sockets share the frames of one interface: the only unsafe code of the project, because
//! no crate has it. See packet(7), `PACKET_FANOUT`.

#![allow(
    unsafe_code,
    reason = "no safe function of any crate sets PACKET_FANOUT or PACKET_FANOUT_DATA"
)]

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd};

use libc::{c_int, c_uint, c_void, socklen_t};

use super::assembler::Instruction;

/// A group of sockets, by the number that the kernel gave it; no other group of the network namespace has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Group(u16);

/// Makes a group with this socket as its first member.
pub(super) fn found(socket: BorrowedFd<'_>) -> io::Result<Group> {
    // Without the flag, whoever picks the same number, another process too, is in the same group.
    let how = (libc::PACKET_FANOUT_CBPF | libc::PACKET_FANOUT_FLAG_UNIQUEID) << 16;
    set(socket, libc::PACKET_FANOUT, &how)?;
    let mut given: c_int = 0;
    let mut len = size_of::<c_int>() as socklen_t;
    // SAFETY: both pointers are to locals that live through the call, and `len` is the size of `given`.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_FANOUT,
            (&raw mut given).cast::<c_void>(),
            &raw mut len,
        )
    };
    if result == 0 {
        // The number is the lower half.
        Ok(Group((given & 0xffff) as u16))
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Makes a socket one more member of a group.
pub(super) fn join(socket: BorrowedFd<'_>, group: Group) -> io::Result<()> {
    let how = c_uint::from(group.0) | libc::PACKET_FANOUT_CBPF << 16;
    set(socket, libc::PACKET_FANOUT, &how)
}

/// Gives the group of a socket the program that picks a member for each frame. Without one the first member gets all.
pub(super) fn spread_by(socket: BorrowedFd<'_>, program: &[Instruction]) -> io::Result<()> {
    let mut filters: Vec<libc::sock_filter> = program
        .iter()
        .map(|instruction| libc::sock_filter {
            code: instruction.code,
            jt: instruction.jump_true,
            jf: instruction.jump_false,
            k: instruction.operand,
        })
        .collect();
    let len = u16::try_from(filters.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let program = libc::sock_fprog {
        len,
        filter: filters.as_mut_ptr(),
    };
    // The kernel copies the instructions; `filters` lives until then.
    set(socket, libc::PACKET_FANOUT_DATA, &program)
}

/// Sets an option of packet sockets. The kernel reads a `T` for that option, and what it points to, and writes nothing.
fn set<T>(socket: BorrowedFd<'_>, option: c_int, value: &T) -> io::Result<()> {
    // SAFETY: `value` is a reference to a whole `T` that outlives the call, and its size is given with it. The socket is
    // borrowed, so it is open. The callers above give the type that the option has.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            option,
            std::ptr::from_ref(value).cast::<c_void>(),
            size_of::<T>() as socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
