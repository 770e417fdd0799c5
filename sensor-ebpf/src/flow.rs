//! The flow cache: set-associative, two ways, one direction an entry, as in a NetFlow router.
//!
//! An entry is 64 bytes, a set 128. A colliding older entry is reported and replaced, so nothing is lost silently and
//! the rule is the same on both hosts. The stamp's upper half is a generation, odd while an entry is being replaced: a
//! reader of the mapped cache retries when it is odd or has changed.

use core::cell::Cell;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::policy::{Class, Endpoint, HAS_VERDICTS, HAS_WATCHED};
use crate::tables::Tables;

/// What carries the payload; four bits of [`FlowKey::place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Transport {
    /// An IP protocol without ports; its number stands as destination port.
    Other = 0,
    /// TCP.
    Tcp = 1,
    /// UDP.
    Udp = 2,
    /// ICMP; type and code stand as destination port.
    Icmp = 3,
    /// ICMPv6; likewise.
    Icmpv6 = 4,
    /// No IP: MACs for addresses, the EtherType as destination port, the payload's first two bytes as source port.
    Ethernet = 5,
}

impl Transport {
    #[inline(always)]
    pub(crate) const fn place(self) -> u32 {
        (self as u32) << 28
    }
}

/// One direction of a conversation. 40 bytes, compared by words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FlowKey {
    /// Source address: IPv6, v4-mapped, or a MAC in the last six bytes. Native words of network-order bytes.
    pub src: [u64; 2],
    /// Destination address.
    pub dst: [u64; 2],
    /// Source port, or what [`Transport`] says stands there; zero without ports.
    pub sport: u16,
    /// Destination port, or what [`Transport`] says stands there.
    pub dport: u16,
    /// Transport 4 bits, interface slot 4, outer VLAN id 12, inner VLAN id 12.
    pub place: u32,
}

impl FlowKey {
    #[inline(always)]
    pub(crate) const fn place(slot: u32, outer: u16, inner: u16) -> u32 {
        (slot & 0xf) << 24 | ((outer & 0xfff) as u32) << 12 | (inner & 0xfff) as u32
    }

    /// What carries the payload.
    #[inline(always)]
    pub const fn transport(&self) -> Transport {
        match self.place >> 28 {
            1 => Transport::Tcp,
            2 => Transport::Udp,
            3 => Transport::Icmp,
            4 => Transport::Icmpv6,
            5 => Transport::Ethernet,
            _ => Transport::Other,
        }
    }

    /// Interface the packet came in on.
    pub const fn slot(&self) -> u8 {
        (self.place >> 24 & 0xf) as u8
    }

    /// VLAN ids, outer first; zero for none.
    pub const fn vlans(&self) -> [u16; 2] {
        [(self.place >> 12 & 0xfff) as u16, (self.place & 0xfff) as u16]
    }

    #[inline(always)]
    const fn words(&self) -> [u64; 5] {
        let ports = (self.sport as u64) << 48 | (self.dport as u64) << 32 | self.place as u64;
        [self.src[0], self.src[1], self.dst[0], self.dst[1], ports]
    }

    #[inline(always)]
    pub(crate) const fn source(&self) -> Endpoint {
        Endpoint { address: self.src, port: self.sport, transport: self.transport() as u8, zero: [0; 5] }
    }

    #[inline(always)]
    pub(crate) const fn destination(&self) -> Endpoint {
        Endpoint { address: self.dst, port: self.dport, transport: self.transport() as u8, zero: [0; 5] }
    }
}

/// Multiply-shift over the key's words (Dietzfelbinger 1996), one secret multiplier each: an attacker who does not
/// know them cannot aim at one set.
#[inline(always)]
pub fn hash<T: Tables>(key: &FlowKey, tables: &T) -> u32 {
    let [a, b, c, d, e] = key.words();
    let sum = a
        .wrapping_mul(tables.secret(0))
        .wrapping_add(b.wrapping_mul(tables.secret(1)))
        .wrapping_add(c.wrapping_mul(tables.secret(2)))
        .wrapping_add(d.wrapping_mul(tables.secret(3)))
        .wrapping_add(e.wrapping_mul(tables.secret(4)));
    (sum >> 32) as u32
}

/// One direction of one flow, as long as it stays.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Entry {
    words: [Cell<u64>; 5],
    bytes: Cell<u64>,
    packets: Cell<u32>,
    budget: Cell<u16>,
    flags: Cell<u8>,
    class: Cell<u8>,
    /// Generation 16 bits (odd while being replaced), verdict epoch 16, ticks at the last packet 32.
    stamp: Cell<u64>,
}

/// Set in [`Entry::class`] for flows of a watched host.
const WATCHED: u8 = 0x80;
const CLASS_MASK: u8 = 0x07;
const LAST: u64 = 0xffff_ffff;

/// The two entries a key may stand in.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Set {
    /// Both ways.
    pub ways: [Entry; 2],
}

const _: () = assert!(size_of::<Entry>() == 64 && size_of::<Set>() == 128);

/// A consistent copy of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Who to whom.
    pub key: FlowKey,
    /// Bytes at the IP layer in this residency.
    pub bytes: u64,
    /// Packets in this residency.
    pub packets: u32,
    /// Ticks at the last packet.
    pub last: u32,
    /// Tenant of the place.
    pub generation: u16,
    /// TCP flags seen.
    pub flags: u8,
    /// [`Class`].
    pub class: u8,
}

impl Entry {
    /// Whether this entry holds `key`. By XOR and OR of words: a derived `==` on arrays took half as long again.
    #[inline(always)]
    pub fn holds(&self, key: &FlowKey) -> bool {
        let [a, b, c, d, e] = key.words();
        let [p, q, r, s, t] = &self.words;
        (p.get() ^ a) | (q.get() ^ b) | (r.get() ^ c) | (s.get() ^ d) | (t.get() ^ e) == 0
    }

    /// Whether anything was ever here.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.packets.get() == 0
    }

    /// Ticks at the last packet.
    #[inline(always)]
    pub fn last(&self) -> u32 {
        self.stamp.get() as u32
    }

    /// TCP flags seen in this residency.
    #[inline(always)]
    pub fn flags(&self) -> u8 {
        self.flags.get()
    }

    /// What the flow is taken for.
    #[inline(always)]
    pub fn class(&self) -> Class {
        Class::from_u8(self.class.get() & CLASS_MASK)
    }

    /// Whether one of its ends is watched.
    #[inline(always)]
    pub fn is_watched(&self) -> bool {
        self.class.get() & WATCHED != 0
    }

    /// Payload it may still ship.
    #[inline(always)]
    pub fn budget(&self) -> &Cell<u16> {
        &self.budget
    }

    /// Which tenant of this place it is.
    #[inline(always)]
    pub fn generation(&self) -> u16 {
        (self.stamp.get() >> 48) as u16
    }

    /// The epoch it last asked for a verdict in.
    #[inline(always)]
    pub fn epoch(&self) -> u16 {
        (self.stamp.get() >> 32) as u16
    }

    /// Adds one packet.
    #[inline(always)]
    pub fn add(&self, len: u32, flags: u8, ticks: u32) {
        self.packets.set(self.packets.get().wrapping_add(1));
        self.bytes.set(self.bytes.get().wrapping_add(u64::from(len)));
        self.flags.set(self.flags.get() | flags);
        let stamp = self.stamp.get() & !LAST;
        self.stamp.set(stamp | u64::from(ticks));
    }

    /// Moves `key` in; whoever was here is forgotten. The caller has reported them. `fence` keeps stores in order for
    /// a reader in user space.
    #[inline(always)]
    pub fn replace(&self, key: &FlowKey, judged: Judged, epoch: u16, budget: u16, fence: impl Fn()) {
        let generation = u64::from(self.generation());
        // BPF has neither a fence nor ordered stores on the kernels we must load on, so this orders for the compiler and
        // for strongly ordered CPUs; readers elsewhere are saved by reading twice (see `source::live::mapped`).
        self.stamp.set((generation | 1) << 48);
        fence();
        let words = key.words();
        for (cell, word) in self.words.iter().zip(words) {
            cell.set(word);
        }
        self.packets.set(0);
        self.bytes.set(0);
        self.flags.set(0);
        self.judge(judged);
        self.budget.set(budget);
        let next = (generation | 1).wrapping_add(1) & 0xffff;
        fence();
        self.stamp.set(next << 48 | u64::from(epoch) << 32);
    }

    /// Takes a new verdict.
    #[inline(always)]
    pub fn judge(&self, judged: Judged) {
        self.class.set(judged.class as u8 | if judged.watched { WATCHED } else { 0 });
    }

    /// Notes that verdicts of `epoch` were asked for.
    #[inline(always)]
    pub fn set_epoch(&self, epoch: u16) {
        let others = self.stamp.get() & !(0xffff << 32);
        self.stamp.set(others | u64::from(epoch) << 32);
    }

    /// Bytes at the IP layer in this residency.
    #[inline(always)]
    pub fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// Packets in this residency.
    #[inline(always)]
    pub fn packets(&self) -> u32 {
        self.packets.get()
    }

    /// Writes the key, word by word.
    #[inline(always)]
    pub fn copy_key(&self, key: &mut FlowKey) {
        let [a, b, c, d, e] = &self.words;
        let ports = e.get();
        key.src = [a.get(), b.get()];
        key.dst = [c.get(), d.get()];
        key.sport = (ports >> 48) as u16;
        key.dport = (ports >> 32) as u16;
        key.place = ports as u32;
    }

    /// A copy of an entry nobody writes meanwhile (the host's sweep); `None` where nothing is.
    pub fn snapshot(&self) -> Option<Snapshot> {
        let [a, b, c, d, ports] = self.words.each_ref().map(Cell::get);
        let [p0, p1, p2, p3] = self.packets.get().to_ne_bytes();
        let [b0, b1] = self.budget.get().to_ne_bytes();
        let counts = u64::from_ne_bytes([p0, p1, p2, p3, b0, b1, self.flags.get(), self.class.get()]);
        Snapshot::from_words(&[a, b, c, d, ports, self.bytes.get(), counts, self.stamp.get()])
    }
}

impl Snapshot {
    /// Reads an entry from its 64 bytes, as user space sees them in the mapped cache. The caller compares the
    /// generation before and after. `None` while it is being replaced or empty.
    pub fn from_words(words: &[u64; 8]) -> Option<Self> {
        let [a, b, c, d, ports, bytes, counts, stamp] = *words;
        let [p0, p1, p2, p3, _, _, flags, class] = counts.to_ne_bytes();
        let packets = u32::from_ne_bytes([p0, p1, p2, p3]);
        let generation = (stamp >> 48) as u16;
        if packets == 0 || generation & 1 != 0 {
            return None;
        }
        Some(Self {
            key: FlowKey {
                src: [a, b],
                dst: [c, d],
                sport: (ports >> 48) as u16,
                dport: (ports >> 32) as u16,
                place: ports as u32,
            },
            bytes,
            packets,
            last: stamp as u32,
            generation,
            flags,
            class: class & CLASS_MASK,
        })
    }
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
pub fn judge<T: Tables>(key: &FlowKey, tables: &T) -> Judged {
    let index = |port: u16| match key.transport() {
        Transport::Tcp => u32::from(port),
        Transport::Udp => 1 << 16 | u32::from(port),
        _ => 2 << 16 | u32::from(port),
    };
    let class = match key.transport() {
        Transport::Tcp | Transport::Udp => {
            // The kernel does not know who is the server, so both ports are looked at.
            let (to, from) = (tables.port_class(index(key.dport)), tables.port_class(index(key.sport)));
            if to as u8 >= from as u8 { to } else { from }
        }
        Transport::Ethernet => tables.port_class(index(key.dport)),
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
    let watched = asked & HAS_WATCHED != 0 && (tables.watched(&key.dst) || tables.watched(&key.src));
    Judged { class: verdict.unwrap_or(class), watched }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ipv4::mapped;

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
        let set = |key: &FlowKey| {
            let sum = key
                .words()
                .iter()
                .zip(secrets)
                .fold(0_u64, |sum, (w, m)| sum.wrapping_add(w.wrapping_mul(m)));
            ((sum >> 32) * 4096) >> 32
        };
        let base = FlowKey {
            src: mapped([10, 0, 0, 1]),
            dst: mapped([10, 0, 0, 2]),
            sport: 1,
            dport: 102,
            place: 1 << 28,
        };
        let by_port: std::collections::BTreeSet<u64> =
            (0..512).map(|n| set(&FlowKey { sport: 40_000 + n, ..base })).collect();
        let by_host: std::collections::BTreeSet<u64> =
            (0..=255).map(|n| set(&FlowKey { dst: mapped([10, 0, 0, n]), ..base })).collect();
        assert!(by_port.len() > 400, "{} sets for 512 ports", by_port.len());
        assert!(by_host.len() > 200, "{} sets for 256 hosts", by_host.len());
    }
}
