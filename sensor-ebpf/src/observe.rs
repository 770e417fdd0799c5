//! The per-packet function.

use crate::counters::Counter;
use crate::flow::{self, Entry, Moment, Set, Words};
use crate::frame::Frame;
use crate::policy::Class;
use crate::record::Reason;
use crate::ship;
use crate::storm;
use crate::tables::Tables;
use crate::wire::transport::flag;
use crate::wire::{self, Headers, Note, Unreadable};

/// TCP flags whose first appearance is reported at once.
const NEWS: u8 = flag::SYN | flag::FIN | flag::RST;

/// One packet, its headers found, and where it meets the flow cache.
pub struct Arrival<'a, T: Tables> {
    /// What the wire says.
    pub headers: &'a Headers,
    /// Coarse time.
    pub ticks: u32,
    /// Hash of the key.
    pub hash: u32,
    /// The frame itself.
    pub frame: &'a T::Frame,
    /// Everything else.
    pub tables: &'a T,
}

/// Accounts one frame and ships what the engine wants of it. Never refuses a packet: there is nothing to return.
#[inline(always)]
pub fn observe<T: Tables>(frame: &T::Frame, tables: &T) {
    if !usual(frame, tables) {
        rest(frame, tables);
    }
}

/// Counts a frame as nearly all are: a plain one of a flow that is known, of which nothing must leave the kernel. `false`
/// for all others, which are then for [`rest`].
///
/// Nothing found here is handed on: the values would have to be kept for what seldom comes, and a BPF program has ten
/// registers. What seldom comes looks again.
#[inline(always)]
pub fn usual<T: Tables>(frame: &T::Frame, tables: &T) -> bool {
    let Some(headers) = wire::plain::parse(frame, tables.slot()) else { return false };
    if headers.flags & NEWS != 0 {
        return false;
    }
    let Some((_, _, set)) = find(&headers.key, tables) else { return false };
    let [first, second] = &set.ways;
    let entry = if first.holds(&headers.key) {
        first
    } else if second.holds(&headers.key) {
        second
    } else {
        return false;
    };
    let control = tables.control();
    let now = Moment { ticks: tables.ticks(), epoch: control.epoch.get() };
    let added = entry.add_usual(headers.len, headers.flags, headers.payload_len, now, control.idle.get());
    if added {
        count(frame.first_len(), tables);
    }
    added
}

#[inline(always)]
fn count<T: Tables>(bytes: u64, tables: &T) {
    tables.cpu().count(Counter::Packets, 1);
    tables.cpu().count(Counter::Bytes, bytes);
}

/// One frame of which anything may be new: any for which [`usual`] is `false`.
#[inline(always)]
pub fn rest<T: Tables>(frame: &T::Frame, tables: &T) {
    let cpu = tables.cpu();
    count(frame.wire_len(), tables);
    let mut headers = Headers::default();
    match read(frame, tables, &mut headers) {
        Ok(()) => account(&headers, frame, tables),
        Err(Unreadable::Cut) => cpu.count(Counter::Cut, 1),
        Err(Unreadable::Bad) => cpu.count(Counter::Bad, 1),
    }
}

/// Finds the headers, in a copy of the frame where they lie beyond the linear part or are not the usual ones.
#[inline(never)]
fn read<T: Tables>(frame: &T::Frame, tables: &T, headers: &mut Headers) -> Result<(), Unreadable> {
    let slot = tables.slot();
    let found = match wire::parse(frame, slot) {
        Err(Unreadable::Cut) => wire::parse(&frame.whole().ok_or(Unreadable::Cut)?, slot),
        found => found,
    }?;
    // What follows is the same for all.
    *headers = found.map(|number| tables.forget(number));
    Ok(())
}

/// Hash of a key, and index and place of the set where it may stand; `None` on a CPU without a slice of the cache.
#[inline(always)]
fn find<'a, T: Tables>(key: &Words, tables: &'a T) -> Option<(u32, u32, &'a Set)> {
    let hash = flow::hash(key, tables);
    // Multiply-shift mixes into the upper bits: a port, which stands high in its word, never reaches the lower ones.
    let index = (u64::from(hash).wrapping_mul(u64::from(tables.sets())) >> 32) as u32;
    Some((hash, index, tables.set(tables.cpu().first.get().wrapping_add(index))?))
}

/// One packet of which anything may be new.
#[inline(never)]
fn account<T: Tables>(headers: &Headers, frame: &T::Frame, tables: &T) {
    let cpu = tables.cpu();
    if headers.notes & Note::LATER_FRAGMENT != 0 {
        cpu.count(Counter::LaterFragments, 1);
    }
    let Some((hash, set_index, set)) = find(&headers.key, tables) else {
        return cpu.count(Counter::NoSlice, 1);
    };
    let arrival = Arrival { headers, ticks: tables.ticks(), hash, frame, tables };
    let [first, second] = &set.ways;
    if first.holds(&headers.key) {
        hit(set_index << 1, first, &arrival);
    } else if second.holds(&headers.key) {
        hit(set_index << 1 | 1, second, &arrival);
    } else {
        let take_second =
            !first.is_empty() && (second.is_empty() || second.last().wrapping_sub(first.last()) as i32 <= 0);
        let (way, entry) = if take_second { (1, second) } else { (0, first) };
        miss(set_index << 1 | way, entry, &arrival);
    }
}

/// The flow has an entry.
#[inline(never)]
fn hit<T: Tables>(index: u32, entry: &Entry, arrival: &Arrival<'_, T>) {
    let (headers, control) = (arrival.headers, arrival.tables.control());
    let seen = entry.flags();
    let idle = arrival.ticks.wrapping_sub(entry.last()) > control.idle.get();
    if idle || (headers.flags & NEWS != 0 && reopens(seen, headers.flags)) {
        return reopen(index, entry, arrival);
    }
    entry.add(headers.len, headers.flags, arrival.ticks);
    if headers.flags & NEWS & !seen != 0 {
        ship::flow(index, entry, Reason::Changed, arrival);
    }
    let epoch = control.epoch.get() as u16;
    if entry.epoch() != epoch {
        rejudge(entry, epoch, arrival);
    }
    ship::payload(index, entry, arrival);
}

/// Whether a SYN starts a new connection on known ports instead of repeating the first.
#[inline(always)]
const fn reopens(seen: u8, flags: u8) -> bool {
    let syn = flags & flag::SYN != 0;
    let bare = flags & flag::ACK == 0;
    syn && (seen & (flag::FIN | flag::RST) != 0 || (bare && seen & flag::ACK != 0))
}

/// The engine's verdicts changed since this entry asked.
#[inline(never)]
fn rejudge<T: Tables>(entry: &Entry, epoch: u16, arrival: &Arrival<'_, T>) {
    entry.set_epoch(epoch);
    let judged = flow::judge(&arrival.headers.key, arrival.tables);
    if judged.class != entry.class() || judged.class as u8 == Class::Stream as u8 {
        entry.set_budget(arrival.tables.class_policy(judged.class).budget);
    }
    entry.judge(judged);
}

/// The flow was idle for long, or its ports are used for a new connection: the same place, a new tenant.
#[inline(never)]
fn reopen<T: Tables>(index: u32, entry: &Entry, arrival: &Arrival<'_, T>) {
    ship::flow(index, entry, Reason::Replaced, arrival);
    open(index, entry, flow::judge(&arrival.headers.key, arrival.tables), arrival);
}

/// The flow has none: it gets the way that was idle longest, if the bucket allows.
#[inline(never)]
fn miss<T: Tables>(index: u32, entry: &Entry, arrival: &Arrival<'_, T>) {
    let tables = arrival.tables;
    let judged = flow::judge(&arrival.headers.key, tables);
    if !storm::admit(judged.class, arrival.ticks, tables) {
        tables.cpu().count(Counter::Storm, 1);
        return storm::note(judged.class, arrival);
    }
    if !entry.is_empty() {
        tables.cpu().count(Counter::Replaced, 1);
        ship::flow(index, entry, Reason::Replaced, arrival);
    }
    open(index, entry, judged, arrival);
}

#[inline(always)]
fn open<T: Tables>(index: u32, entry: &Entry, judged: flow::Judged, arrival: &Arrival<'_, T>) {
    let (headers, tables) = (arrival.headers, arrival.tables);
    let epoch = tables.control().epoch.get() as u16;
    let budget = tables.class_policy(judged.class).budget;
    entry.replace(&headers.key, judged, epoch, budget, || tables.fence());
    entry.add(headers.len, headers.flags, arrival.ticks);
    tables.cpu().count(Counter::Inserted, 1);
    ship::flow(index, entry, Reason::Opened, arrival);
    ship::payload(index, entry, arrival);
}
