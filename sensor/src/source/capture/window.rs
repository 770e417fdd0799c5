//! A window that slides over the file, decompressing on the way.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};

use flate2::read::MultiGzDecoder;

use super::error::Fault;

/// Bytes asked of the system at once: large enough that the call costs nothing, small enough for many files at once.
const CAPACITY: usize = 256 << 10;

pub(super) struct Window {
    source: Source,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset of `start` in the (uncompressed) file.
    offset: u64,
    ended: bool,
    failure: Option<io::Error>,
}

enum Source {
    Plain(Counted),
    Gzip(Box<MultiGzDecoder<BufReader<Counted>>>),
}

struct Counted {
    file: File,
    bytes: u64,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(into)?;
        self.bytes = self.bytes.saturating_add(count as u64);
        Ok(count)
    }
}

impl Window {
    /// A window over `file`, which is decompressed where its content is gzip (RFC 1952).
    pub(super) fn new(mut file: File) -> io::Result<Self> {
        let mut magic = Vec::with_capacity(2);
        (&mut file).take(2).read_to_end(&mut magic)?;
        file.rewind()?;
        let counted = Counted { file, bytes: 0 };
        let source = if magic == [0x1f, 0x8b] {
            Source::Gzip(Box::new(MultiGzDecoder::new(BufReader::with_capacity(CAPACITY, counted))))
        } else {
            Source::Plain(counted)
        };
        Ok(Self {
            source,
            buffer: vec![0; CAPACITY],
            start: 0,
            end: 0,
            offset: 0,
            ended: false,
            failure: None,
        })
    }

    /// What is in the window and not taken.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Bytes taken earlier, by the position `take` gave; valid until the next `want`.
    #[inline]
    pub(super) fn slice(&self, start: usize, len: usize) -> &[u8] {
        self.buffer.get(start..start.saturating_add(len)).unwrap_or_default()
    }

    /// Whether `len` bytes are in the window, after reading what is missing. Callers bound `len`.
    #[inline]
    pub(super) fn want(&mut self, len: usize) -> bool {
        self.bytes().len() >= len || self.refill(len)
    }

    #[cold]
    fn refill(&mut self, len: usize) -> bool {
        let held = self.bytes().len();
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, held);
        if self.buffer.len() < len {
            self.buffer.resize(len, 0);
        }
        while self.end < len && !self.ended {
            let free = self.buffer.get_mut(self.end..).unwrap_or_default();
            let result = match &mut self.source {
                Source::Plain(file) => file.read(free),
                Source::Gzip(gzip) => gzip.read(free),
            };
            match result {
                Ok(0) => self.ended = true,
                Ok(count) => self.end = self.end.saturating_add(count).min(self.buffer.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    self.failure = Some(error);
                }
            }
        }
        self.end >= len
    }

    /// Moves past `len` bytes of the window and returns the position they begin at.
    #[inline]
    pub(super) fn take(&mut self, len: usize) -> usize {
        let start = self.start;
        let len = len.min(self.bytes().len());
        self.start = start.saturating_add(len);
        self.offset = self.offset.saturating_add(len as u64);
        start
    }

    /// Moves past `len` bytes, however many; false when the file ends before (the offset stays).
    pub(super) fn skip(&mut self, mut len: usize) -> bool {
        let begin = self.offset;
        while len > 0 {
            if !self.want(1) {
                self.offset = begin;
                return false;
            }
            let step = len.min(self.bytes().len());
            self.take(step);
            len = len.saturating_sub(step);
        }
        true
    }

    /// Why there are no more bytes where there should be: reading failed, or else `fault`.
    pub(super) fn failure_or(&mut self, fault: Fault) -> Fault {
        self.failure.take().map_or(fault, Fault::Read)
    }

    /// At the end of a record: whether the file ends here as it should.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        self.failure.take().map_or(Ok(()), |error| Err(Fault::Read(error)))
    }

    /// Offset in bytes of what comes next in the uncompressed file.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn stored_bytes_read(&self) -> u64 {
        match &self.source {
            Source::Plain(file) => file.bytes,
            Source::Gzip(gzip) => gzip.get_ref().get_ref().bytes,
        }
    }
}
