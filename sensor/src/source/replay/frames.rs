//! Frames somebody makes, as a source of records: scenarios need no file.

use std::iter::Peekable;

use super::path::Path;
use super::{BATCH, ReplayOptions};
use crate::source::capture::Packet;
use crate::source::{Record, Source, Wish};
use sensor_ebpf::counters::Counter;

/// Frames in order of time, through the packet path.
pub struct Frames<I: Iterator> {
    frames: Peekable<I>,
    path: Path,
    over: bool,
}

impl<I: Iterator<Item = Packet<'static>>> Frames<I> {
    /// What `frames` yields, as if it had passed an interface.
    pub fn new(frames: I, options: ReplayOptions) -> Self {
        Self { frames: frames.peekable(), path: Path::new(options.sane()), over: false }
    }

    /// What the packet path counted, by [`Counter`].
    pub fn counters(&self) -> [u64; Counter::COUNT] {
        self.path.counters()
    }
}

impl<I: Iterator<Item = Packet<'static>>> Source for Frames<I> {
    fn poll(&mut self, sink: &mut dyn FnMut(Record<'_>)) -> anyhow::Result<bool> {
        for _ in 0..BATCH {
            if self.over {
                return Ok(false);
            }
            let Some(at) = self.frames.peek().map(|packet| packet.at) else {
                self.over = true;
                self.path.end(sink);
                return Ok(false);
            };
            if self.path.prepare(at, sink) {
                return Ok(true);
            }
            if let Some(packet) = self.frames.next() {
                self.path.packet(&packet, sink);
            }
        }
        Ok(true)
    }

    fn apply(&mut self, wishes: &[Wish]) {
        self.path.wishes.add(wishes);
    }
}
