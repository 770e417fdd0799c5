//! Records in order, on their way from one thread to another.

use std::collections::VecDeque;

use sensor_ebpf::record::Ring;

use crate::source::live::Figures;
use crate::source::{FlowEvent, FrameEvent, Loss, Record, Storm};
use crate::time::Time;

/// Memory kept for later once a batch is empty, in bytes.
const KEPT: usize = 4 << 20;

/// A record that owns what it says. Bytes of frames stand beside, in the same order.
#[derive(Debug)]
enum Item {
    Flow(FlowEvent),
    /// With as many bytes of the frame.
    Frame(FrameEvent<'static>, usize),
    Storm(Storm),
    Loss(Loss),
    Second(Time, Box<Figures>),
}

/// Records in order.
#[derive(Debug, Default)]
pub struct Batch {
    items: VecDeque<Item>,
    bytes: VecDeque<u8>,
    /// Bytes held, by ring.
    pub held: [usize; Ring::COUNT],
    /// Seconds that end in it.
    pub seconds: usize,
}

impl Batch {
    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// What a record takes in memory.
    pub const fn cost(frame: usize) -> usize {
        size_of::<Item>().saturating_add(frame)
    }

    fn hold(&mut self, ring: Ring, cost: usize) {
        if let Some(held) = self.held.get_mut(ring as usize) {
            *held = held.saturating_add(cost);
        }
    }

    /// Appends a record, other than a tick.
    pub fn push(&mut self, record: &Record<'_>) {
        match *record {
            Record::Flow(event) => {
                self.hold(Ring::Lifecycle, Self::cost(0));
                self.items.push_back(Item::Flow(event));
            }
            Record::Frame(event) => {
                self.hold(event.ring, Self::cost(event.frame.len()));
                self.bytes.extend(event.frame);
                let len = event.frame.len();
                self.items.push_back(Item::Frame(FrameEvent { frame: &[], ..event }, len));
            }
            Record::Storm(storm) => self.items.push_back(Item::Storm(storm)),
            Record::Loss(loss) => self.items.push_back(Item::Loss(loss)),
            Record::Tick(_) => {}
        }
    }

    /// Appends the end of a second, and what was counted until then.
    pub fn second(&mut self, at: Time, figures: Figures) {
        self.items.push_back(Item::Second(at, Box::new(figures)));
        self.seconds = self.seconds.saturating_add(1);
    }

    /// Moves everything of `other` behind what is here.
    pub fn append(&mut self, other: &mut Self) {
        if self.items.is_empty() {
            std::mem::swap(self, other);
            return;
        }
        self.items.append(&mut other.items);
        self.bytes.append(&mut other.bytes);
        for (held, more) in self.held.iter_mut().zip(std::mem::take(&mut other.held)) {
            *held = held.saturating_add(more);
        }
        self.seconds = self.seconds.saturating_add(std::mem::take(&mut other.seconds));
    }

    /// Delivers at most `count` records, and none after the first tick; returns what was counted until that.
    pub fn deliver(&mut self, count: usize, sink: &mut dyn FnMut(Record<'_>)) -> Option<Box<Figures>> {
        for _ in 0..count {
            match self.items.pop_front()? {
                Item::Flow(event) => sink(Record::Flow(event)),
                Item::Storm(storm) => sink(Record::Storm(storm)),
                Item::Loss(loss) => sink(Record::Loss(loss)),
                Item::Frame(event, len) => {
                    // Usually in one piece: the bytes wrap around once a batch at most.
                    let (front, _) = self.bytes.as_slices();
                    match front.get(..len) {
                        Some(frame) => sink(Record::Frame(FrameEvent { frame, ..event })),
                        None => {
                            let whole = self.bytes.make_contiguous();
                            let frame = whole.get(..len).unwrap_or_default();
                            sink(Record::Frame(FrameEvent { frame, ..event }));
                        }
                    }
                    self.bytes.drain(..len.min(self.bytes.len()));
                }
                Item::Second(at, figures) => {
                    sink(Record::Tick(at));
                    return Some(figures);
                }
            }
        }
        None
    }

    /// Ready for the next records; a spike's memory is given back.
    pub fn reset(&mut self) {
        self.items.clear();
        self.bytes.clear();
        self.items.shrink_to(KEPT / size_of::<Item>());
        self.bytes.shrink_to(KEPT);
        self.held = [0; Ring::COUNT];
        self.seconds = 0;
    }
}
