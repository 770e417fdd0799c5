//! What leaves the kernel: flow records, and frames within a class's budget.

use crate::counters::Counter;
use crate::flow::Entry;
use crate::frame::Frame;
use crate::observe::Arrival;
use crate::policy::{BUDGET_UNIT, UNLIMITED};
use crate::record::{FlowRecord, FrameRecord, Header, KIND_FLOW, KIND_FRAME, MAX_CAP, Reason, Ring};
use crate::tables::Tables;

#[inline(always)]
fn header<T: Tables>(ring: Ring, kind: u8, index: u32, entry: &Entry, ticks: u32, tables: &T) -> Header {
    let cpu = tables.cpu();
    Header {
        ktime: tables.ktime(),
        seq: cpu.next_seq(ring),
        ticks,
        entry: index,
        generation: entry.generation(),
        cpu: cpu.slice.get().wrapping_sub(1) as u16,
        kind,
        ring: ring as u8,
        reason: 0,
        zero: [0; 5],
    }
}

/// Reports an entry as it stands. A function of its own, because BPF gives each 512 bytes of stack and no more.
#[inline(never)]
pub fn flow<T: Tables>(index: u32, entry: &Entry, reason: Reason, arrival: &Arrival<'_, T>) {
    let tables = arrival.tables;
    let mut header = header(Ring::Lifecycle, KIND_FLOW, index, entry, arrival.ticks, tables);
    header.reason = reason as u8;
    let ended = matches!(reason, Reason::Replaced);
    let sent = tables.emit_flow(|record| {
        let at = entry.snapshot();
        record.set(FlowRecord {
            header,
            key: at.key,
            bytes: at.bytes,
            packets: at.packets,
            last: at.last,
            flags: at.flags,
            packet_flags: if ended { 0 } else { arrival.headers.flags },
            class: at.class,
            notes: if ended { 0 } else { arrival.headers.notes },
            macs: if ended { [0; 12] } else { macs(arrival.frame) },
        });
    });
    if !sent {
        tables.cpu().count_lost(Ring::Lifecycle);
    }
}

/// Source, then destination MAC.
#[inline(always)]
fn macs<F: Frame>(frame: &F) -> [u8; 12] {
    match frame.read::<12>(0) {
        Some([a, b, c, d, e, f, u, v, w, x, y, z]) => [u, v, w, x, y, z, a, b, c, d, e, f],
        None => [0; 12],
    }
}

/// Ships the frame if its flow has budget left, and again as evidence if an end is watched.
#[inline(always)]
pub fn payload<T: Tables>(index: u32, entry: &Entry, arrival: &Arrival<'_, T>) {
    let wanted = entry.budget().get() != 0 && arrival.headers.payload_len != 0;
    if wanted || entry.is_watched() {
        frames(index, entry, arrival);
    }
}

#[inline(never)]
fn frames<T: Tables>(index: u32, entry: &Entry, arrival: &Arrival<'_, T>) {
    let tables = arrival.tables;
    let control = tables.control();
    let limit = control.heartbeat_limit.get();
    // A heartbeat written a tick after `ticks` was read is in the future, not an age ago.
    let age = arrival.ticks.wrapping_sub(control.heartbeat.get()) as i32;
    if limit != 0 && age > limit as i32 {
        tables.cpu().count(Counter::Paused, 1);
        return;
    }
    let budget = entry.budget().get();
    let headers = &arrival.headers;
    if budget != 0 && headers.payload_len != 0 {
        let class = entry.class();
        let snap = u32::from(tables.class_policy(class).snap).saturating_add(headers.payload_at);
        let sent = frame_record(index, entry, class.ring(), snap, arrival);
        if budget != UNLIMITED {
            let units = sent.div_ceil(BUDGET_UNIT);
            entry.budget().set((u32::from(budget)).saturating_sub(units) as u16);
        }
    }
    if entry.is_watched() {
        frame_record(index, entry, Ring::Evidence, MAX_CAP as u32, arrival);
    }
}

/// Returns how many payload bytes the record holds.
#[inline(never)]
fn frame_record<T: Tables>(index: u32, entry: &Entry, ring: Ring, snap: u32, arrival: &Arrival<'_, T>) -> u32 {
    let (tables, headers) = (arrival.tables, &arrival.headers);
    let wire_len = arrival.frame.wire_len();
    let cap = if wire_len < snap { wire_len } else { snap };
    let cap = if cap > MAX_CAP as u32 { MAX_CAP as u32 } else { cap };
    let record = FrameRecord {
        header: header(ring, KIND_FRAME, index, entry, arrival.ticks, tables),
        key: entry.snapshot().key,
        wire_len,
        payload_len: headers.payload_len,
        payload_at: headers.payload_at as u16,
        cap_len: cap as u16,
        flags: headers.flags,
        class: entry.class() as u8,
        notes: headers.notes,
        zero: 0,
    };
    match tables.emit_frame(ring, &record, arrival.frame) {
        Ok(true) => {}
        Ok(false) => tables.cpu().count_lost(ring),
        Err(_) => tables.cpu().count(Counter::Uncopied, 1),
    }
    cap.saturating_sub(headers.payload_at)
}
