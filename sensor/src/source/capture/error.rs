//! What can be wrong with a capture file, said so that the reader knows what to do.

use std::io;

use super::window::Window;

/// Why a capture file cannot be read, or not further. Offsets count uncompressed bytes from the start.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The file cannot be opened.
    #[error("{file}: cannot be opened: {said}; check the path and its permissions")]
    Open {
        /// The path given.
        file: String,
        /// What the system said.
        said: io::Error,
    },
    /// The file has no bytes.
    #[error("{file}: is empty; record the capture again")]
    Empty {
        /// The path given.
        file: String,
    },
    /// The file begins with bytes no capture begins with.
    #[error("{file}: is no capture: it begins with {found}; give a pcap or pcapng file, gzipped or not")]
    NotACapture {
        /// The path given.
        file: String,
        /// Its first bytes in hexadecimal.
        found: String,
    },
    /// The link type is not one that can be turned into Ethernet.
    #[error(
        "{file}: link type {number} is not supported (Ethernet, raw IP, BSD loopback and Linux cooked are); record on \
         an Ethernet interface"
    )]
    LinkType {
        /// The path given.
        file: String,
        /// The LINKTYPE_ number of the tcpdump.org registry.
        number: u32,
    },
    /// The file ends inside something.
    #[error(
        "{file}: cut off at byte {offset}, inside {inside}; all before it was read; copy the file again to get the rest"
    )]
    Cut {
        /// The path given.
        file: String,
        /// Where what is incomplete begins, in bytes.
        offset: u64,
        /// What is incomplete.
        inside: &'static str,
    },
    /// The bytes contradict the format.
    #[error(
        "{file}: broken at byte {offset}: {what}; all before it was read; record or repair the file to get the rest"
    )]
    Broken {
        /// The path given.
        file: String,
        /// Where the broken record begins, in bytes.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// The system or the decompressor failed.
    #[error(
        "{file}: cannot be read past byte {offset}: {said}; all before it was read; check the disk or copy the file again"
    )]
    Read {
        /// The path given.
        file: String,
        /// Where the first record that cannot be read begins, in bytes.
        offset: u64,
        /// What the system or the decompressor said.
        said: io::Error,
    },
}

/// The same before it is known which file it is about.
#[derive(Debug)]
pub(super) enum Fault {
    Empty,
    NotACapture(String),
    LinkType(u32),
    Cut(&'static str),
    Broken(String),
    Read(io::Error),
}

impl Fault {
    pub(super) fn of(self, file: &str, window: &Window) -> CaptureError {
        let file = file.to_owned();
        let offset = window.offset();
        match self {
            Self::Empty => CaptureError::Empty { file },
            Self::NotACapture(found) => CaptureError::NotACapture { file, found },
            Self::LinkType(number) => CaptureError::LinkType { file, number },
            Self::Cut(inside) => CaptureError::Cut { file, offset, inside },
            Self::Broken(what) => CaptureError::Broken { file, offset, what },
            Self::Read(said) => CaptureError::Read { file, offset, said },
        }
    }
}
