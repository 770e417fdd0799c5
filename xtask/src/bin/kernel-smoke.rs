//! The first and only program of a kernel booted by `cargo xtask kernels`: loads the BPF object, runs it on frames,
//! says on the console whether all was as it should be, and turns the machine off.
//!
//! With the path of an object as argument it does the same on the running kernel, as root.
#![forbid(unsafe_code)]

use anyhow::{Context, Result, ensure};
use rustix::mount::{MountFlags, mount};
use rustix::system::{RebootCommand, reboot, uname};
use sensor_ebpf::counters::Counter;
use sensor_ebpf::record::Ring;
use xtask::object::{Loaded, Settings};

const XDP_PASS: u32 = 2;

fn main() {
    let object = std::env::args().nth(1);
    let is_init = std::process::id() == 1;
    let verdict = if is_init {
        mount_all().and_then(|()| check("/isthmus-xdp"))
    } else {
        check(object.as_deref().unwrap_or("isthmus-xdp"))
    };
    match &verdict {
        Ok(report) => println!("kernel-smoke: ok Linux {}: {report}", uname().release().to_string_lossy()),
        Err(error) => println!("kernel-smoke: failed: {error:#}"),
    }
    if is_init {
        // `reboot=t` on the kernel's command line makes a restart end the emulator; there is nobody to tell a failure.
        let _ = reboot(RebootCommand::Restart);
    }
    std::process::exit(i32::from(verdict.is_err()));
}

fn mount_all() -> Result<()> {
    for (kind, at) in [("proc", "/proc"), ("sysfs", "/sys")] {
        mount(kind, at, kind, MountFlags::empty(), None).with_context(|| format!("cannot mount {at}"))?;
    }
    Ok(())
}

/// Loads both variants and runs every frame through the one that goes into production.
fn check(path: &str) -> Result<String> {
    let object = std::fs::read(path).with_context(|| format!("cannot read {path}"))?;
    let settings = Settings { sets: 256, new_flows: 1 << 10, test_clock: false };
    Loaded::new(&object, "isthmus", Settings { test_clock: true, ..settings })
        .context("with the test clock")?;
    let mut program = Loaded::new(&object, "isthmus", settings)?;

    let frames = frames();
    for (name, frame) in &frames {
        let (verdict, after) = program.run(frame, 1).with_context(|| format!("{name}: cannot be run"))?;
        ensure!(verdict == XDP_PASS, "{name}: returned {verdict}, not XDP_PASS");
        ensure!(after == *frame, "{name}: the frame was changed");
    }
    let count = |counter| program.counter(counter);
    let packets = count(Counter::Packets)?;
    ensure!(packets == frames.len() as u64, "{} frames, {packets} counted", frames.len());
    ensure!(
        count(Counter::Bytes)? == frames.iter().map(|(_, f)| f.len() as u64).sum::<u64>(),
        "bytes miscounted"
    );
    ensure!(count(Counter::Bad)? == 1, "of one contradictory frame {} were counted", count(Counter::Bad)?);
    ensure!(count(Counter::Cut)? == 1, "of one cut frame {} were counted", count(Counter::Cut)?);
    ensure!(count(Counter::LaterFragments)? == 1, "a later fragment was not recognised");
    let inserted = count(Counter::Inserted)?;
    ensure!(program.flows()? == inserted, "{inserted} flows inserted, {} in the cache", program.flows()?);
    let opened = program.drain(Ring::Lifecycle)?;
    ensure!(opened == inserted, "{inserted} flows, {opened} records");
    let payload = program.drain(Ring::Industrial)?;
    ensure!(payload == 2, "of two industrial payloads {payload} were shipped");
    let (instructions, walked) = program.size()?;
    Ok(format!(
        "{instructions} instructions, {walked} walked by the verifier; {packets} frames, {inserted} flows, {opened} lifecycle and {payload} industrial records"
    ))
}

/// Each way through the program once: every frame but the last two opens a flow of its own.
fn frames() -> Vec<(&'static str, Vec<u8>)> {
    let modbus = [0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 10];
    let write = ethernet(&[(0x8100, 20)], 0x0800, &ipv4(6, 0, &tcp(40_000, 502, 0x18, &modbus)));
    let mut jumbo = ethernet(&[], 0x0800, &ipv4(6, 0, &tcp(40_003, 102, 0x18, &[3; 3000])));
    jumbo.truncate(3000);
    vec![
        ("a TCP SYN", ethernet(&[], 0x0800, &ipv4(6, 0, &tcp(40_001, 3389, 0x02, &[])))),
        ("Modbus in a VLAN", write),
        ("UDP in two VLANs", ethernet(&[(0x88a8, 7), (0x8100, 8)], 0x0800, &ipv4(17, 0, &udp(53, &[0; 40])))),
        ("UDP over IPv6", ethernet(&[], 0x86dd, &ipv6(17, &udp(123, &[0; 48])))),
        ("TCP behind an IPv6 extension header", {
            let mut body = vec![6, 0, 1, 4, 0, 0, 0, 0];
            body.extend(tcp(40_002, 443, 0x02, &[]));
            ethernet(&[], 0x86dd, &ipv6(0, &body))
        }),
        (
            "ARP",
            ethernet(
                &[],
                0x0806,
                &[0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2],
            ),
        ),
        ("a later fragment", ethernet(&[], 0x0800, &ipv4(17, 0x0010, &[0; 64]))),
        ("S7 in a large frame", jumbo),
        ("a frame that ends within its IP header", ethernet(&[], 0x0800, &[0x45, 0, 0, 20])),
        ("an IPv4 header shorter than the least", {
            let mut packet = ipv4(6, 0, &tcp(1, 2, 0x10, &[]));
            packet[0] = 0x44;
            ethernet(&[], 0x0800, &packet)
        }),
    ]
}

fn ethernet(tags: &[(u16, u16)], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    for (kind, id) in tags {
        frame.extend(kind.to_be_bytes());
        frame.extend(id.to_be_bytes());
    }
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Checksums are zero: a sensor does not check them, hardware fills them in after it looked.
fn ipv4(protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend((payload.len() as u16 + 20).to_be_bytes());
    packet.extend([0, 1]);
    packet.extend(fragment.to_be_bytes());
    packet.extend([64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend(payload);
    packet
}

fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((payload.len() as u16).to_be_bytes());
    packet.extend([next, 64]);
    for host in [1, 2] {
        packet.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host]);
    }
    packet.extend(payload);
    packet
}

fn tcp(source: u16, destination: u16, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = Vec::new();
    segment.extend(source.to_be_bytes());
    segment.extend(destination.to_be_bytes());
    segment.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 0x20, 0, 0, 0, 0, 0]);
    segment.extend(payload);
    segment
}

fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    datagram.extend(40_000_u16.to_be_bytes());
    datagram.extend(port.to_be_bytes());
    datagram.extend((payload.len() as u16 + 8).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    datagram
}
