//! Two directions made one: who asked, who answered, how it went.

use std::net::IpAddr;

use sensor_ebpf::flow::{FlowKey, Transport};
use sensor_ebpf::record::Reason;
use sensor_ebpf::wire::transport::flag;

use super::address::ip;
use super::stream::Stream;
use crate::protocol::{Decode, Port, REGISTRY, Side, Spec};
use crate::source::FlowEvent;
use crate::time::Time;

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct End {
    /// Address.
    pub ip: IpAddr,
    /// Port; zero without ports.
    pub port: u16,
}

/// A connection whichever way it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    low: End,
    high: End,
    transport: u8,
}

impl Pair {
    /// Both directions of a flow give the same pair, whatever interface and VLAN they were seen on: on a router the
    /// request enters on one and the reply on another.
    pub fn of(key: &FlowKey) -> Self {
        let (a, b) = ends(key);
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        Self { low, high, transport: key.transport() as u8 }
    }
}

/// Source and destination of a flow.
pub fn ends(key: &FlowKey) -> (End, End) {
    (End { ip: ip(key.src), port: key.sport }, End { ip: ip(key.dst), port: key.dport })
}

/// How a connection went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Too early to say, or it cannot be said.
    Unknown,
    /// Both ends agreed, or both talk.
    Established,
    /// The server said no.
    Refused,
    /// The server said nothing.
    Unanswered,
    /// The return direction is not seen here: nothing can be said.
    OneSided,
    /// Broken off after it was established.
    Reset,
    /// Ended in order.
    Closed,
}

impl State {
    /// All, in order.
    pub const ALL: [Self; 7] = [
        Self::Unknown,
        Self::Established,
        Self::Refused,
        Self::Unanswered,
        Self::OneSided,
        Self::Reset,
        Self::Closed,
    ];

    /// The word in JSON and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Established => "established",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
            Self::OneSided => "one_sided",
            Self::Reset => "reset",
            Self::Closed => "closed",
        }
    }
}

/// One direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leg {
    /// Packets.
    pub packets: u64,
    /// Bytes at the IP layer.
    pub bytes: u64,
    /// TCP flags seen.
    pub flags: u8,
}

/// A connection and what is being learned from its bytes.
pub struct Connection {
    /// Who asked (or is taken to have).
    pub client: End,
    /// Who was asked.
    pub server: End,
    /// What carries it.
    pub transport: Transport,
    /// A SYN or SYN-ACK said who is who.
    pub sure: bool,
    /// Its first packet was a SYN: nothing before it.
    pub from_start: bool,
    /// VLAN ids at first sight.
    pub vlans: [u16; 2],
    /// First packet.
    pub opened: Time,
    /// Latest packet.
    pub last: Time,
    /// How it went, so far.
    pub state: State,
    /// Client to server, server to client.
    pub legs: [Leg; 2],
    /// Protocol by content.
    pub protocol: Option<&'static Spec>,
    /// Payload was seen from client, from server.
    pub spoke: [bool; 2],
    /// Bytes at which its volume is judged next.
    pub(crate) volume_mark: u64,
    pub(crate) decoder: Option<Box<dyn Decode>>,
    pub(crate) streams: [Stream; 2],
    /// Protocols still possible, a bit each.
    pub(crate) candidates: u64,
    pub(crate) attempts: u8,
    /// Its end was told.
    pub(crate) settled: bool,
}

/// Index of a side in arrays of two.
pub const fn index(side: Side) -> usize {
    match side {
        Side::Client => 0,
        Side::Server => 1,
    }
}

/// Whether some protocol's servers usually listen there.
pub fn listed(transport: Transport, port: u16) -> Option<&'static Spec> {
    let port = match transport {
        Transport::Tcp => Port::Tcp(port),
        Transport::Udp => Port::Udp(port),
        _ => return None,
    };
    REGISTRY.iter().copied().find(|spec| spec.ports.contains(&port))
}

impl Connection {
    /// A connection at its first record.
    pub fn new(event_key: &FlowKey, at: Time, packet_flags: u8) -> Self {
        let (source, destination) = ends(event_key);
        let transport = event_key.transport();
        let syn = packet_flags & flag::SYN != 0;
        let answer = syn && packet_flags & flag::ACK != 0;
        let source_serves = if syn {
            answer
        } else {
            match (listed(transport, source.port), listed(transport, destination.port)) {
                (Some(_), None) => true,
                (None, Some(_)) => false,
                // Ephemeral ports are high; where both are, the first to be seen asked.
                _ => transport == Transport::Tcp && source.port < destination.port && source.port < 32_768,
            }
        };
        let (client, server) = if source_serves { (destination, source) } else { (source, destination) };
        Self {
            client,
            server,
            transport,
            sure: syn,
            from_start: syn && !answer,
            vlans: event_key.vlans(),
            opened: at,
            last: at,
            state: State::Unknown,
            legs: [Leg::default(); 2],
            protocol: None,
            spoke: [false; 2],
            volume_mark: 1 << 20,
            decoder: None,
            streams: if syn {
                [Stream::default(), Stream::default()]
            } else {
                [Stream::joined(), Stream::joined()]
            },
            candidates: u64::MAX,
            attempts: 0,
            settled: false,
        }
    }

    /// Which side sends in this direction.
    pub fn side(&self, key: &FlowKey) -> Side {
        let (source, _) = ends(key);
        // Equal ends (a host talking to itself, same port) are the client's.
        if source == self.server && source != self.client { Side::Server } else { Side::Client }
    }

    /// Adds a report of one direction; returns the state it leads to.
    pub fn account(&mut self, event: &FlowEvent) -> State {
        let side = self.side(&event.key);
        self.last = self.last.max(event.last);
        let [client, server] = &mut self.legs;
        let leg = if side == Side::Client { client } else { server };
        leg.packets = leg.packets.saturating_add(event.packets);
        leg.bytes = leg.bytes.saturating_add(event.bytes);
        leg.flags |= event.flags | event.packet_flags;
        self.conclude()
    }

    /// Whether a report of this direction starts another connection on the same ports.
    pub fn is_over_for(&self, event: &FlowEvent) -> bool {
        let bare_syn = event.packet_flags & (flag::SYN | flag::ACK) == flag::SYN;
        let over = matches!(self.state, State::Refused | State::Reset | State::Closed | State::Unanswered);
        event.reason == Reason::Opened
            && bare_syn
            && (over || self.legs.iter().all(|l| l.flags & flag::ACK != 0))
    }

    fn conclude(&self) -> State {
        let [client, server] = &self.legs;
        if self.transport != Transport::Tcp {
            return if client.packets > 0 && server.packets > 0 {
                State::Established
            } else {
                State::Unknown
            };
        }
        let answered = server.flags & flag::SYN != 0
            || (client.packets > 0 && server.packets > 0 && (client.flags | server.flags) & flag::RST == 0);
        let established = answered || matches!(self.state, State::Established);
        let reset = (client.flags | server.flags) & flag::RST != 0;
        let closed = client.flags & server.flags & flag::FIN != 0;
        match self.state {
            State::Reset | State::Closed | State::Refused => self.state,
            _ if established && reset => State::Reset,
            _ if established && closed => State::Closed,
            _ if established => State::Established,
            _ if self.from_start && server.flags & flag::RST != 0 => State::Refused,
            state => state,
        }
    }

    /// Payload on the wire was seen from both ends.
    pub fn has_dialogue(&self) -> bool {
        self.spoke.iter().all(|spoke| *spoke)
    }

    /// Whether the server's port is one an industrial protocol usually listens on, or content says so.
    pub fn is_industrial(&self) -> bool {
        match self.protocol {
            Some(spec) => spec.industrial,
            None => self.industrial_port().is_some(),
        }
    }

    /// The industrial protocol whose port this is.
    pub fn industrial_port(&self) -> Option<&'static Spec> {
        listed(self.transport, self.server.port).filter(|spec| spec.industrial)
    }

    /// `tcp`, `udp`, …
    pub fn transport_name(&self) -> &'static str {
        match self.transport {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
            Transport::Icmp => "icmp",
            Transport::Icmpv6 => "ipv6-icmp",
            Transport::Ethernet => "ethernet",
            Transport::Other => "ip",
        }
    }
}

impl Connection {
    /// The connection whichever way it is looked at.
    pub fn pair(&self) -> Pair {
        let (low, high) =
            if self.client <= self.server { (self.client, self.server) } else { (self.server, self.client) };
        Pair { low, high, transport: self.transport as u8 }
    }
}
