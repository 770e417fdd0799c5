//! Several captures as one, in the order of time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
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
    interfaces: Interfaces,
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
        let mut merged = Self {
            captures,
            heads: BinaryHeap::new(),
            behind: None,
            interfaces: Interfaces::default(),
            errors: VecDeque::new(),
        };
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
        let capture = self.captures.get_mut(file)?;
        let interface = capture.interface().map_or(0, |own| self.interfaces.number(file, own));
        Some(capture.next()?.map(|packet| Packet { interface, ..packet }))
    }

    /// Names of interfaces, by the number packets have, of all packets up to the next one of each file.
    pub const fn interfaces(&self) -> &BTreeMap<u8, String> {
        &self.interfaces.names
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
                    if let Some(own) = capture.interface() {
                        self.interfaces.number(file, own);
                    }
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

/// Interfaces that are told apart, as many as a flow's key has room for; all further ones are one.
const MAX_INTERFACES: u32 = 16;

/// Numbers for the interfaces of all files: one of the same name is the same in each, those without a name are told apart by
/// their numbers.
#[derive(Default)]
struct Interfaces {
    named: BTreeMap<String, u32>,
    nameless: BTreeMap<u32, u32>,
    /// Of each file the first interfaces' own numbers, and those they have here.
    known: Vec<Vec<(u32, u32)>>,
    names: BTreeMap<u8, String>,
}

impl Interfaces {
    /// The number of a file's interface.
    fn number(&mut self, file: usize, (own, name): (u32, Option<&str>)) -> u32 {
        if self.known.len() <= file {
            self.known.resize_with(file.saturating_add(1), Vec::new);
        }
        let Some(of_file) = self.known.get_mut(file) else { return 0 };
        if let Some((_, here)) = of_file.iter().find(|(there, _)| *there == own) {
            return *here;
        }
        let known = name.map_or_else(|| self.nameless.get(&own), |name| self.named.get(name)).copied();
        let here = known.unwrap_or_else(|| {
            let taken = self.named.len().saturating_add(self.nameless.len());
            let next = u32::try_from(taken).unwrap_or(u32::MAX);
            if next >= MAX_INTERFACES {
                return MAX_INTERFACES.saturating_sub(1);
            }
            match name {
                Some(name) => {
                    self.names.extend(u8::try_from(next).map(|slot| (slot, name.to_owned())));
                    self.named.insert(name.to_owned(), next)
                }
                None => self.nameless.insert(own, next),
            };
            next
        });
        if of_file.len() < MAX_INTERFACES as usize {
            of_file.push((own, here));
        }
        here
    }
}
