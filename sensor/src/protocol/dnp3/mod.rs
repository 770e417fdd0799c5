//! DNP3 (IEEE 1815) over TCP and UDP: link frames, transport segments, application fragments.
//!
//! ```text
//! link         05 64 | len | control | destination | source | crc | ≤16 data | crc | ≤16 data | crc …
//! transport    FIN FIR sequence (1), then a part of a fragment
//! application  FIR FIN CON UNS sequence (1) | function | indications (2, responses) | object headers …
//! ```
//!
//! Either end may have opened the connection: who asks is told by the function.

pub mod functions;
mod link;
mod objects;
mod transport;

use super::bytes::Bytes;
use super::command::{Action, Command, Direction, Status};
use super::framing::{Framing, Front, find};
use super::input::{Input, Probe, Side, Verdict};
use super::pending::Pending;
use super::text::{Code, Text};
use super::{Decode, Event, Malformed, Port, Spec};
use link::Header;
use transport::Reassembly;

/// Registration.
pub static SPEC: Spec = Spec {
    name: "dnp3",
    title: "DNP3",
    ports: &[Port::Tcp(20_000), Port::Udp(20_000)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Telecontrol of electricity and water. Every function is named, with the outstation's address (as unit), \
            the points of controls and the names of files; responses say what they answer, their internal \
            indications and control status are the outcome. Checksums are verified. Frames of the link alone are \
            sessions. Secure authentication is named, not judged.",
};

/// A header with a sound checksum is enough on any port; elsewhere its function must be one of the standard's too.
fn probe(probe: Probe<'_>) -> Verdict {
    let known = |bytes: &[u8]| link::header(bytes).is_some_and(|header| header.name().is_some());
    match link::front(probe.bytes, false) {
        Front::Frame(_) if probe.hinted || known(probe.bytes) => Verdict::Yes,
        Front::Short => Verdict::NeedMore,
        _ if !probe.from_start
            && find(probe.bytes, |at| matches!(link::front(at, true), Front::Frame(_))).is_some() =>
        {
            Verdict::Yes
        }
        _ => Verdict::No,
    }
}

/// Responses find their requests by this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    outstation: u16,
    master: u16,
    sequence: u8,
}

/// What was asked.
#[derive(Clone, Debug)]
struct Asked {
    name: &'static str,
    action: Action,
    object: Option<Text>,
}

/// One connection, or two ends that exchange datagrams.
#[derive(Debug, Default)]
struct Decoder {
    framing: Framing,
    session: Session,
}

#[derive(Debug, Default)]
struct Session {
    reassembly: [Reassembly; 2],
    pending: Pending<Key, Asked>,
    /// Data of a frame without checksums; kept for its memory.
    scratch: Vec<u8>,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        let Self { framing, session } = self;
        if input.gap {
            session.reassembly(input.side).forget();
        }
        framing.read(input, out, link::front, |frame, cut, out| session.frame(frame, cut, input.side, out))
    }

    fn either_asks(&self) -> bool {
        true
    }

    fn kept(&self) -> usize {
        self.session
            .reassembly
            .iter()
            .map(Reassembly::kept)
            .fold(self.session.pending.kept(), usize::saturating_add)
    }
}

impl Session {
    const fn reassembly(&mut self, side: Side) -> &mut Reassembly {
        let [client, server] = &mut self.reassembly;
        match side {
            Side::Client => client,
            Side::Server => server,
        }
    }

    fn frame(&mut self, frame: &[u8], cut: bool, side: Side, out: &mut Vec<Event>) {
        let Some(header) = link::header(frame) else { return };
        if !header.has_user_data() {
            out.push(link_command(header));
            if header.name().is_none() {
                out.push(Event::Malformed(Malformed::BadValue));
            }
            return;
        }
        let mut data = std::mem::take(&mut self.scratch);
        data.clear();
        match link::user_data(frame, &mut data) {
            // Of a cut frame the whole blocks are sound; the first holds the function.
            Err(_) if cut && !data.is_empty() => {}
            Err(malformed) => {
                self.reassembly(side).forget();
                if !cut {
                    out.push(Event::Malformed(malformed));
                }
                data.clear();
            }
            Ok(()) => {}
        }
        if let Some((control, segment)) = data.split_first() {
            let channel = (header.source, header.destination);
            let [client, server] = &mut self.reassembly;
            let reassembly = if side == Side::Client { client } else { server };
            match reassembly.segment(channel, *control, segment, cut) {
                Ok(Some(fragment)) => {
                    application(&mut self.pending, &fragment, cut, header, side, out);
                }
                Ok(None) => {}
                Err(malformed) => out.push(Event::Malformed(malformed)),
            }
        }
        self.scratch = data;
    }
}

/// A fragment of the application layer.
fn application(
    pending: &mut Pending<Key, Asked>,
    fragment: &[u8],
    cut: bool,
    header: Header,
    side: Side,
    out: &mut Vec<Event>,
) {
    let (Some(control), Some(code)) = (fragment.u8_at(0), fragment.u8_at(1)) else {
        if !cut {
            out.push(Event::Malformed(Malformed::Truncated));
        }
        return;
    };
    let Some((code_text, name, action)) = functions::describe(code) else {
        out.push(told(header, code, (format_args!("{code}").into(), "unknown function"), Action::Other));
        out.push(Event::Malformed(Malformed::BadValue));
        return;
    };
    let sequence = control & 0x0f;
    let answers = code >= functions::RESPONSE;
    let (outstation, master) =
        if answers { (header.source, header.destination) } else { (header.destination, header.source) };
    let key = Key { outstation, master, sequence };
    let mut event = Command {
        action,
        direction: Direction::Request,
        code: u32::from(code),
        code_text: code_text.into(),
        name,
        status: Status::None,
        unit: Some(u32::from(outstation)),
        object: None,
        protocol: None,
    };
    if !answers {
        let bytes = fragment.tail(2);
        let objects = objects::first(bytes);
        if let Some((name, action)) = objects.as_ref().and_then(|objects| objects.action(code)) {
            (event.name, event.action) = (name, action);
        }
        event.object = objects.as_ref().map(|objects| objects.text(bytes));
        if code != functions::CONFIRM {
            let asked = Asked { name: event.name, action: event.action, object: event.object.clone() };
            pending.insert(key, asked);
        }
        out.push(Event::Command(event));
        return;
    }
    let Some(iin2) = fragment.u8_at(3) else {
        out.push(Event::Command(event));
        if !cut {
            out.push(Event::Malformed(Malformed::Truncated));
        }
        return;
    };
    let bytes = fragment.tail(4);
    event.direction = Direction::Response;
    event.status = functions::indications(iin2);
    if code == functions::UNSOLICITED {
        event.direction = Direction::Notification;
        event.status = Status::None;
    } else {
        // Nothing but the answer to a control holds controls.
        let outcome = objects::first(bytes).and_then(|objects| objects.outcome());
        if let Some(asked) = pending.take(&key) {
            event.action = asked.action;
            event.object = Some(match asked.object {
                Some(object) => format_args!("to {}: {object}", asked.name).into(),
                None => format_args!("to {}", asked.name).into(),
            });
        } else if outcome.is_some() {
            event.action = Action::Write;
        }
        if event.status == Status::Ok {
            event.status = outcome.unwrap_or(Status::Ok);
        }
    }
    out.push(Event::Command(event));
    let mut rest = objects::first(bytes);
    for _ in 0..16 {
        let Some(objects) = rest else { return };
        objects.attributes(side, out);
        rest = objects.after_attribute().and_then(objects::first);
    }
}

fn told(header: Header, code: u8, (text, name): (Code, &'static str), action: Action) -> Event {
    Event::Command(Command {
        action,
        direction: if header.from_master { Direction::Request } else { Direction::Response },
        code: u32::from(code),
        code_text: text,
        name,
        status: Status::None,
        unit: Some(u32::from(header.outstation())),
        object: None,
        protocol: None,
    })
}

/// A frame of the link alone.
fn link_command(header: Header) -> Event {
    let status = match (header.primary, header.function) {
        (true, _) => Status::None,
        (false, 1 | 14 | 15) => {
            Status::Refused(u32::from(header.function), header.name().unwrap_or("refused"))
        }
        (false, _) => Status::Ok,
    };
    let kind = if header.primary { 0x100 } else { 0x200 };
    let letter = if header.primary { "link" } else { "link answer" };
    Event::Command(Command {
        action: Action::Session,
        direction: if header.primary { Direction::Request } else { Direction::Response },
        code: kind | u32::from(header.function),
        code_text: format_args!("{letter}/{}", header.function).into(),
        name: header.name().unwrap_or("unknown link function"),
        status,
        unit: Some(u32::from(header.outstation())),
        object: None,
        protocol: None,
    })
}

#[cfg(test)]
mod tests;
