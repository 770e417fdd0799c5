//! From the thread that reads the rings to the engine: bounded, so that a slow engine costs records, counted, and never
//! the rings.
//!
//! Each ring has room of its own: a flood in one cannot push out what came through another. What finds no room is
//! refused *before* its totals are taken down, so that its sequence number shows as a loss and the next report of the
//! flow heals the count.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sensor_ebpf::record::{Header, Reason, Ring};
use zerocopy::FromBytes as _;

use super::{Figures, Losses};
use crate::source::residency::{Clock, Residency};
use crate::source::{FlowEvent, FrameEvent, Loss, Record, Storm, Wish};
use crate::time::Time;

/// Wishes that wait for the reading thread.
const MAX_WISHES: usize = 1 << 16;
/// Seconds that wait for the engine; further ones are left out, and record time jumps.
const MAX_SECONDS: usize = 600;
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
    held: [usize; Ring::COUNT],
    seconds: usize,
}

impl Batch {
    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// What a record takes in memory.
    const fn cost(frame: usize) -> usize {
        size_of::<Item>().saturating_add(frame)
    }

    fn hold(&mut self, ring: Ring, cost: usize) {
        if let Some(held) = self.held.get_mut(ring as usize) {
            *held = held.saturating_add(cost);
        }
    }

    /// Appends a record, other than a tick.
    fn push(&mut self, record: &Record<'_>) {
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
    fn second(&mut self, at: Time, figures: Figures) {
        self.items.push_back(Item::Second(at, Box::new(figures)));
        self.seconds = self.seconds.saturating_add(1);
    }

    /// Moves everything of `other` behind what is here.
    fn append(&mut self, other: &mut Self) {
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
    fn reset(&mut self) {
        self.items.clear();
        self.bytes.clear();
        self.items.shrink_to(KEPT / size_of::<Item>());
        self.bytes.shrink_to(KEPT);
        self.held = [0; Ring::COUNT];
        self.seconds = 0;
    }
}

/// Reads raw records into a batch, as long as there is room.
pub struct Teller {
    /// What was reported of each place of the flow cache.
    pub residency: Residency,
    batch: Batch,
    /// Bytes the engine had not taken when it was last looked, by ring.
    waiting: [usize; Ring::COUNT],
    limits: [usize; Ring::COUNT],
    seconds_waiting: usize,
    /// Records refused for lack of room, by ring.
    refused: [u64; Ring::COUNT],
    /// Seconds left out.
    skipped: u64,
}

impl Teller {
    /// With room for `limits` bytes of each ring.
    pub fn new(residency: Residency, limits: [usize; Ring::COUNT]) -> Self {
        Self {
            residency,
            batch: Batch::default(),
            waiting: [0; Ring::COUNT],
            limits,
            seconds_waiting: 0,
            refused: [0; Ring::COUNT],
            skipped: 0,
        }
    }

    /// Whether a record of `ring` finds room.
    fn has_room(&self, ring: Ring) -> bool {
        let at = ring as usize;
        let [waiting, here, limit] =
            [&self.waiting, &self.batch.held, &self.limits].map(|of| of.get(at).copied().unwrap_or(0));
        waiting.saturating_add(here) < limit
    }

    /// Whether flow news finds room: without it there is no use in looking for any.
    pub fn has_room_for_flows(&self) -> bool {
        self.has_room(Ring::Lifecycle)
    }

    /// Takes a raw record, or counts it as refused.
    pub fn tell(&mut self, raw: &[u8], clock: &Clock) {
        if let Ok((header, _)) = Header::read_from_prefix(raw)
            && let Some(ring) = Ring::ALL.into_iter().find(|ring| *ring as u8 == header.ring)
            && !self.has_room(ring)
        {
            // What a sweep read is read again by the next one.
            if header.reason != Reason::Swept as u8
                && let Some(refused) = self.refused.get_mut(ring as usize)
            {
                *refused = refused.saturating_add(1);
            }
            return;
        }
        let batch = &mut self.batch;
        self.residency.read(raw, clock, &mut |record| batch.push(&record));
    }

    /// Takes a storm.
    pub fn storm(&mut self, storm: Storm) {
        self.batch.push(&Record::Storm(storm));
    }

    /// Ends a second.
    pub fn second(&mut self, at: Time, figures: Figures) {
        if self.seconds_waiting.saturating_add(self.batch.seconds) < MAX_SECONDS {
            self.batch.second(at, figures);
        } else {
            self.skipped = self.skipped.saturating_add(1);
        }
    }

    /// What was lost here.
    pub const fn losses(&self) -> Losses {
        Losses {
            refused: self.refused,
            skipped: self.skipped,
            unreadable: self.residency.unreadable,
            late: 0,
            hurried: 0,
        }
    }
}

/// What both threads share.
#[derive(Default)]
struct Inside {
    batch: Batch,
    wishes: Vec<Wish>,
    refused_wishes: u64,
    stop: Option<Stop>,
    /// The reading thread is over.
    over: Option<anyhow::Result<()>>,
}

/// How the reading thread is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Reads what is left, then ends.
    Finish,
    /// Ends.
    Abandon,
}

/// The place where records and wishes change hands.
#[derive(Default)]
pub struct Handover {
    inside: Mutex<Inside>,
    arrived: Condvar,
}

impl Handover {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reading thread: hands over what `teller` holds, and takes wishes into `wishes`; tells whether to stop.
    pub fn publish(&self, teller: &mut Teller, wishes: &mut Vec<Wish>) -> Option<Stop> {
        let mut inside = self.lock();
        if !teller.batch.is_empty() {
            inside.batch.append(&mut teller.batch);
            self.arrived.notify_one();
        }
        teller.waiting = inside.batch.held;
        teller.seconds_waiting = inside.batch.seconds;
        wishes.append(&mut inside.wishes);
        inside.stop
    }

    /// Reading thread: nothing more will come.
    pub fn close(&self, outcome: anyhow::Result<()>) {
        let mut inside = self.lock();
        if inside.over.is_none() {
            inside.over = Some(outcome);
        }
        self.arrived.notify_one();
    }

    /// Engine: exchanges the empty `batch` for what has come, waiting at most `patience`. `Ok(false)`: it is over.
    ///
    /// # Errors
    /// What ended the reading thread, once.
    pub fn take(&self, batch: &mut Batch, patience: Duration) -> anyhow::Result<bool> {
        batch.reset();
        let inside = self.lock();
        let idle = |inside: &mut Inside| inside.batch.is_empty() && inside.over.is_none();
        let (mut inside, _) =
            self.arrived.wait_timeout_while(inside, patience, idle).unwrap_or_else(PoisonError::into_inner);
        if inside.batch.is_empty() {
            return match inside.over.replace(Ok(())) {
                None => {
                    inside.over = None;
                    Ok(true)
                }
                Some(outcome) => outcome.map(|()| false),
            };
        }
        std::mem::swap(&mut inside.batch, batch);
        Ok(true)
    }

    /// Engine: leaves wishes.
    pub fn wish(&self, wishes: &[Wish]) {
        if wishes.is_empty() {
            return;
        }
        let mut inside = self.lock();
        let room = MAX_WISHES.saturating_sub(inside.wishes.len()).min(wishes.len());
        inside.wishes.extend(wishes.iter().take(room));
        inside.refused_wishes =
            inside.refused_wishes.saturating_add(wishes.len().saturating_sub(room) as u64);
    }

    /// Engine: asks the reading thread to end.
    pub fn stop(&self, how: Stop) {
        self.lock().stop = Some(how);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sensor_ebpf::record::{FlowRecord, FrameRecord, KIND_FLOW, KIND_FRAME};
    use zerocopy::IntoBytes as _;

    fn teller(limit: usize) -> Teller {
        Teller::new(Residency::new(1, 16), [limit; Ring::COUNT])
    }

    fn frame(ring: Ring, seq: u32, len: u16) -> Vec<u8> {
        let header = Header { seq, kind: KIND_FRAME, ring: ring as u8, ..Header::default() };
        let record = FrameRecord { header, cap_len: len, ..FrameRecord::default() };
        [record.as_bytes(), &vec![seq as u8; usize::from(len)]].concat()
    }

    fn flow(seq: u32, packets: u32, reason: Reason) -> Vec<u8> {
        let header =
            Header { seq, kind: KIND_FLOW, reason: reason as u8, generation: 2, ..Header::default() };
        FlowRecord { header, packets, ..FlowRecord::default() }.as_bytes().to_vec()
    }

    /// What arrives, one word each.
    fn taken(handover: &Handover) -> Vec<String> {
        let mut batch = Batch::default();
        assert!(handover.take(&mut batch, Duration::ZERO).unwrap());
        let mut out = Vec::new();
        while !batch.is_empty() {
            batch.deliver(1, &mut |record| {
                out.push(match record {
                    Record::Flow(event) => format!("flow {}", event.packets),
                    Record::Frame(event) => format!("{} {:?}", event.ring.name(), event.frame),
                    Record::Storm(storm) => format!("storm {}", storm.packets),
                    Record::Loss(loss) => format!("lost {} {}", loss.ring.name(), loss.records),
                    Record::Tick(at) => format!("tick {}", at.seconds()),
                });
            });
        }
        out
    }

    #[test]
    fn records_arrive_whole_and_in_order_over_several_rounds() {
        let (handover, mut teller) = (Handover::default(), teller(1 << 20));
        let clock = Clock::default();
        teller.tell(&flow(0, 1, Reason::Opened), &clock);
        teller.tell(&frame(Ring::Industrial, 0, 2), &clock);
        handover.publish(&mut teller, &mut Vec::new());
        teller.tell(&frame(Ring::Industrial, 1, 3), &clock);
        teller.second(Time::from_seconds(7), Figures::default());
        handover.publish(&mut teller, &mut Vec::new());
        assert_eq!(taken(&handover), ["flow 1", "industrial [0, 0]", "industrial [1, 1, 1]", "tick 7"]);
    }

    #[test]
    fn a_delivery_ends_with_the_second_so_that_state_is_saved_each() {
        let (handover, mut teller) = (Handover::default(), teller(1 << 20));
        for second in 1..=2 {
            teller.second(Time::from_seconds(second), Figures::default());
        }
        handover.publish(&mut teller, &mut Vec::new());
        let mut batch = Batch::default();
        handover.take(&mut batch, Duration::ZERO).unwrap();
        let mut ticks = 0;
        assert!(batch.deliver(100, &mut |_| ticks += 1).is_some());
        assert_eq!((ticks, batch.is_empty()), (1, false));
    }

    #[test]
    fn an_engine_that_is_too_slow_costs_records_that_are_counted_and_healed() {
        let (handover, mut teller) = (Handover::default(), teller(2 * Batch::cost(0)));
        let clock = Clock::default();
        for (seq, packets) in (0..).zip([1, 2, 3, 4]) {
            teller.tell(&flow(seq, packets, Reason::Changed), &clock);
            handover.publish(&mut teller, &mut Vec::new());
        }
        assert_eq!(teller.losses().refused, [2, 0, 0, 0]);
        assert_eq!(taken(&handover), ["flow 1", "flow 1"]);
        handover.publish(&mut teller, &mut Vec::new());
        teller.tell(&flow(4, 9, Reason::Changed), &clock);
        handover.publish(&mut teller, &mut Vec::new());
        // The engine hears that two are missing, and what they told comes with the next.
        assert_eq!(taken(&handover), ["lost lifecycle 2", "flow 7"]);
    }

    #[test]
    fn a_flood_in_one_ring_leaves_room_for_the_others() {
        let (handover, mut teller) = (Handover::default(), teller(1000));
        let clock = Clock::default();
        for seq in 0..100 {
            teller.tell(&frame(Ring::Access, seq, 200), &clock);
        }
        teller.tell(&frame(Ring::Industrial, 0, 1), &clock);
        handover.publish(&mut teller, &mut Vec::new());
        let [_, industrial, access, _] = teller.losses().refused;
        assert_eq!(industrial, 0);
        assert!(access > 90);
        assert!(taken(&handover).contains(&"industrial [0]".to_owned()));
    }

    #[test]
    fn what_a_sweep_read_is_no_loss_when_there_is_no_room() {
        let mut teller = teller(0);
        teller.tell(&flow(0, 5, Reason::Swept), &Clock::default());
        assert_eq!(teller.losses().refused, [0; Ring::COUNT]);
        assert!(teller.residency.is_news(0, 0, 2, 5), "the next sweep tells it");
    }

    #[test]
    fn seconds_are_bounded_while_nobody_takes_them() {
        let (handover, mut teller) = (Handover::default(), teller(0));
        for second in 0..MAX_SECONDS as u64 + 9 {
            teller.second(Time::from_seconds(second), Figures::default());
            handover.publish(&mut teller, &mut Vec::new());
        }
        assert_eq!(teller.losses().skipped, 9);
    }

    #[test]
    fn the_end_comes_after_the_last_record_and_its_error_once() {
        let (handover, mut teller) = (Handover::default(), teller(1 << 20));
        teller.tell(&flow(0, 1, Reason::Opened), &Clock::default());
        handover.publish(&mut teller, &mut Vec::new());
        handover.close(Err(anyhow::anyhow!("broken")));
        assert_eq!(taken(&handover), ["flow 1"]);
        let mut batch = Batch::default();
        assert_eq!(handover.take(&mut batch, Duration::ZERO).unwrap_err().to_string(), "broken");
        assert!(!handover.take(&mut batch, Duration::ZERO).unwrap());
    }
}
