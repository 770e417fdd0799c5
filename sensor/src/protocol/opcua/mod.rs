//! OPC UA over TCP, binary encoding (OPC 10000-6 chapter 7).
//!
//! ```text
//!  0      3   4      8           12         16         20        24
//! +------+---+------+-----------+----------+----------+---------+----------------------
//! | type | F | size | channel   | token    | sequence | request | node id, header, body …    MSG, CLO
//! +------+---+------+-----------+----------+----------+---------+----------------------
//! type: HEL ACK ERR RHE (no channel), OPN (policy and certificates for the token), MSG, CLO
//! F: last chunk, C: more follow, A: given up
//! ```
//!
//! With a security policy other than None the channel is signed or signed and encrypted, and which is said in encrypted
//! messages only. What is signed only can still be read, and is; of the rest the service is not observable.

mod binary;
mod frame;
mod message;
pub mod services;
mod session;

use super::framing::Framing;
use super::input::Input;
use super::{Decode, Event, Port, Spec};
use session::Session;

/// Registration.
pub static SPEC: Spec = Spec {
    name: "opcua",
    title: "OPC UA",
    ports: &[Port::Tcp(4840)],
    industrial: true,
    probe: frame::probe,
    decoder: || Box::new(Decoder::default()),
    about: "Data, methods and address spaces of controllers and SCADA servers, binary over TCP. Services are named, with \
            the nodes of writes and methods, the users of sessions and the names of servers; results are the outcome. \
            Of channels that are encrypted only their policy, and that messages pass, can be told: their services are \
            not observable. Forms over HTTPS, JSON and PubSub are not read.",
};

/// One connection.
#[derive(Debug, Default)]
struct Decoder {
    framing: Framing,
    session: Session,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        let Self { framing, session } = self;
        if input.gap {
            session.gap(input.side);
        }
        framing.read(input, out, frame::front, |chunk, cut, out| session.chunk(chunk, cut, input.side, out))
    }

    fn either_asks(&self) -> bool {
        true
    }

    fn kept(&self) -> usize {
        self.session.kept()
    }
}

#[cfg(test)]
mod tests;
