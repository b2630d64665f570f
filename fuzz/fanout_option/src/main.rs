//! The one unsafe file, `src/capture/fanout/option.rs`, under the address sanitizer with real sockets: `scripts/sanitize`.
//!
//! The kernel reads what a system call is given without the sanitizer's knowledge. So `setsockopt` and `getsockopt` stand here, look
//! at every byte that the kernel would, and then ask it.

#[allow(dead_code, unused_imports, reason = "a part is used")]
#[path = "../../../src/capture/fanout/mod.rs"]
mod fanout;

use std::io::{ErrorKind, Read};
use std::net::UdpSocket;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use libc::{c_int, c_long, c_void, socklen_t};
use socket2::{Domain, Protocol, Socket, Type};

/// Bytes that were looked at, so that nothing is left out as of no use.
static SEEN: AtomicU64 = AtomicU64::new(0);

unsafe fn look(at: *const c_void, len: usize) {
    for place in 0..len {
        unsafe { at.cast::<u8>().add(place).read_volatile() };
        SEEN.fetch_add(1, Ordering::Relaxed);
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn setsockopt(
    socket: c_int,
    level: c_int,
    option: c_int,
    value: *const c_void,
    len: socklen_t,
) -> c_int {
    unsafe {
        look(value, len as usize);
        if (level, option) == (libc::SOL_PACKET, libc::PACKET_FANOUT_DATA) {
            assert_eq!(len as usize, size_of::<libc::sock_fprog>());
            let program = value.cast::<libc::sock_fprog>().read();
            let bytes = usize::from(program.len) * size_of::<libc::sock_filter>();
            look(program.filter.cast_const().cast(), bytes);
        }
        libc::syscall(
            libc::SYS_setsockopt,
            socket,
            level,
            option,
            value,
            c_long::from(len),
        ) as c_int
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn getsockopt(
    socket: c_int,
    level: c_int,
    option: c_int,
    value: *mut c_void,
    len: *mut socklen_t,
) -> c_int {
    unsafe {
        look(len.cast_const().cast(), size_of::<socklen_t>());
        let room = len.read() as usize;
        // What the kernel may write must be ours: written here first, as it was.
        for place in 0..room {
            let byte = value.cast::<u8>().add(place);
            byte.write_volatile(byte.read_volatile());
        }
        libc::syscall(libc::SYS_getsockopt, socket, level, option, value, len) as c_int
    }
}

fn main() {
    let every = Protocol::from(i32::from(0x0003_u16.to_be()));
    let open = || {
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(every));
        let socket = socket.expect("a packet socket: run as root");
        let wait = Some(Duration::from_millis(50));
        socket.set_read_timeout(wait).expect("a time-out");
        socket
    };
    for members in 1..=16 {
        let sockets: Vec<Socket> = (0..members).map(|_| open()).collect();
        for socket in &sockets {
            fanout::close(socket).expect("a filter");
        }
        let borrowed: Vec<BorrowedFd<'_>> = sockets.iter().map(AsFd::as_fd).collect();
        fanout::share(&borrowed).expect("a group");
        for socket in &sockets {
            fanout::open(socket).expect("no filter");
        }
        let sender = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let mark = format!("straggler {members}");
        sender
            .send_to(mark.as_bytes(), "127.0.0.1:9")
            .expect("a datagram");
        let took = sockets
            .iter()
            .filter(|socket| hears(socket, mark.as_bytes()))
            .count();
        assert_eq!(took, 1, "of {members} one has it");
    }
    // What is no packet socket is refused, and so is nobody at all taken.
    let other = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    fanout::share(&[other.as_fd()]).expect_err("a UDP socket has no such option");
    fanout::share(&[]).expect("of none there is no group");
    println!(
        "groups of 1 to 16: sound; {} bytes looked at",
        SEEN.load(Ordering::Relaxed)
    );
}

/// Whether the frame comes here.
fn hears(mut socket: &Socket, mark: &[u8]) -> bool {
    let mut frame = [0; 2048];
    loop {
        match socket.read(&mut frame) {
            Ok(len) if frame[..len].ends_with(mark) => return true,
            Ok(_) => {}
            Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => {
                return false;
            }
            Err(error) => panic!("{error}"),
        }
    }
}
