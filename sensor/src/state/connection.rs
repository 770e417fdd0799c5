//! Two directions made one: who asked, who answered, how it went.

mod turn;
mod volume;

use std::time::Duration;

use sensor_ebpf::flow::{FlowKey, Transport};
use sensor_ebpf::record::Reason;
use sensor_ebpf::wire::transport::flag;

use super::address::{ip, mac};
pub use super::pair::{End, Link, Pair, ends};
use super::segment::{Segment, SiteAddr, SiteMac};
use super::segments::Segments;
use super::stream::Stream;
use crate::protocol::{Decode, Port, REGISTRY, Side, Spec};
use crate::source::FlowEvent;
use crate::time::Time;
pub use volume::net_up;

/// Bytes from which a volume is worth judging.
const FIRST_MARK: u64 = 1 << 20;
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
    /// The MACs, where it is all there is on the wire. The ends' addresses then are those of the devices the MACs are
    /// known to belong to, or made of the MACs.
    pub link: Option<Link>,
    /// A SYN or SYN-ACK said who is who.
    pub sure: bool,
    /// Its first packet was a SYN: nothing before it.
    pub from_start: bool,
    /// Its first packet was a TCP segment that no stack sends: with neither SYN, ACK nor RST (RFC 9293 §3.10.7.4 has every
    /// segment behind the SYN acknowledge). Scanners do, to pass filters: the answer tells whether the port is open.
    pub stealthy: bool,
    /// VLAN ids at first sight.
    pub vlans: [u16; 2],
    /// The segment it passed in at first sight: what is said in it about others is about those there.
    pub segment: Segment,
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
    /// Bytes of each direction that belong to its session and passed in another connection; negative: that passed here and
    /// belong to another's session.
    aside: [i64; 2],
    /// Messages were seen in which the client, the server asks.
    asked: [bool; 2],
    /// It is looked at the other way round.
    turned: bool,
    /// Payload was seen from client, from server.
    pub spoke: [bool; 2],
    /// Both ends were noted as such that answer.
    pub(crate) heard: bool,
    /// Bytes at which its volume is judged next.
    pub(crate) volume_mark: u64,
    /// Where the volume that is judged began: when, and with how many bytes of each direction before it.
    part: (Time, [u64; 2]),
    /// Bytes of each direction that its conversation was told of, and when.
    pub(crate) credited: [u64; 2],
    pub(crate) credited_at: Time,
    pub(crate) decoder: Option<Box<dyn Decode>>,
    pub(crate) streams: [Stream; 2],
    /// Protocols still possible, a bit each.
    pub(crate) candidates: u64,
    pub(crate) attempts: u8,
    /// Overlaps with other bytes that were told.
    pub(crate) overlaps: u8,
    /// When the hole in one of its streams is given up.
    pub(crate) hole_due: Option<Time>,
    /// Holes given up so far, and bytes kept, as counted with those of all connections.
    pub(crate) gaps: u32,
    pub(crate) hoarded: usize,
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
    let port = Port::of(transport, port)?;
    REGISTRY.iter().copied().find(|spec| spec.ports.contains(&port))
}

impl Connection {
    /// A connection at its first record.
    pub fn new(event_key: &FlowKey, at: Time, packet_flags: u8, segments: &Segments) -> Self {
        let (source, destination) = ends(event_key, segments);
        let transport = event_key.transport();
        let syn = packet_flags & flag::SYN != 0;
        let answer = syn && packet_flags & flag::ACK != 0;
        let bare = packet_flags & (flag::SYN | flag::ACK | flag::RST) == 0;
        let stealthy = transport == Transport::Tcp && bare;
        let source_serves = if syn || stealthy {
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
            link: Link::of(event_key, segments),
            sure: syn,
            from_start: syn && !answer,
            stealthy,
            vlans: event_key.vlans(),
            segment: segments.of_link(event_key),
            opened: at,
            last: at,
            state: State::Unknown,
            legs: [Leg::default(); 2],
            protocol: None,
            aside: [0; 2],
            asked: [false; 2],
            turned: false,
            spoke: [false; 2],
            heard: false,
            volume_mark: FIRST_MARK,
            part: (at, [0; 2]),
            credited: [0; 2],
            credited_at: at,
            decoder: None,
            streams: if syn {
                [Stream::default(), Stream::default()]
            } else {
                [Stream::joined(), Stream::joined()]
            },
            candidates: u64::MAX,
            attempts: 0,
            overlaps: 0,
            hole_due: None,
            gaps: 0,
            hoarded: 0,
            settled: false,
        }
    }

    /// Which side sends in this direction.
    pub fn side(&self, key: &FlowKey) -> Side {
        if let Some(Link { macs: [client, server], .. }) = self.link {
            let source = mac(key.src);
            return if source == server && source != client { Side::Server } else { Side::Client };
        }
        let source = (ip(key.src), key.sport);
        let [client, server] = [self.client, self.server].map(|end| (end.ip.ip, end.port));
        // Equal ends (a host talking to itself, same port) are the client's.
        if source == server && source != client { Side::Server } else { Side::Client }
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

    /// A SYN says where its sender's bytes begin (RFC 9293, 3.4): behind its own number.
    pub(crate) fn begin(&mut self, event: &FlowEvent) {
        let side = self.side(&event.key);
        if event.packet_flags & flag::SYN != 0
            && let Some(stream) = self.streams.get_mut(index(side))
        {
            stream.begin(event.tcp_seq.wrapping_add(1));
        }
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
            _ if (self.from_start || self.stealthy) && server.flags & flag::RST != 0 => State::Refused,
            state => state,
        }
    }

    /// Memory its streams and its decoder keep, in bytes.
    pub(crate) fn kept(&self) -> usize {
        let decoder = self.decoder.as_ref().map_or(0, |decoder| decoder.kept());
        self.streams.iter().map(Stream::kept).fold(decoder, usize::saturating_add)
    }

    /// Gives that memory back, at the price of a gap.
    pub(crate) fn release(&mut self) {
        self.streams.iter_mut().for_each(Stream::release);
        if let (Some(spec), true) = (self.protocol, self.decoder.as_ref().is_some_and(|d| d.kept() > 0)) {
            self.decoder = Some((spec.decoder)());
        }
        self.hole_due = None;
        self.hoarded = 0;
    }

    /// Whether its content is RDP.
    pub fn is_desktop(&self) -> bool {
        self.protocol.is_some_and(|spec| spec.name == crate::protocol::rdp::SPEC.name)
    }

    /// Whether both ends answered each other: TCP that was acknowledged both ways and not reset, else several packets both
    /// ways. Who sends under another's address sees no answer (and so no sequence number) to go on from.
    pub(crate) fn is_heard(&self) -> bool {
        let [client, server] = &self.legs;
        if self.transport == Transport::Tcp {
            client.packets > 0
                && server.packets > 0
                && client.flags & server.flags & flag::ACK != 0
                && (client.flags | server.flags) & flag::RST == 0
        } else {
            client.packets > 2 && server.packets > 2
        }
    }

    /// How long it has stood.
    pub fn lasted(&self) -> Duration {
        self.last.since(self.opened)
    }

    /// Whether somebody sits at it: a remote desktop's session that stood.
    pub fn is_sitting(&self) -> bool {
        self.is_desktop()
            && self.transport == Transport::Tcp
            && matches!(self.state, State::Established | State::Reset | State::Closed)
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
        listed(self.transport, self.service_port()).filter(|spec| spec.industrial)
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

    /// The connection whichever way it is looked at.
    pub fn pair(&self) -> Pair {
        let (a, b) = self.link.map_or((self.client, self.server), |link| link.ends(self.server.port));
        Pair::between(a, b, self.transport, self.link.map_or(0, |link| link.stream))
    }

    /// The port of the service.
    pub fn port(&self) -> Option<Port> {
        Port::of(self.transport, self.service_port())
    }

    /// Where there is no IP: calls the ends by the addresses their MACs are known to have.
    pub fn name_ends(&mut self, address: impl Fn(SiteMac) -> SiteAddr) {
        if let Some(link) = self.link {
            let [client, server] = link.site_macs();
            (self.client.ip, self.server.ip) = (address(client), address(server));
        }
    }
}
