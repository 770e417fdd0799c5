//! Programs of `cargo xtask bench kernel`: never part of the product's object.
//!
//! `BPF_PROG_TEST_RUN` repeats one and the same frame. [`mutate`] makes it another flow each time and then jumps into
//! whatever program stands in `NEXT`: the product's own, unchanged, or one of those here.
#![no_std]
#![no_main]
#![expect(missing_docs, reason = "the xdp macro writes an item without any")]

use aya_ebpf::bindings::xdp_action::XDP_PASS;
use aya_ebpf::macros::{map, xdp};
use aya_ebpf::maps::{Array, LruHashMap, ProgramArray};
use aya_ebpf::programs::XdpContext;

/// What comes after the mutator.
#[map]
static NEXT: ProgramArray = ProgramArray::with_max_entries(1, 0);
/// Which frame is next, and which bits of its scrambled number count: the number of flows less one.
#[map]
static TURN: Array<[u64; 2]> = Array::with_max_entries(1, 0);
/// The table a flow sensor is usually made of, to compare with.
#[map]
static LRU: LruHashMap<[u64; 2], [u64; 8]> = LruHashMap::with_max_entries(1 << 17, 0);

/// Where things stand in an Ethernet frame with one tag and an IPv4 header without options.
const IP: usize = 18;
const SOURCE: usize = IP + 12;
const PORTS: usize = IP + 20;

/// What the measuring itself costs.
#[xdp(frags)]
pub fn empty(_: XdpContext) -> u32 {
    XDP_PASS
}

/// The least a sensor must do: find the ports of the frame the bench sends.
#[xdp(frags)]
pub fn parse(context: XdpContext) -> u32 {
    // The result is used, or nothing would be left of the reading.
    find(&context).map_or(XDP_PASS, |key| if key == [0; 2] { 1 } else { XDP_PASS })
}

/// A flow table as it is usually built: a kernel LRU hash, packets and bytes counted in its values.
#[xdp(frags)]
pub fn lru(context: XdpContext) -> u32 {
    let Some(key) = find(&context) else { return XDP_PASS };
    let len = context.data_end().wrapping_sub(context.data()) as u64;
    if let Some(value) = LRU.get_ptr_mut(key) {
        // SAFETY: a map value of this size; another CPU may count at the same time, which a bench does not mind.
        unsafe {
            (*value)[0] = (*value)[0].wrapping_add(1);
            (*value)[1] = (*value)[1].wrapping_add(len);
        }
    } else {
        // A full table makes room by itself; where it cannot, the next packet tries again.
        let _ = LRU.insert(key, [1, len, 0, 0, 0, 0, 0, 0], 0);
    }
    XDP_PASS
}

/// Gives the frame another source address and port, then runs what is next.
#[xdp(frags)]
pub fn mutate(context: XdpContext) -> u32 {
    let (data, end) = (context.data(), context.data_end());
    if data.wrapping_add(PORTS + 4) > end {
        return XDP_PASS;
    }
    let Some(turn) = TURN.get_ptr_mut(0) else { return XDP_PASS };
    // SAFETY: the map's value; SOURCE and PORTS lie within the frame, as just compared.
    unsafe {
        let [n, mask] = *turn;
        (*turn)[0] = n.wrapping_add(1);
        // Multiplying by odd numbers and folding the top down can be undone: no number comes twice in 2^32.
        let mut flow = n as u32;
        flow = (flow ^ (flow >> 16)).wrapping_mul(0x7feb_352d);
        flow = (flow ^ (flow >> 15)).wrapping_mul(0x846c_a68b);
        flow = (flow ^ (flow >> 16)) & mask as u32;
        // Fields are written at the width they are read at: a load that spans an unfinished smaller store would wait for
        // it, which it never has to when the frame came from a device.
        let addresses = 0x0200_000a_0000_000a | u64::from(flow & 0xff_ffff) << 8;
        let ports = (flow >> 24) as u16 | 0xa000;
        ((data + SOURCE) as *mut u64).write_unaligned(addresses);
        ((data + PORTS) as *mut u32).write_unaligned(u32::from(ports.to_be()) | 0x419c_0000);
        NEXT.tail_call(&context, 0);
    }
    XDP_PASS
}

/// Addresses and ports of a tagged TCP or UDP packet over IPv4.
#[inline(always)]
fn find(context: &XdpContext) -> Option<[u64; 2]> {
    let (data, end) = (context.data(), context.data_end());
    if data.wrapping_add(PORTS + 20) > end {
        return None;
    }
    // SAFETY: all offsets lie within the frame, as just compared.
    let (kinds, version, transport, addresses, ports) = unsafe {
        (
            (((data + 12) as *const u16).read_unaligned(), ((data + 16) as *const u16).read_unaligned()),
            ((data + IP) as *const u8).read(),
            ((data + IP + 9) as *const u8).read(),
            ((data + SOURCE) as *const u64).read_unaligned(),
            ((data + PORTS) as *const u32).read_unaligned(),
        )
    };
    let wanted = kinds == (0x8100_u16.to_be(), 0x0800_u16.to_be())
        && version == 0x45
        && (transport == 6 || transport == 17);
    wanted.then_some([addresses, u64::from(ports) << 32 | u64::from(transport)])
}

#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// The kernel lends its GPL-only helpers to programs whose licence is compatible.
#[unsafe(no_mangle)]
#[unsafe(link_section = "license")]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
