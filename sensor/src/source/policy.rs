//! What a port is worth and how much of a flow is shipped: the same for the kernel and for replay.

use std::time::Duration;

use sensor_ebpf::policy::{Class, ClassPolicy, PortKey, UNLIMITED};

use crate::protocol::{Port, REGISTRY};

/// Limits of the packet path, on one CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// New flows a second: industrial, others.
    pub rate: [u32; 2],
    /// New flows saved up: industrial, others.
    pub burst: [u32; 2],
    /// Seconds without a packet after which a flow is a new one.
    pub idle_s: u32,
    /// Seconds without a heartbeat of user space after which payload is no longer shipped.
    pub heartbeat_s: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rate: [20_000; 2], burst: [20_000; 2], idle_s: 600, heartbeat_s: 2 }
    }
}

/// Ports, and what stands where ports would, with a class of their own: those of every protocol, and address and name traffic.
pub fn port_classes() -> Vec<(PortKey, Class)> {
    const ARP: u16 = 0x0806;
    const LLDP: u16 = 0x88cc;
    /// Neighbor Discovery (RFC 4861 §4): solicitations and advertisements of routers and neighbours.
    const DISCOVERY: [u16; 4] = [133 << 8, 134 << 8, 135 << 8, 136 << 8];
    let mut classes = vec![
        (PortKey::EtherType(ARP), Class::Control),
        (PortKey::EtherType(LLDP), Class::Control),
        (PortKey::Udp(53), Class::Control),
        (PortKey::Udp(67), Class::Control),
        (PortKey::Udp(68), Class::Control),
        (PortKey::Udp(5353), Class::Control),
        (PortKey::Udp(5355), Class::Control),
    ];
    classes.extend(DISCOVERY.map(|kind| (PortKey::Icmpv6(kind), Class::Control)));
    for spec in REGISTRY {
        let class = if spec.industrial { Class::Industrial } else { Class::Access };
        let own = spec.ports.iter().map(|port| match port {
            Port::Tcp(port) => (PortKey::Tcp(*port), class),
            Port::Udp(port) => (PortKey::Udp(*port), class),
            Port::EtherType(number) if spec.industrial => (PortKey::EtherType(*number), Class::Stream),
            Port::EtherType(number) => (PortKey::EtherType(*number), Class::Control),
        });
        for (port, class) in own {
            if !classes.iter().any(|(known, _)| *known == port) {
                classes.push((port, class));
            }
        }
    }
    classes
}

/// How often the budget of [`Class::Stream`] is renewed: an epoch at least so often.
pub const RENEWAL: Duration = Duration::from_secs(10);

/// A change of verdicts or watched addresses makes every flow ask again: not oftener than this, and at once where the last
/// change is longer ago.
pub const EPOCH: Duration = Duration::from_millis(100);

/// How payload of a class is shipped. Budgets are per direction of a flow.
pub const fn class_policy(class: Class) -> ClassPolicy {
    const KIB: u16 = 16;
    match class {
        // Content identifies a protocol on any port, and what is said until the verdict takes effect is to be whole. It costs
        // little: most bytes of ordinary traffic are in long flows, or on ports of another class.
        Class::Unknown => ClassPolicy { snap: 2048, budget: 16 * KIB },
        Class::Quiet => ClassPolicy { snap: 0, budget: 0 },
        Class::Control => ClassPolicy { snap: 512, budget: UNLIMITED },
        // A TLS certificate chain and what comes before it.
        Class::Access => ClassPolicy { snap: 2048, budget: 16 * KIB },
        // Until content confirms it.
        Class::Industrial => ClassPolicy { snap: 2048, budget: 64 * KIB },
        Class::Confirmed => ClassPolicy { snap: 2048, budget: UNLIMITED },
        // Every [`RENEWAL`]: some 250 GOOSE messages or 500 frames with sampled values of a stream. What
        // is beyond is counted by its flow and not read.
        Class::Stream => ClassPolicy { snap: 2048, budget: 64 * KIB },
    }
}
