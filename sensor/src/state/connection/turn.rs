//! Who asks, where the handshake does not say, or says something else: outstations of DNP3 and servers of OPC UA may open
//! the connection in which they are asked, and between equal ports (BACnet, PROFINET DCP) whoever was seen first is taken for the client.

use sensor_ebpf::flow::Transport;

use super::{Connection, index};
use crate::protocol::{Direction, Side};
use crate::state::SiteAddr;

impl Connection {
    /// The end that asks in a message that `sender` sent.
    pub(crate) fn asker(&self, direction: Direction, sender: Side) -> Side {
        match (direction, self.transport) {
            // Whoever opened a TCP connection asks, also where a controller demands the next block of its new program.
            (_, Transport::Tcp) if !self.either_asks() => Side::Client,
            (Direction::Request, _) => sender,
            (Direction::Response, _) | (Direction::Notification, Transport::Tcp) => sender.other(),
            // A datagram to all is its sender's own.
            (Direction::Notification, _) => Side::Client,
        }
    }

    fn either_asks(&self) -> bool {
        self.decoder.as_ref().is_some_and(|decoder| decoder.either_asks())
    }

    /// Notes a message of which that end is the asker.
    pub(crate) fn note_asker(&mut self, asker: Side) {
        if let Some(asked) = self.asked.get_mut(index(asker)) {
            *asked = true;
        }
    }

    /// Lets `tell` see the connection with the asking end as its client, and whether that turned it round.
    pub(crate) fn as_asked_by<R>(&mut self, asker: Side, tell: impl FnOnce(&mut Self, bool) -> R) -> R {
        let turned = asker == Side::Server;
        if turned {
            self.turn();
        }
        let told = tell(self, turned);
        if turned {
            self.turn();
        }
        told
    }

    /// Lets `tell` see the connection as a whole. Where no handshake said who is who and only the end that was taken for the
    /// server asked, the first packet seen was an answer.
    pub(crate) fn as_it_turned_out<R>(&mut self, tell: impl FnOnce(&mut Self) -> R) -> R {
        let asker = if !self.sure && self.asked == [false, true] { Side::Server } else { Side::Client };
        self.as_asked_by(asker, |connection, _| tell(connection))
    }

    /// Who was taken for the client when it was opened, and address and port of whom it was opened to, whoever asks in it.
    pub const fn opened_by(&self) -> (SiteAddr, (SiteAddr, u16)) {
        let (opener, to) = if self.turned { (self.server, self.client) } else { (self.client, self.server) };
        (opener.ip, (to.ip, to.port))
    }

    /// The port of the service: the one the server listens on, or, where the client of the protocol listens, that.
    pub const fn service_port(&self) -> u16 {
        if self.turned && self.sure { self.client.port } else { self.server.port }
    }

    /// The connection as it looks where its server asks and its client answers.
    fn turn(&mut self) {
        std::mem::swap(&mut self.client, &mut self.server);
        self.legs.reverse();
        self.aside.reverse();
        self.credited.reverse();
        self.part.1.reverse();
        self.spoke.reverse();
        self.turned = !self.turned;
        if let Some(link) = &mut self.link {
            link.macs.reverse();
        }
    }
}
