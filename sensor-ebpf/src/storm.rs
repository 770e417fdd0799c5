//! When flows come faster than the rate limit: a fixed table instead of entries and records.
//!
//! A spoofed scan costs ten times the hit path if every packet makes an entry. Beyond the token bucket a packet of a new
//! flow is counted in a row by (source, class) with a bitmap of distinct destinations (linear counting, Whang et al.
//! 1990); sources that collide share one of the last two rows, "others", in search of industrial services or not.
//!
//! A row only ever counts up, and what it counted for the source before the present one stays beside it: user space
//! reads it each second and takes differences, so that nothing is lost where a window ends or a row changes hands.

use core::cell::Cell;

use crate::observe::Arrival;
use crate::policy::Class;
use crate::tables::Tables;

/// Rows, without those for others.
pub const ROWS: u32 = 256;
/// Rows with those for others: first not industrial, then industrial.
pub const ALL_ROWS: u32 = ROWS + 2;
/// Bits of a row's bitmap.
pub const BITS: u32 = 256;
/// A row may change hands, and forgets its destinations, after this many ticks (a power of two).
pub const WINDOW_SHIFT: u32 = 11;

/// New flows of one source beyond the limit.
#[derive(Debug, Default)]
#[repr(C)]
pub struct StormRow {
    /// Source address; zero in the rows of others.
    pub source: [Cell<u64>; 2],
    /// Packets since the row is this source's.
    pub packets: Cell<u64>,
    /// Distinct destination addresses and ports of this window, hashed.
    pub destinations: [Cell<u64>; 4],
    /// Window number: ticks >> [`WINDOW_SHIFT`].
    pub window: Cell<u32>,
    /// [`Class`] and [`USED`]; zero while the row was never used.
    pub class: Cell<u32>,
    /// Source address before this one.
    pub source_before: [Cell<u64>; 2],
    /// Packets that source had in the end.
    pub packets_before: Cell<u64>,
    /// Which source this is: counts how often the row changed hands.
    pub tenant: Cell<u32>,
    /// [`StormRow::class`] of the source before.
    pub class_before: Cell<u32>,
}

/// Set in [`StormRow::class`] of rows that were ever used.
pub const USED: u32 = 0x100;

/// Takes one token for a new flow; `false` when the bucket is empty.
#[inline(always)]
pub fn admit<T: Tables>(class: Class, ticks: u32, tables: &T) -> bool {
    let (cpu, control) = (tables.cpu(), tables.control());
    let elapsed = ticks.wrapping_sub(cpu.refilled.get());
    if elapsed != 0 {
        cpu.refilled.set(ticks);
        for ((tokens, rate), burst) in cpu.tokens.iter().zip(&control.rate).zip(&control.burst) {
            // Capped so that the product cannot wrap after a quiet year.
            let elapsed = if elapsed > 1 << 12 { 1 << 12 } else { elapsed };
            let filled = tokens.get().saturating_add(elapsed.saturating_mul(rate.get()));
            tokens.set(if filled > burst.get() { burst.get() } else { filled });
        }
    }
    let [industrial, others] = &cpu.tokens;
    let bucket = if class.is_industrial() { industrial } else { others };
    let tokens = bucket.get();
    bucket.set(tokens.saturating_sub(1));
    tokens != 0
}

/// Counts a packet that was not admitted.
#[inline(never)]
pub fn note<T: Tables>(class: Class, arrival: &Arrival<'_, T>) {
    let (tables, hash, ticks) = (arrival.tables, arrival.hash, arrival.ticks);
    let [a, b] = arrival.headers.key.src();
    let index = (a.wrapping_mul(tables.secret(0)).wrapping_add(b.wrapping_mul(tables.secret(1))) >> 56)
        as u32
        & (ROWS - 1);
    let window = ticks >> WINDOW_SHIFT;
    let tag = class as u32 | USED;
    let Some(row) = tables.storm_row(index) else { return };
    let [x, y] = &row.source;
    let mine = (x.get() ^ a) | (y.get() ^ b) == 0 && row.class.get() == tag;
    let free = row.window.get() != window || row.class.get() == 0;
    let row = if mine || free {
        row
    } else {
        match tables.storm_row(ROWS | class.is_industrial() as u32) {
            Some(others) => others,
            None => return,
        }
    };
    if !mine && free {
        let [p, q] = &row.source_before;
        p.set(x.get());
        q.set(y.get());
        row.packets_before.set(row.packets.get());
        row.class_before.set(row.class.get());
        row.tenant.set(row.tenant.get().wrapping_add(1));
        x.set(a);
        y.set(b);
        row.packets.set(0);
    }
    if row.window.get() != window {
        row.window.set(window);
        for word in &row.destinations {
            word.set(0);
        }
    }
    // The same again in a source's own row; in one of others, what it is for.
    row.class.set(tag);
    row.packets.set(row.packets.get().wrapping_add(1));
    let bit = hash >> 24 & (BITS - 1);
    if let Some(word) = row.destinations.get((bit >> 6) as usize) {
        word.set(word.get() | 1 << (bit & 63));
    }
}
