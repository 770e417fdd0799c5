//! Capture files: pcap and pcapng, gzipped or not, as a stream of Ethernet frames.
//!
//! What a file is, its content says, never its name. A file is read front to back through one bounded window, so a
//! capture may be larger than memory, and a broken one yields every packet before the break.

mod error;
mod link;
mod merge;
mod pcap;
mod pcapng;
mod window;

#[cfg(test)]
pub(crate) mod streams;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::path::Path;

pub use error::CaptureError;
pub use merge::Merged;

use crate::time::Time;
use error::Fault;
use link::Link;
use window::Window;

/// The longest packet believed, in bytes: what libpcap calls MAXIMUM_SNAPLEN. Longer ones are garbage.
const MAX_PACKET: usize = 256 << 10;

/// One captured frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// When it was captured, as the file says: within a file time may step backward.
    pub at: Time,
    /// The pcapng interface, counted through all sections of the file; 0 in pcap. Of several files as [`Merged`] counts.
    pub interface: u32,
    /// An Ethernet frame. Other link types have their header replaced by an Ethernet one.
    pub frame: Cow<'a, [u8]>,
    /// Length of that frame on the wire in bytes; more than `frame` holds where the capture cut it.
    pub wire_len: u32,
}

/// An open capture file.
pub struct Capture {
    name: String,
    total: u64,
    window: Window,
    format: Format,
    /// The packet `peek` found and `next` has not handed out.
    pending: Option<Located>,
    finished: bool,
}

enum Format {
    Pcap(pcap::Pcap),
    Pcapng(pcapng::Pcapng),
}

/// Where in the window a packet lies: a plain value, so that looking ahead borrows nothing.
#[derive(Clone, Copy)]
struct Located {
    at: Time,
    interface: u32,
    link: Link,
    start: usize,
    len: usize,
    wire_len: u32,
}

impl Capture {
    /// Opens a capture file and reads its header.
    ///
    /// # Errors
    /// When the file cannot be read, is no capture, ends inside its header, or holds a link type not understood.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let name = path.display().to_string();
        let opened = std::fs::File::open(path).and_then(|file| {
            let metadata = file.metadata()?;
            // Opening a directory succeeds on Unix; reading it gives a less clear error.
            if metadata.is_dir() {
                Err(std::io::ErrorKind::IsADirectory.into())
            } else {
                Ok((file, metadata.len()))
            }
        });
        let (file, total) = match opened {
            Ok(opened) => opened,
            Err(said) => return Err(CaptureError::Open { file: name, said }),
        };
        let mut window = match Window::new(file) {
            Ok(window) => window,
            Err(said) => return Err(CaptureError::Open { file: name, said }),
        };
        match Format::recognise(&mut window) {
            Ok(format) => Ok(Self { name, total, window, format, pending: None, finished: false }),
            Err(fault) => Err(fault.of(&name, &window)),
        }
    }

    /// The next packet; `None` at the end of the file.
    ///
    /// # Errors
    /// A break ends the capture: after the `Err` comes `None`. One exception: an interface of a pcapng file whose link
    /// type is not understood gives one `Err`, its packets are skipped and those of other interfaces follow.
    // Not an `Iterator`: a packet borrows the window it lies in.
    #[expect(clippy::should_implement_trait, reason = "a lending iterator, which the trait cannot express")]
    #[inline]
    pub fn next(&mut self) -> Option<Result<Packet<'_>, CaptureError>> {
        if let Err(error) = self.peek()? {
            return Some(Err(error));
        }
        let found = self.pending.take()?;
        let (frame, wire_len) =
            found.link.ethernet(self.window.slice(found.start, found.len), found.wire_len);
        Some(Ok(Packet { at: found.at, interface: found.interface, frame, wire_len }))
    }

    /// The time of the packet `next` will give.
    #[inline]
    fn peek(&mut self) -> Option<Result<Time, CaptureError>> {
        if let Some(found) = &self.pending {
            return Some(Ok(found.at));
        }
        if self.finished {
            return None;
        }
        let located = match &mut self.format {
            Format::Pcap(pcap) => pcap.locate(&mut self.window),
            Format::Pcapng(pcapng) => pcapng.locate(&mut self.window),
        };
        match located {
            Ok(Some(found)) => {
                self.pending = Some(found);
                Some(Ok(found.at))
            }
            Ok(None) => {
                self.finished = true;
                None
            }
            Err(fault) => {
                self.finished = !matches!(fault, Fault::LinkType(_));
                Some(Err(fault.of(&self.name, &self.window)))
            }
        }
    }

    /// The interface of the packet `next` will give, and its name.
    fn interface(&self) -> Option<(u32, Option<&str>)> {
        let interface = self.pending.as_ref()?.interface;
        let name = match &self.format {
            Format::Pcap(_) => None,
            Format::Pcapng(pcapng) => pcapng.name(interface),
        };
        Some((interface, name))
    }

    /// Bytes of the file read so far and its size in bytes, both as stored (compressed).
    pub fn progress(&self) -> (u64, u64) {
        (self.window.stored_bytes_read(), self.total)
    }
}

impl Format {
    fn recognise(window: &mut Window) -> Result<Self, Fault> {
        window.want(4);
        match window.bytes() {
            [0x0a, 0x0d, 0x0d, 0x0a, ..] => Ok(Self::Pcapng(pcapng::Pcapng::open(window)?)),
            [0xa1, 0xb2, 0xc3, 0xd4, ..]
            | [0xa1, 0xb2, 0x3c, 0x4d, ..]
            | [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0x4d, 0x3c, 0xb2, 0xa1, ..]
            | [0x34, 0xcd, 0xb2, 0xa1, ..] => Ok(Self::Pcap(pcap::Pcap::open(window)?)),
            [] => Err(window.failure_or(Fault::Empty)),
            other => {
                let found =
                    other.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
                Err(window.failure_or(Fault::NotACapture(found)))
            }
        }
    }
}
