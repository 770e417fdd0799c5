//! What two processes must have in common to share maps.

use std::mem::{offset_of, size_of};

use sensor_ebpf::counters::Counter;
use sensor_ebpf::flow::Set;
use sensor_ebpf::record::{FlowRecord, FrameRecord, Header, Ring};
use sensor_ebpf::tables::Cpu;
use sha2::{Digest as _, Sha256};

use super::object::{OBJECT, Sizes};

/// What must be equal for one process to read what another's program wrote: the layouts of records, flow cache and
/// counters.
pub fn layout() -> String {
    let mut hash = Sha256::new();
    let fields = [
        size_of::<Header>(),
        offset_of!(Header, tcp_seq),
        size_of::<FlowRecord>(),
        offset_of!(FlowRecord, key),
        offset_of!(FlowRecord, bytes),
        offset_of!(FlowRecord, packets),
        offset_of!(FlowRecord, last),
        offset_of!(FlowRecord, flags),
        offset_of!(FlowRecord, macs),
        size_of::<FrameRecord>(),
        offset_of!(FrameRecord, key),
        offset_of!(FrameRecord, wire_len),
        offset_of!(FrameRecord, payload_len),
        offset_of!(FrameRecord, payload_at),
        offset_of!(FrameRecord, cap_len),
        offset_of!(FrameRecord, flags),
        size_of::<Set>(),
        size_of::<Cpu>(),
        offset_of!(Cpu, slice),
        Counter::COUNT,
        Ring::COUNT,
        LAYOUT,
    ];
    for field in fields {
        hash.update(field.to_le_bytes());
    }
    hex(&hash.finalize(), 4)
}

/// Raised when what fields mean changes and their places do not.
const LAYOUT: usize = 2;

fn hex(bytes: &[u8], count: usize) -> String {
    bytes.iter().take(count).map(|byte| format!("{byte:02x}")).collect()
}

/// What must be equal for one process to go on with what another loaded: the layouts, the program, the sizes. Begins with
/// [`layout`].
pub fn abi(sizes: Sizes) -> String {
    let mut hash = Sha256::new();
    hash.update(OBJECT);
    hash.update(sizes.flow_sets.to_le_bytes());
    for ring in sizes.rings {
        hash.update(ring.to_le_bytes());
    }
    format!("{}-{}", layout(), hex(&hash.finalize(), 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_sizes_are_another_abi_of_the_same_layout() {
        let (one, two) = (Sizes::default(), Sizes { flow_sets: 1 << 10, ..Sizes::default() });
        assert_ne!(abi(one), abi(two));
        assert!(abi(one).starts_with(&layout()) && abi(two).starts_with(&layout()));
        // Names on a bpffs have no dots.
        assert!(abi(one).chars().all(|c| c.is_ascii_hexdigit() || c == '-'));
    }
}
