//! Network namespaces and frames for tests of the kernel. Each test uses a part of this.
#![allow(dead_code, reason = "each test uses a part")]

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use isthmus::source::live::{LiveOptions, Sizes};
use isthmus_tests::packet::{Mac, PacketBuilder};
use isthmus_tests::wire::Interface;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use sensor_ebpf::record::Ring;

/// Two namespaces and the cable between them; gone when dropped.
pub struct Cable {
    name: String,
}

impl Cable {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("isl{}n{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let cable = Self { name };
        let (plant, office) = (cable.plant(), cable.office());
        ip(&["netns", "add", &plant]);
        ip(&["netns", "add", &office]);
        ip(&["-n", &plant, "link", "add", "port0", "type", "veth", "peer", "name", "far0", "netns", &office]);
        // IPv6 would speak by itself.
        for (space, device) in [(&plant, "port0"), (&office, "far0")] {
            let quiet = format!("net.ipv6.conf.{device}.disable_ipv6=1");
            run("ip", &["netns", "exec", space, "sysctl", "-qw", &quiet]);
            ip(&["-n", space, "link", "set", device, "up"]);
        }
        cable
    }

    pub fn plant(&self) -> String {
        format!("{}p", self.name)
    }

    pub fn office(&self) -> String {
        format!("{}o", self.name)
    }

    /// Runs `work` on a thread inside one of the namespaces.
    pub fn inside<T: Send>(space: &str, work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            // As a program's first thread has: some map values are large.
            let builder = std::thread::Builder::new().stack_size(16 << 20);
            let worker = builder.spawn_scoped(scope, || {
                let file = std::fs::File::open(Path::new("/run/netns").join(space)).expect("namespace");
                move_into_link_name_space(std::os::fd::AsFd::as_fd(&file), Some(LinkNameSpaceType::Network))
                    .expect("setns");
                work()
            });
            worker.expect("thread").join().expect("worker")
        })
    }

    /// Lays another cable between the same two: `port1` and `far1`.
    pub fn second(&self) {
        let (plant, office) = (self.plant(), self.office());
        ip(&["-n", &plant, "link", "add", "port1", "type", "veth", "peer", "name", "far1", "netns", &office]);
        for (space, device) in [(&plant, "port1"), (&office, "far1")] {
            let quiet = format!("net.ipv6.conf.{device}.disable_ipv6=1");
            run("ip", &["netns", "exec", space, "sysctl", "-qw", &quiet]);
            ip(&["-n", space, "link", "set", device, "up"]);
        }
    }

    pub fn send(&self, frames: &[Vec<u8>]) {
        Self::inside(&self.office(), || {
            Interface::open("far0").and_then(|far| far.send(frames)).expect("send")
        });
    }

    pub fn link(&self) -> String {
        ip(&["-n", &self.plant(), "-d", "link", "show", "port0"])
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for space in [self.plant(), self.office()] {
            // Nothing more can be done where it is gone already.
            let _ = Command::new("ip").args(["netns", "del", &space]).output();
        }
    }
}

/// Small tables, on these interfaces.
pub fn options(interfaces: &[&str]) -> LiveOptions {
    LiveOptions {
        interfaces: interfaces.iter().map(|name| (*name).to_owned()).collect(),
        sizes: Sizes { flow_sets: 1 << 10, rings: [1 << 20; Ring::COUNT] },
        ..LiveOptions::default()
    }
}

pub fn ip(args: &[&str]) -> String {
    run("ip", args)
}

/// Whether a program is there; says that a test skips where it is not.
pub fn installed(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        println!("skipped: {program} is not installed");
    }
    there
}

pub fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().expect(program);
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A TCP segment from 10.1.0.1:40000 to 10.1.0.2, on VLAN 20.
pub fn tcp(port: u16, flags: u8, payload: &[u8]) -> Vec<u8> {
    PacketBuilder::ethernet(Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2]))
        .vlan(20)
        .ipv4([10, 1, 0, 1], [10, 1, 0, 2])
        .tcp(40_000, port)
        .flags(flags)
        .payload(payload)
        .build()
}
