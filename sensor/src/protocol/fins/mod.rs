//! FINS of Omron controllers (W342 "Communications commands", W421 for TCP), on UDP and TCP 9600.
//!
//! ```text
//!  0     1   2          3     4      5      6      7      8      9    10     12     14
//! +-----+---+----------+-----+------+------+-----+------+------+----+------+------+------
//! | ICF | 0 | gateways | DNA | node | unit | SNA | node | unit | id | code | end  | data …     end code in answers only
//! +-----+---+----------+-----+------+------+-----+------+------+----+------+------+------
//! ```
//!
//! In TCP each message stands behind `FINS`, its length, a command and an error. Bit 6 of the ICF marks answers.

mod codes;

use super::text::Text;
use sensor_ebpf::flow::Transport;

use super::bytes::{Bytes as _, text};
use super::command::{Action, Direction, Function, Status};
use super::framing::{Framing, Front, find};
use super::input::{Input, Probe, Side, Verdict};
use super::pending::Pending;
use super::{Asset, AssetField, Decode, Event, Malformed, Port, Spec};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "fins",
    title: "Omron FINS",
    ports: &[Port::Tcp(9600), Port::Udp(9600)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Memory, programs, files and modes of Omron controllers. All command codes of the CS/CJ series are named with their \
            end codes; run, stop and reset are Control, program and file writes Program, program reads ReadProgram; controller \
            data gives model and version. The unit is the node.",
};

/// Header up to the command code.
const HEADER: usize = 10;
const MAGIC: &[u8; 4] = b"FINS";
/// The longest message of FINS/TCP, header and all.
const MOST: u32 = 0x1_0000;
/// TCP's command for a FINS message.
const SEND: u32 = 2;
const CONTROLLER_DATA: u16 = 0x0501;

/// One message.
#[derive(Clone, Copy, Debug)]
struct Message<'a> {
    response: bool,
    destination: u8,
    source: u8,
    id: u8,
    code: u16,
    data: &'a [u8],
}

fn message(bytes: &[u8]) -> Result<Message<'_>, Malformed> {
    let icf = bytes.u8_at(0).ok_or(Malformed::Truncated)?;
    // Gateway used, answer, no answer wanted: nothing else.
    if icf & 0x3e != 0 || icf & 0x80 == 0 || bytes.u8_at(1) != Some(0) {
        return Err(Malformed::BadVersion);
    }
    // Seven gateways at most, counted down.
    if bytes.u8_at(2).is_none_or(|gateways| gateways > 7) {
        return Err(Malformed::BadValue);
    }
    let code = bytes.be16(HEADER).ok_or(Malformed::Truncated)?;
    let ends = bytes.u8_at(4).zip(bytes.u8_at(7)).zip(bytes.u8_at(9)).ok_or(Malformed::Truncated)?;
    let ((destination, source), id) = ends;
    Ok(Message { response: icf & 0x40 != 0, destination, source, id, code, data: bytes.tail(12) })
}

fn front(bytes: &[u8], _: bool) -> Front {
    let seen = bytes.len().min(MAGIC.len());
    if bytes.get(..seen) != MAGIC.get(..seen) {
        return Front::Bad(Malformed::BadVersion);
    }
    let (Some(length), Some(command)) = (bytes.be32(4), bytes.be32(8)) else { return Front::Short };
    if !(8..=MOST).contains(&length) {
        return Front::Bad(Malformed::BadLength);
    }
    if command > 6 {
        return Front::Bad(Malformed::BadValue);
    }
    Front::Frame(usize::try_from(length).unwrap_or(usize::MAX).saturating_add(8))
}

/// In TCP the magic word; in a datagram a sound header and a known code.
fn probe(probe: Probe<'_>) -> Verdict {
    match front(probe.bytes, false) {
        Front::Frame(_) => return Verdict::Yes,
        Front::Short => return Verdict::NeedMore,
        Front::Bad(_) => {}
    }
    let tcp = |at: &[u8]| matches!(front(at, true), Front::Frame(_));
    if !probe.from_start && find(probe.bytes, tcp).is_some() {
        return Verdict::Yes;
    }
    match message(probe.bytes) {
        Ok(message) if codes::function(message.code).is_some() => {
            // Elsewhere also what every sender starts with: two gateways at most may pass it on.
            let sure = probe.hinted || probe.bytes.u8_at(2) == Some(2);
            if sure { Verdict::Yes } else { Verdict::No }
        }
        _ => Verdict::No,
    }
}

/// One connection, or a pair of ports.
#[derive(Debug, Default)]
struct Decoder {
    framing: Framing,
    session: Session,
    /// What carries it, once that is known by the first bytes.
    transport: Option<Transport>,
}

#[derive(Debug, Default)]
struct Session {
    pending: Pending<(Side, u8, u16), Option<Text>>,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        let Self { framing, session, transport } = self;
        if input.bytes.is_empty() {
            return 0;
        }
        if input.gap {
            session.pending.forget(|(asker, ..)| *asker == input.side);
        }
        // A datagram never begins with the magic word: `F` is no ICF.
        let magic = input.bytes.u8_at(0) == MAGIC.first().copied();
        let carries =
            *transport.get_or_insert(if magic || input.gap { Transport::Tcp } else { Transport::Udp });
        if carries == Transport::Udp {
            match message(input.bytes) {
                Ok(message) => session.message(&message, input.side, out),
                Err(malformed) => out.push(Event::Malformed(malformed)),
            }
            return input.bytes.len();
        }
        framing.read(input, out, front, |frame, _, out| session.frame(frame, input.side, out))
    }
}

impl Session {
    /// A frame of TCP: a message, or what sets the connection up.
    fn frame(&mut self, frame: &[u8], side: Side, out: &mut Vec<Event>) {
        let (Some(command), Some(error)) = (frame.be32(8), frame.be32(12)) else { return };
        if command == SEND {
            match message(frame.tail(16)) {
                Ok(message) => self.message(&message, side, out),
                Err(malformed) => out.push(Event::Malformed(malformed)),
            }
            return;
        }
        let (name, direction) = codes::tcp(command);
        let status = match (direction, error) {
            (Direction::Response, 0) => Status::Ok,
            (_, 0) => Status::None,
            (_, error) => Status::Refused(error, codes::tcp_error(error)),
        };
        let function =
            Function::new(Action::Session, 0x1_0000 | command, format_args!("tcp/{command}"), name);
        out.push(Event::Command(function.command(direction).with_status(status)));
    }

    fn message(&mut self, message: &Message<'_>, side: Side, out: &mut Vec<Event>) {
        let (action, name) = codes::function(message.code).unwrap_or((Action::Other, "fins command"));
        let code = message.code;
        let function = Function::new(action, u32::from(code), format_args!("0x{code:04x}"), name);
        if !message.response {
            let object = codes::object(code, message.data);
            let command = function.command(Direction::Request).with_object(object.clone());
            out.push(Event::Command(command.with_unit(Some(u32::from(message.destination)))));
            self.pending.insert((side, message.id, code), object);
            return;
        }
        let object = self.pending.take(&(side.other(), message.id, code)).flatten();
        // The upper bits tell where it failed and what else is wrong with the controller; the rest tells why.
        let status = match message.data.be16(0).map(|end| end & 0x7f3f) {
            None => {
                out.push(Event::Malformed(Malformed::Truncated));
                Status::None
            }
            Some(0) => Status::Ok,
            Some(end) => Status::Refused(u32::from(end), codes::end(end)),
        };
        if code == CONTROLLER_DATA && status == Status::Ok {
            for (at, field) in [(2, AssetField::Model), (22, AssetField::Firmware)] {
                let value = message.data.slice(at, 20).map(text).unwrap_or_default();
                if !value.is_empty() {
                    out.push(Event::Asset(Asset { side, field, value }));
                }
            }
        }
        let command = function.command(Direction::Response).with_status(status).with_object(object);
        out.push(Event::Command(command.with_unit(Some(u32::from(message.source)))));
    }
}

#[cfg(test)]
mod tests;
