//! Several captures as one, in the order of time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::path::Path;

use super::{Capture, CaptureError, Packet};
use crate::time::Time;

/// Captures merged by time; on equal times the file named earlier goes first.
///
/// Of each file only its next packet is known, so packets that are out of order within a file stay so.
pub struct Merged {
    captures: Vec<Capture>,
    /// The next packet of each file that has one.
    heads: BinaryHeap<Reverse<(Time, usize)>>,
    /// The file whose packet was handed out last and which has no head.
    behind: Option<usize>,
    errors: VecDeque<CaptureError>,
}

impl Merged {
    /// Opens all `paths`.
    ///
    /// # Errors
    /// That of the first file that cannot be opened.
    pub fn open<P: AsRef<Path>>(paths: &[P]) -> Result<Self, CaptureError> {
        Ok(Self::new(paths.iter().map(|path| Capture::open(path.as_ref())).collect::<Result<_, _>>()?))
    }

    /// Merges captures already open.
    pub fn new(captures: Vec<Capture>) -> Self {
        let count = captures.len();
        let mut merged = Self { captures, heads: BinaryHeap::new(), behind: None, errors: VecDeque::new() };
        (0..count).for_each(|file| merged.advance(file));
        merged
    }

    /// The next packet of all files; `None` when all are at their end.
    ///
    /// # Errors
    /// As [`Capture::next`]; the other files go on.
    // Not an `Iterator`: a packet borrows its file's window.
    #[expect(clippy::should_implement_trait, reason = "a lending iterator, which the trait cannot express")]
    pub fn next(&mut self) -> Option<Result<Packet<'_>, CaptureError>> {
        if let Some(file) = self.behind.take() {
            self.advance(file);
        }
        if let Some(error) = self.errors.pop_front() {
            return Some(Err(error));
        }
        let Reverse((_, file)) = self.heads.pop()?;
        self.behind = Some(file);
        self.captures.get_mut(file)?.next()
    }

    /// When the packet was captured that `next` will give; `None` where it gives none or an error.
    #[inline]
    pub fn next_at(&mut self) -> Option<Time> {
        if let Some(file) = self.behind.take() {
            self.advance(file);
        }
        if !self.errors.is_empty() {
            return None;
        }
        self.heads.peek().map(|Reverse((at, _))| *at)
    }

    fn advance(&mut self, file: usize) {
        let Some(capture) = self.captures.get_mut(file) else { return };
        while let Some(head) = capture.peek() {
            match head {
                Ok(at) => {
                    self.heads.push(Reverse((at, file)));
                    break;
                }
                Err(error) => self.errors.push_back(error),
            }
        }
    }

    /// Bytes read so far and in total over all files, as stored (compressed).
    pub fn progress(&self) -> (u64, u64) {
        self.captures.iter().map(Capture::progress).fold((0, 0), |(read, total), (r, t)| {
            (u64::saturating_add(read, r), u64::saturating_add(total, t))
        })
    }
}
