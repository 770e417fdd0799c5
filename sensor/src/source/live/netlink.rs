//! Netlink messages (RFC 3549): one question, all its answers.
//!
//! ```text
//! 0 length 4 | 4 type 2 | 6 flags 2 | 8 sequence 4 | 12 port 4 | 16 family header | attributes: length 2, type 2, value, padding
//! ```

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::netlink::{GENERIC, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, send, socket_with,
};

const HEADER: usize = 16;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const REQUEST: u16 = 1;
const MULTI: u16 = 2;
/// The list changed while it was read.
const DUMP_INTERRUPTED: u16 = 0x10;
/// The answer ends with an acknowledgement.
pub const ACK: u16 = 4;
/// All there is, not one.
pub const DUMP: u16 = 0x300;

/// Answers to one question are bounded by what a machine has; this is far more.
const MAX_ANSWERS: usize = 1 << 16;

/// A netlink socket.
pub struct Netlink {
    socket: OwnedFd,
}

impl Netlink {
    /// For links and addresses.
    ///
    /// # Errors
    /// When the kernel gives no socket.
    pub fn route() -> io::Result<Self> {
        Self::open(None)
    }

    /// For generic netlink families.
    ///
    /// # Errors
    /// As above.
    pub fn generic() -> io::Result<Self> {
        Self::open(Some(GENERIC))
    }

    fn open(protocol: Option<rustix::net::Protocol>) -> io::Result<Self> {
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)?;
        bind(&socket, &SocketAddrNetlink::new(0, 0))?;
        Ok(Self { socket })
    }

    /// Asks, and returns the bodies of all answers: family header and attributes.
    ///
    /// # Errors
    /// The kernel's error, or [`io::ErrorKind::InvalidData`] for an answer that is none.
    pub fn ask(&self, kind: u16, flags: u16, body: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        let mut message = Vec::with_capacity(HEADER + body.len());
        let length = u32::try_from(HEADER + body.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        message.extend_from_slice(&length.to_ne_bytes());
        message.extend_from_slice(&kind.to_ne_bytes());
        message.extend_from_slice(&(REQUEST | flags).to_ne_bytes());
        message.extend_from_slice(&[0; 8]);
        message.extend_from_slice(body);
        send(&self.socket, &message, SendFlags::empty())?;
        let mut answers = Vec::new();
        let mut buffer = vec![0_u8; 1 << 17];
        loop {
            let (len, whole) = recv(&self.socket, &mut buffer[..], RecvFlags::TRUNC)?;
            let mut rest = buffer.get(..len).ok_or(io::ErrorKind::InvalidData)?;
            if whole > len || rest.is_empty() {
                return Err(io::ErrorKind::InvalidData.into());
            }
            while let Some((kind, flags, body, after)) = split(rest) {
                rest = after;
                if flags & DUMP_INTERRUPTED != 0 {
                    return Err(io::ErrorKind::Interrupted.into());
                }
                match kind {
                    NLMSG_DONE => return Ok(answers),
                    NLMSG_ERROR => {
                        let code = body.first_chunk::<4>().map_or(0, |code| i32::from_ne_bytes(*code));
                        return if code == 0 {
                            Ok(answers)
                        } else {
                            Err(io::Error::from_raw_os_error(-code))
                        };
                    }
                    _ if answers.len() < MAX_ANSWERS => answers.push(body.to_vec()),
                    _ => return Err(io::ErrorKind::InvalidData.into()),
                }
                if flags & MULTI == 0 && message_wants_no_ack(&message) {
                    return Ok(answers);
                }
            }
        }
    }
}

fn message_wants_no_ack(message: &[u8]) -> bool {
    message
        .get(6..8)
        .and_then(|flags| flags.first_chunk::<2>())
        .is_none_or(|f| u16::from_ne_bytes(*f) & ACK == 0)
}

/// One message off the front: type, flags, body, and what comes after.
fn split(bytes: &[u8]) -> Option<(u16, u16, &[u8], &[u8])> {
    let [l0, l1, l2, l3, t0, t1, f0, f1, ..] = *bytes.first_chunk::<HEADER>()?;
    let length = usize::try_from(u32::from_ne_bytes([l0, l1, l2, l3])).ok()?;
    let body = bytes.get(HEADER..length)?;
    let after = bytes.get(length.checked_next_multiple_of(4)?..).unwrap_or_default();
    Some((u16::from_ne_bytes([t0, t1]), u16::from_ne_bytes([f0, f1]), body, after))
}

/// The attributes in `bytes`, type and value.
pub fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let [l0, l1, t0, t1] = *rest.first_chunk::<4>()?;
        let length = usize::from(u16::from_ne_bytes([l0, l1]));
        let value = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        // The two highest bits say "nested" and "network byte order".
        Some((u16::from_ne_bytes([t0, t1]) & 0x3fff, value))
    })
}

/// Appends an attribute.
pub fn put(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
    body.extend_from_slice(&length.to_ne_bytes());
    body.extend_from_slice(&kind.to_ne_bytes());
    body.extend_from_slice(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

/// A value as a number of 32 bits.
pub fn number(value: &[u8]) -> Option<u32> {
    value.first_chunk::<4>().map(|bytes| u32::from_ne_bytes(*bytes))
}

/// A value as text, without the zero at its end.
pub fn text(value: &[u8]) -> String {
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    String::from_utf8_lossy(value.get(..end).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_written_are_read_back() {
        let mut body = Vec::new();
        put(&mut body, 3, b"eth0\0");
        put(&mut body, 0x8004, &7_u32.to_ne_bytes());
        let read: Vec<_> = attributes(&body).collect();
        assert_eq!(read, [(3, &b"eth0\0"[..]), (4, &7_u32.to_ne_bytes()[..])]);
        assert_eq!(text(read[0].1), "eth0");
        assert_eq!(number(read[1].1), Some(7));
    }

    #[test]
    fn a_length_beyond_the_bytes_ends_the_attributes() {
        assert_eq!(attributes(&[9, 0, 1, 0, 1, 2]).count(), 0);
        assert_eq!(attributes(&[3, 0, 1, 0]).count(), 0);
        assert!(split(&[0xff; 16]).is_none());
        assert!(split(&[0; 16]).is_none());
    }
}
