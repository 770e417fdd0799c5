//! What really happened, for comparison with what a sensor says.

use std::fmt;
use std::net::Ipv4Addr;

use crate::packet::Mac;
use crate::scenario::calendar::rfc3339;
use crate::scenario::plant::Host;

/// The remote desktop session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RdpTruth {
    /// Its server.
    pub server: Ipv4Addr,
    /// The user in its cookie, as cut by the client.
    pub cookie: &'static str,
    /// Time of its SYN, in nanoseconds since 1970.
    pub opened_ns: u64,
    /// TCP payload bytes from the client, exactly.
    pub client_bytes: u64,
    /// TCP payload bytes from the server, exactly.
    pub server_bytes: u64,
}

/// The scan of one port. The three outcomes add up to the targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanTruth {
    /// TCP port.
    pub port: u16,
    /// Distinct addresses tried.
    pub targets: u32,
    /// Of these: accepted the connection.
    pub answered: u32,
    /// Of these: sent RST.
    pub refused: u32,
    /// Of these: silent.
    pub unanswered: u32,
    /// Time of the first SYN.
    pub first_ns: u64,
    /// Time of the last connection's first SYN.
    pub last_ns: u64,
}

/// TLS connections without server name to one external host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsTruth {
    /// The host.
    pub ip: Ipv4Addr,
    /// TCP port.
    pub port: u16,
    /// Number of connections.
    pub connections: u32,
    /// Whether its certificate is signed by its own key.
    pub self_signed: bool,
}

/// Failing connections to one external port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureTruth {
    /// The host.
    pub ip: Ipv4Addr,
    /// TCP port.
    pub port: u16,
    /// Connections answered by RST.
    pub refused: u32,
    /// Connections nobody answered.
    pub unanswered: u32,
}

/// Commands one controller received, and accepted unless said otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionTruth {
    /// Name of the controller.
    pub name: &'static str,
    /// 102 or 502.
    pub port: u16,
    /// TCP connections with application data.
    pub sessions: u32,
    /// Requests that ask who it is (two SZL reads, or Modbus 43/14, which one controller refuses).
    pub discovers: u32,
    /// Reads of values.
    pub reads: u32,
    /// Writes of values.
    pub writes: u32,
    /// Stops.
    pub stops: u32,
    /// Starts.
    pub starts: u32,
    /// Blocks downloaded.
    pub downloads: u32,
}

/// Everything. Empty lists where a variant leaves an act out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Begin of the afternoon, in nanoseconds since 1970.
    pub start_ns: u64,
    /// Its end; nothing happens at or after it.
    pub end_ns: u64,
    /// The device's name in its DHCP requests.
    pub device_name: &'static str,
    /// Its address.
    pub device_ip: Ipv4Addr,
    /// Its hardware address.
    pub device_mac: Mac,
    /// Time of its first frame.
    pub appeared_ns: u64,
    /// Its remote desktop session.
    pub rdp: Option<RdpTruth>,
    /// Its scan, by port.
    pub scans: Vec<ScanTruth>,
    /// Its nameless TLS, by host.
    pub tls: Vec<TlsTruth>,
    /// Its failing connections to the outside, by host and port.
    pub failures: Vec<FailureTruth>,
    /// What it told controllers, by address.
    pub controllers: Vec<(Ipv4Addr, SessionTruth)>,
}

impl Truth {
    pub(super) fn new(device: &Host, start_ns: u64, end_ns: u64) -> Self {
        Self {
            start_ns,
            end_ns,
            device_name: device.name,
            device_ip: device.ip,
            device_mac: device.mac,
            appeared_ns: start_ns,
            rdp: None,
            scans: Vec::new(),
            tls: Vec::new(),
            failures: Vec::new(),
            controllers: Vec::new(),
        }
    }

    /// The account of one controller, begun when it has none.
    pub(super) fn controller(&mut self, host: &Host, port: u16) -> &mut SessionTruth {
        let at = self.controllers.iter().position(|(ip, _)| *ip == host.ip).unwrap_or_else(|| {
            let account = SessionTruth { name: host.name, port, ..SessionTruth::default() };
            self.controllers.push((host.ip, account));
            self.controllers.len() - 1
        });
        &mut self.controllers[at].1
    }
}

impl fmt::Display for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "incident    {} to {}", rfc3339(self.start_ns), rfc3339(self.end_ns))?;
        let (name, ip, mac) = (self.device_name, self.device_ip, self.device_mac);
        writeln!(f, "device      {ip} {mac} {name:?}, first seen {}", rfc3339(self.appeared_ns))?;
        for s in &self.scans {
            let (answered, refused, silent) = (s.answered, s.refused, s.unanswered);
            write!(f, "scan        tcp/{}: {} addresses, ", s.port, s.targets)?;
            write!(f, "{answered} answered, {refused} refused, {silent} unanswered, ")?;
            writeln!(f, "{} to {}", rfc3339(s.first_ns), rfc3339(s.last_ns))?;
        }
        if let Some(r) = &self.rdp {
            write!(f, "rdp         {} as {:?} from {}, ", r.server, r.cookie, rfc3339(r.opened_ns))?;
            writeln!(f, "{} bytes up, {} bytes down", r.client_bytes, r.server_bytes)?;
        }
        for t in &self.tls {
            let certificate = if t.self_signed { "self-signed" } else { "CA-signed" };
            writeln!(f, "tls         {}:{} x{}, no SNI, {certificate}", t.ip, t.port, t.connections)?;
        }
        for x in &self.failures {
            writeln!(
                f,
                "failed      {}:{}: {} refused, {} unanswered",
                x.ip, x.port, x.refused, x.unanswered
            )?;
        }
        for (ip, c) in &self.controllers {
            write!(f, "controller  {ip}:{} {}: {} sessions, ", c.port, c.name, c.sessions)?;
            write!(f, "{} discover, {} read, {} write, ", c.discovers, c.reads, c.writes)?;
            writeln!(f, "{} stop, {} start, {} download", c.stops, c.starts, c.downloads)?;
        }
        Ok(())
    }
}
