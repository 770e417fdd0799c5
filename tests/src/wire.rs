//! Frames sent on real interfaces through packet sockets (packet(7)), for demonstrations and tests of attached sensors.

use std::ffi::CString;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// An interface frames can be sent on. Needs `CAP_NET_RAW`.
#[derive(Debug)]
pub struct Interface {
    socket: OwnedFd,
}

fn last_error(what: &str) -> io::Error {
    let error = io::Error::last_os_error();
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

impl Interface {
    /// Opens the interface called `name`.
    ///
    /// # Errors
    /// When there is no such interface, or packet sockets are not permitted.
    pub fn open(name: &str) -> io::Result<Self> {
        let c_name = CString::new(name)?;
        // SAFETY: `c_name` is a NUL-terminated string that outlives the call.
        let index = unsafe { libc::if_nametoindex(c_name.as_ptr()) };
        if index == 0 {
            return Err(last_error(&format!("interface {name:?}")));
        }
        // Protocol 0: the socket receives nothing.
        // SAFETY: no memory is passed.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(last_error("packet socket (root or CAP_NET_RAW is needed)"));
        }
        // SAFETY: `fd` was just returned by socket() and nobody else owns it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: all-zero is a valid sockaddr_ll, a plain C structure of integers.
        let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_ifindex = index as i32;
        // SAFETY: the pointer and length describe `address`, which outlives the call.
        let bound = unsafe {
            libc::bind(
                socket.as_raw_fd(),
                (&raw const address).cast(),
                mem::size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            )
        };
        if bound < 0 {
            return Err(last_error(&format!("bind to {name:?}")));
        }
        Ok(Self { socket })
    }

    /// Sends frames, in order; on congestion waits until the kernel takes them.
    ///
    /// # Errors
    /// What the kernel reports, as when the interface goes down or a frame exceeds its MTU.
    pub fn send(&self, frames: &[Vec<u8>]) -> io::Result<()> {
        let mut parts: Vec<libc::iovec> = frames
            .iter()
            .map(|f| libc::iovec { iov_base: f.as_ptr().cast_mut().cast(), iov_len: f.len() })
            .collect();
        let mut messages: Vec<libc::mmsghdr> = parts
            .iter_mut()
            .map(|part| {
                // SAFETY: all-zero is a valid mmsghdr: null pointers with zero lengths.
                let mut message: libc::mmsghdr = unsafe { mem::zeroed() };
                message.msg_hdr.msg_iov = part;
                message.msg_hdr.msg_iovlen = 1;
                message
            })
            .collect();
        let mut sent = 0;
        while sent < messages.len() {
            let rest = &mut messages[sent..];
            // SAFETY: `rest` points into `messages`, whose iovecs in `parts` describe the bytes of `frames`; all three
            // outlive the call, and sendmmsg() only reads the bytes.
            let n = unsafe {
                libc::sendmmsg(
                    self.socket.as_raw_fd(),
                    rest.as_mut_ptr(),
                    rest.len().min(1024) as libc::c_uint,
                    0,
                )
            };
            if n > 0 {
                sent += n as usize;
                continue;
            }
            match io::Error::last_os_error().raw_os_error() {
                Some(libc::ENOBUFS | libc::EAGAIN) => {
                    std::thread::sleep(std::time::Duration::from_micros(200))
                }
                Some(libc::EINTR) => {}
                _ => return Err(last_error(&format!("frame of {} bytes", frames[sent].len()))),
            }
        }
        Ok(())
    }
}
