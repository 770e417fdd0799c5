//! What leaves the kernel: flow records, and frames within a class's budget.

use crate::counters::Counter;
use crate::flow::Entry;
use crate::frame::{Frame, Header as _};
use crate::observe::Arrival;
use crate::policy::{BUDGET_UNIT, UNLIMITED};
use crate::record::{Header, KIND_FLOW, KIND_FRAME, MAX_CAP, Reason, Ring};
use crate::tables::Tables;

/// Fills a record's header field by field: a struct would be built on the stack first.
#[inline(always)]
fn head<T: Tables>(
    header: &mut Header,
    ring: Ring,
    kind: u8,
    index: u32,
    entry: &Entry,
    arrival: &Arrival<'_, T>,
) {
    let cpu = arrival.tables.cpu();
    header.ktime = arrival.tables.ktime();
    header.seq = cpu.next_seq(ring);
    header.ticks = arrival.ticks;
    header.entry = index;
    header.generation = entry.generation();
    header.cpu = cpu.slice.get().wrapping_sub(1) as u16;
    header.kind = kind;
    header.ring = ring as u8;
    header.reason = 0;
    header.zero = 0;
    header.tcp_seq = arrival.headers.seq;
}

/// Reports an entry as it stands. A function of its own, because BPF gives each 512 bytes of stack and no more.
#[inline(never)]
pub fn flow<T: Tables>(index: u32, entry: &Entry, reason: Reason, arrival: &Arrival<'_, T>) {
    let tables = arrival.tables;
    let ended = matches!(reason, Reason::Replaced);
    let sent = tables.emit_flow(|record| {
        head(&mut record.header, Ring::Lifecycle, KIND_FLOW, index, entry, arrival);
        record.header.reason = reason as u8;
        if ended {
            record.header.tcp_seq = 0;
        }
        entry.key().write(&mut record.key);
        record.bytes = entry.bytes();
        record.packets = entry.packets();
        record.last = entry.last();
        record.flags = entry.flags();
        record.class = entry.class() as u8;
        record.packet_flags = if ended { 0 } else { arrival.headers.flags };
        record.notes = if ended { 0 } else { arrival.headers.notes };
        record.macs = if ended { [0; 12] } else { macs(arrival.frame) };
    });
    if !sent {
        tables.cpu().count_lost(Ring::Lifecycle);
    }
}

/// Source, then destination MAC.
#[inline(always)]
fn macs<F: Frame>(frame: &F) -> [u8; 12] {
    let Some(h) = frame.header::<12>(0) else { return [0; 12] };
    let ([a, b, c, d, e, f], [u, v, w, x, y, z]) = (h.take::<0, 6>(), h.take::<6, 6>());
    [u, v, w, x, y, z, a, b, c, d, e, f]
}

/// Ships the frame if its flow has budget left, and again as evidence if an end is watched.
#[inline(always)]
pub fn payload<T: Tables>(index: u32, entry: &Entry, arrival: &Arrival<'_, T>) {
    let wanted = entry.budget() != 0 && arrival.headers.payload_len != 0;
    if wanted || entry.is_watched() {
        frames(index, entry, arrival);
    }
}

#[inline(never)]
fn frames<T: Tables>(index: u32, entry: &Entry, arrival: &Arrival<'_, T>) {
    let tables = arrival.tables;
    let control = tables.control();
    let limit = control.heartbeat_limit.get();
    // A heartbeat written a tick after `ticks` was read is in the future, not an age ago: as far off is as good.
    let age = arrival.ticks.wrapping_sub(control.heartbeat.get());
    if limit != 0 && age.wrapping_add(limit) > limit.saturating_mul(2) {
        tables.cpu().count(Counter::Paused, 1);
        return;
    }
    let budget = entry.budget();
    let headers = arrival.headers;
    if budget != 0 && headers.payload_len != 0 {
        let class = entry.class();
        let snap = u32::from(tables.class_policy(class).snap).saturating_add(headers.payload_at);
        let sent = frame_record(index, entry, class.ring(), snap, arrival);
        if budget != UNLIMITED {
            let units = sent.div_ceil(BUDGET_UNIT);
            entry.set_budget(u32::from(budget).saturating_sub(units) as u16);
        }
    }
    if entry.is_watched() {
        frame_record(index, entry, Ring::Evidence, MAX_CAP as u32, arrival);
    }
}

/// Returns how many payload bytes the record holds.
#[inline(never)]
fn frame_record<T: Tables>(
    index: u32,
    entry: &Entry,
    ring: Ring,
    snap: u32,
    arrival: &Arrival<'_, T>,
) -> u32 {
    let (tables, headers) = (arrival.tables, arrival.headers);
    let wire_len = arrival.frame.wire_len() as u32;
    let cap = if wire_len < snap { wire_len } else { snap };
    let cap = if cap > MAX_CAP as u32 { MAX_CAP as u32 } else { cap };
    let sent = tables.emit_frame(ring, cap, arrival.frame, |record| {
        head(&mut record.header, ring, KIND_FRAME, index, entry, arrival);
        entry.key().write(&mut record.key);
        record.wire_len = wire_len;
        record.payload_len = headers.payload_len;
        record.payload_at = headers.payload_at as u16;
        record.cap_len = cap as u16;
        record.flags = headers.flags;
        record.class = entry.class() as u8;
        record.notes = headers.notes;
        record.zero = 0;
    });
    match sent {
        Ok(true) => {}
        Ok(false) => tables.cpu().count_lost(ring),
        Err(_) => tables.cpu().count(Counter::Uncopied, 1),
    }
    cap.saturating_sub(headers.payload_at)
}
