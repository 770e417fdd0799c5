//! The flow cache: set-associative, two ways, one direction an entry, as in a NetFlow router.
//!
//! An entry is 64 bytes, a set 128. A colliding older entry is reported and replaced, so nothing is lost silently and
//! the rule is the same on both hosts. The stamp's upper half is a generation, odd while an entry is being replaced: a
//! reader of the mapped cache retries when it is odd or has changed.

mod entry;
mod key;

pub use entry::{Entry, Moment, Set, Snapshot};
pub(crate) use key::one_port;
pub use key::{FlowKey, Transport, Words};

use crate::policy::{Class, HAS_VERDICTS, HAS_WATCHED};
use crate::tables::Tables;

/// Multiply-shift over the key's words (Dietzfelbinger 1996), one secret multiplier each: an attacker who does not
/// know them cannot aim at one set.
#[inline(always)]
pub fn hash<T: Tables>(key: &Words, tables: &T) -> u32 {
    let [a, b, c, d, e] = key.hashed();
    let sum = a
        .wrapping_mul(tables.secret(0))
        .wrapping_add(b.wrapping_mul(tables.secret(1)))
        .wrapping_add(c.wrapping_mul(tables.secret(2)))
        .wrapping_add(d.wrapping_mul(tables.secret(3)))
        .wrapping_add(e.wrapping_mul(tables.secret(4)));
    (sum >> 32) as u32
}

/// What policy and the engine say about a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// How much of it is wanted.
    pub class: Class,
    /// Whether one of its ends is watched.
    pub watched: bool,
}

/// Asks the port table, then the engine's verdicts. A verdict wins over a port: content over hint.
#[inline(never)]
pub fn judge<T: Tables>(key: &Words, tables: &T) -> Judged {
    let index = |port: u16| match key.transport() {
        Transport::Tcp => u32::from(port),
        Transport::Udp => 1 << 16 | u32::from(port),
        Transport::Icmpv6 => 3 << 16 | u32::from(port),
        _ => 2 << 16 | u32::from(port),
    };
    let class = match key.transport() {
        Transport::Tcp | Transport::Udp => {
            // The kernel does not know who is the server, so both ports are looked at.
            let (to, from) = (tables.port_class(index(key.dport())), tables.port_class(index(key.sport())));
            if to as u8 >= from as u8 { to } else { from }
        }
        Transport::Ethernet => tables.port_class(index(key.dport())),
        // Neighbor Discovery is listed; what is not is counted and not read.
        Transport::Icmpv6 => match tables.port_class(index(key.dport())) {
            Class::Unknown => Class::Quiet,
            class => class,
        },
        _ => Class::Quiet,
    };
    // Hash lookups cost more than all the rest: only where there is something to find.
    let asked = tables.control().asked.get();
    let mut verdict = None;
    if asked & HAS_VERDICTS != 0 {
        verdict = tables.verdict(&key.destination());
        if verdict.is_none() {
            verdict = tables.verdict(&key.source());
        }
    }
    let watched = asked & HAS_WATCHED != 0 && (tables.watched(&key.dst()) || tables.watched(&key.src()));
    Judged { class: verdict.unwrap_or(class), watched }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Flows of a plant differ in a port or in the last byte of an address: both must spread over the sets.
    #[test]
    fn flows_that_differ_in_one_port_or_one_byte_spread_over_the_sets() {
        let secrets = [
            0x9e37_79b9_7f4a_7c15_u64,
            0xc2b2_ae3d_27d4_eb4f,
            0x1656_67b1_9e37_79f9,
            0xd6e8_feb8_6659_fd93,
            0xa076_1d64_78bd_642f,
        ];
        let set = |key: Words| {
            let sum = key
                .hashed()
                .iter()
                .zip(secrets)
                .fold(0_u64, |sum, (w, m)| sum.wrapping_add(w.wrapping_mul(m)));
            ((sum >> 32) * 4096) >> 32
        };
        let key = |dst: u8, sport: u16| {
            let [high, low] = sport.to_be_bytes();
            let addresses = Words::v4(u64::from_ne_bytes([10, 0, 0, 1, 10, 0, 0, dst]));
            Words::new(addresses, u32::from_ne_bytes([high, low, 0, 102]), Transport::Tcp, 0)
        };
        let by_port: std::collections::BTreeSet<u64> = (0..512).map(|n| set(key(2, 40_000 + n))).collect();
        let by_host: std::collections::BTreeSet<u64> = (0..=255).map(|n| set(key(n, 1))).collect();
        assert!(by_port.len() > 400, "{} sets for 512 ports", by_port.len());
        assert!(by_host.len() > 200, "{} sets for 256 hosts", by_host.len());
    }
}
