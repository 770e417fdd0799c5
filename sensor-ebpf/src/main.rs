//! The XDP program: receive only, every packet passes.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]
#![expect(missing_docs, reason = "the xdp macro writes an item without any")]

mod maps;
mod packet;

use aya_ebpf::bindings::{xdp_action, xdp_md};
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;
use sensor_ebpf::observe;

/// Entry point. `frags`: multi-buffer frames (jumbo, LRO) are accepted, so that the program attaches at any MTU.
#[xdp(frags)]
pub fn isthmus(context: XdpContext) -> u32 {
    let usual = match maps::host(context.ctx) {
        Some((frame, tables)) => observe::usual(&frame, &tables),
        None => true,
    };
    if !usual {
        rest(context.ctx);
    }
    xdp_action::XDP_PASS
}

/// Apart, because functions have registers of their own.
#[inline(never)]
fn rest(context: *mut xdp_md) {
    if let Some((frame, tables)) = maps::host(context) {
        observe::rest(&frame, &tables);
    }
}

/// Never attached: user space runs it by hand to read the coarse clock, which no system call tells.
#[xdp(frags)]
pub fn ticks(_: XdpContext) -> u32 {
    // SAFETY: a helper without arguments.
    (unsafe { aya_ebpf::helpers::generated::bpf_jiffies64() }) as u32
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
