//! Who is told what the engine concludes: outputs implement this.

use crate::detect::finding::Finding;
use crate::incident::Incident;
use crate::protocol::{Asset, Command, Malformed, Side, rdp, tls};
use crate::state::SiteAddr;
use crate::state::connection::Connection;
use crate::time::Time;

/// Why bytes of a stream are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// They never passed here: lost before, or on another way.
    Network,
    /// Records were lost in the sensor meanwhile, and may have held them.
    Sensor,
}

impl Gap {
    /// The word in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Sensor => "sensor",
        }
    }
}

/// Told of everything, as it happens, in record time. Every method does nothing unless an output wants it.
#[expect(unused_variables, reason = "names document the arguments of methods that do nothing")]
pub trait Observer {
    /// A finding was raised.
    fn finding(&mut self, finding: &Finding) {}
    /// An incident was opened, grew more severe or ended.
    fn incident(&mut self, incident: &Incident, event: &'static str) {}
    /// A message of an industrial protocol.
    fn command(&mut self, connection: &Connection, command: &Command, sender: Side, at: Time) {}
    /// RDP's opening.
    fn rdp(&mut self, connection: &Connection, handshake: &rdp::Handshake, at: Time) {}
    /// TLS's opening.
    fn tls(&mut self, connection: &Connection, handshake: &tls::Handshake, at: Time) {}
    /// A connection ended, or the input did.
    fn connection(&mut self, connection: &Connection, at: Time) {}
    /// A device stated something new about itself.
    fn asset(&mut self, host: SiteAddr, asset: &Asset, protocol: &'static str, at: Time) {}
    /// A device behind a router of its protocol, `network:address`, stated something new about itself.
    fn station(&mut self, router: SiteAddr, station: &str, asset: &Asset, protocol: &'static str, at: Time) {}
    /// Bytes of a stream are missing, and decoding went on behind them.
    fn gap(&mut self, connection: &Connection, gap: Gap, at: Time) {}
    /// Bytes broke the protocol's rules.
    fn malformed(&mut self, connection: &Connection, malformed: Malformed, at: Time) {}
}

/// Told, and silent.
pub struct Silent;

impl Observer for Silent {}

/// Two who are told.
pub struct Tee<'a>(pub &'a mut dyn Observer, pub &'a mut dyn Observer);

impl Observer for Tee<'_> {
    fn finding(&mut self, finding: &Finding) {
        self.0.finding(finding);
        self.1.finding(finding);
    }

    fn incident(&mut self, incident: &Incident, event: &'static str) {
        self.0.incident(incident, event);
        self.1.incident(incident, event);
    }

    fn command(&mut self, connection: &Connection, command: &Command, sender: Side, at: Time) {
        self.0.command(connection, command, sender, at);
        self.1.command(connection, command, sender, at);
    }

    fn rdp(&mut self, connection: &Connection, handshake: &rdp::Handshake, at: Time) {
        self.0.rdp(connection, handshake, at);
        self.1.rdp(connection, handshake, at);
    }

    fn tls(&mut self, connection: &Connection, handshake: &tls::Handshake, at: Time) {
        self.0.tls(connection, handshake, at);
        self.1.tls(connection, handshake, at);
    }

    fn connection(&mut self, connection: &Connection, at: Time) {
        self.0.connection(connection, at);
        self.1.connection(connection, at);
    }

    fn asset(&mut self, host: SiteAddr, asset: &Asset, protocol: &'static str, at: Time) {
        self.0.asset(host, asset, protocol, at);
        self.1.asset(host, asset, protocol, at);
    }

    fn station(&mut self, router: SiteAddr, station: &str, asset: &Asset, protocol: &'static str, at: Time) {
        self.0.station(router, station, asset, protocol, at);
        self.1.station(router, station, asset, protocol, at);
    }

    fn gap(&mut self, connection: &Connection, gap: Gap, at: Time) {
        self.0.gap(connection, gap, at);
        self.1.gap(connection, gap, at);
    }

    fn malformed(&mut self, connection: &Connection, malformed: Malformed, at: Time) {
        self.0.malformed(connection, malformed, at);
        self.1.malformed(connection, malformed, at);
    }
}
