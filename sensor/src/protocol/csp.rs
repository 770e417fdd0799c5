//! Rockwell's client server protocol, in which PLC-5, SLC 5/05 and their programming tools carried PCCC before EtherNet/IP, on TCP 2222.
//!
//! ```text
//!  0      1         2        4            8        12       28    29   30    31     32        33       34            36
//! +------+---------+--------+------------+--------+--------+-----+----+-----+------+---------+--------+-------------+----------
//! | mode | submode | length | connection | status | custom | dst | …  | src | lsap | command | status | transaction | function …
//! +------+---------+--------+------------+--------+--------+-----+----+-----+------+---------+--------+-------------+----------
//!                                                          `-- length counts from here
//! ```
//!
//! Not published. The header is that of a free client which worked with PLC-5, SLC and MicroLogix controllers (Ron Gage's ABEL, 1999, kept in
//! pvbrowser); it sends numbers of the header in network order. What PCCC says is in `cip/pccc.rs`.

use super::bytes::Bytes as _;
use super::cip::pccc;
use super::command::{Action, Direction, Function, Status};
use super::framing::{Framing, Front};
use super::input::{Input, Probe, Side, Verdict};
use super::pending::Pending;
use super::{Asset, AssetField, Decode, Event, Malformed, Port, Spec};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "csp",
    title: "Rockwell CSP (PCCC)",
    ports: &[Port::Tcp(2222), Port::Tcp(2223)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "PCCC commands to PLC-5, SLC 500 and MicroLogix controllers without EtherNet/IP. Modes are Control, downloads and physical \
            writes Program, uploads ReadProgram; a diagnostic status tells the model. The header is that of a free client.",
};

const HEADER: usize = 28;
const REQUEST: u8 = 1;
const RESPONSE: u8 = 2;
const CONNECT: u8 = 1;
const PCCC: u8 = 7;
/// Destination, control, source, link service.
const LINK: usize = 4;
/// A PCCC packet has at most 244 bytes behind these.
const MOST: u16 = 300;

fn front(bytes: &[u8], _: bool) -> Front {
    match (bytes.u8_at(0), bytes.u8_at(1)) {
        (Some(REQUEST | RESPONSE), Some(CONNECT | 2 | 6 | PCCC)) => {}
        (None | Some(REQUEST | RESPONSE), None) => return Front::Short,
        _ => return Front::Bad(Malformed::BadVersion),
    }
    let (Some(submode), Some(length)) = (bytes.u8_at(1), bytes.be16(2)) else { return Front::Short };
    let carries = usize::from(length) >= LINK.saturating_add(4);
    if length > MOST || (submode == PCCC) != carries {
        return Front::Bad(Malformed::BadLength);
    }
    Front::Frame(HEADER.saturating_add(usize::from(length)))
}

/// A connect is but zeros and anybody's: only where it is expected does it count, elsewhere what follows decides. A PCCC request asks for
/// what is known.
fn probe(probe: Probe<'_>) -> Verdict {
    let bytes = probe.bytes;
    match front(bytes, false) {
        Front::Short => return Verdict::NeedMore,
        Front::Bad(_) => return Verdict::No,
        Front::Frame(_) if bytes.len() < HEADER => return Verdict::NeedMore,
        Front::Frame(_) => {}
    }
    let command = HEADER.saturating_add(LINK);
    match (bytes.u8_at(0), bytes.u8_at(1)) {
        (Some(REQUEST), Some(CONNECT)) if bytes.be32(4) != Some(0) || bytes.be32(8) != Some(0) => Verdict::No,
        (Some(_), Some(CONNECT)) if probe.hinted => Verdict::Yes,
        (Some(_), Some(CONNECT)) => match bytes.tail(HEADER) {
            [] => Verdict::NeedMore,
            [REQUEST | RESPONSE, PCCC, ..] => self::probe(Probe { bytes: bytes.tail(HEADER), ..probe }),
            _ => Verdict::No,
        },
        (Some(mode), Some(PCCC)) => match bytes.u8_at(command) {
            None => Verdict::NeedMore,
            Some(code) => {
                let answers = code & 0x40 != 0;
                let known =
                    || pccc::asked(bytes.tail(command)).is_some_and(|asked| asked.action != Action::Other);
                let sound = bytes.be32(4) != Some(0) && answers == (mode == RESPONSE) && (answers || known());
                if sound { Verdict::Yes } else { Verdict::No }
            }
        },
        _ => Verdict::No,
    }
}

/// One connection.
#[derive(Debug, Default)]
struct Decoder {
    framing: Framing,
    /// By who asks and transaction.
    pending: Pending<(Side, u16), Function>,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        let Self { framing, pending } = self;
        if input.gap {
            pending.forget(|(asker, _)| *asker == input.side);
        }
        framing.read(input, out, front, |frame, _, out| {
            message(pending, frame, input.side, out);
        })
    }
}

fn message(
    pending: &mut Pending<(Side, u16), Function>,
    frame: &[u8],
    side: Side,
    out: &mut Vec<Event>,
) -> Option<()> {
    let (mode, submode, status) = (frame.u8_at(0)?, frame.u8_at(1)?, frame.be32(8)?);
    let direction = if mode == REQUEST { Direction::Request } else { Direction::Response };
    let outcome = match (mode, status) {
        (REQUEST, _) => Status::None,
        (_, 0) => Status::Ok,
        (_, code) => Status::Refused(code, "error"),
    };
    if submode != PCCC {
        let name = if submode == CONNECT { "connect" } else { "session" };
        let function = Function::new(
            Action::Session,
            0x100 | u32::from(submode),
            format_args!("session/{submode}"),
            name,
        );
        out.push(Event::Command(function.command(direction).with_status(outcome)));
        return Some(());
    }
    let pccc = frame.tail(HEADER.saturating_add(LINK));
    let transaction = pccc.be16(2)?;
    if mode == REQUEST {
        let asked = pccc::asked(pccc)?;
        let code = u32::from(pccc.u8_at(0)?) << 8 | u32::from(pccc.u8_at(4).unwrap_or(0));
        let function = Function::new(asked.action, code, format_args!("{}", asked.text), asked.name);
        out.push(Event::Command(function.clone().command(direction)));
        pending.insert((side, transaction), function);
        return Some(());
    }
    let function = pending.take(&(side.other(), transaction)).unwrap_or_else(|| {
        let code = u32::from(pccc.u8_at(0).unwrap_or(0));
        Function::new(Action::Other, code, format_args!("pccc {code:#04x}"), "pccc answer")
    });
    let status = match outcome {
        Status::Ok => pccc::answered(pccc).unwrap_or(Status::Ok),
        refused => refused,
    };
    if function.name == pccc::STATUS
        && status == Status::Ok
        && let Some(value) = pccc::model(pccc)
    {
        let mut fact = |field, value| out.push(Event::Asset(Asset { side, field, value }));
        fact(AssetField::Vendor, "Rockwell Automation/Allen-Bradley".into());
        fact(AssetField::Model, value);
    }
    out.push(Event::Command(function.command(direction).with_status(status)));
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::testing::{STRANGERS, ask, commands, facts, feed, hex, same_however_cut, survives};

    /// ABEL asks a responder who it is and sets it to program mode.
    const CONNECT: &str = "0101 0000 00000000 00000000 0004 0005 000000000000000000000000";
    const CONNECTED: &str = "0201 0000 11223344 00000000 0004 0005 000000000000000000000000";
    const STATUS: &str =
        "0107 0009 11223344 00000000 7375e8000000000064d9ee1ab7550000 00050000 06 00 5fe2 03";
    const STATUS_IS: &str = "0207 0021 11223344 00000000 7375e8000000000064d9ee1ab7550000 00050000 46 00 5fe2 \
        00 ee 31 5b 23 352f30342020202020200000000000000000000000";
    const MODE: &str =
        "0107 000a 11223344 00000000 00000000000000000000000000000000 00050000 0f 00 5fe6 80 01";
    const MODE_REFUSED: &str =
        "0207 0008 11223344 00000000 00000000000000000000000000000000 00050000 4f 60 5fe6";

    #[test]
    fn a_mode_change_controls_and_may_be_refused() {
        let mut decoder = Decoder::default();
        feed(&mut decoder, Side::Client, &hex(CONNECT), &[]);
        let events = feed(&mut decoder, Side::Server, &hex(CONNECTED), &[]);
        assert_eq!((commands(&events)[0].name, commands(&events)[0].status.clone()), ("connect", Status::Ok));
        let events = feed(&mut decoder, Side::Client, &hex(MODE), &[]);
        let mode = commands(&events)[0];
        assert_eq!(
            (mode.action, mode.name, &*mode.code_text),
            (Action::Control, "change mode", "pccc 0x0f/0x80")
        );
        let events = feed(&mut decoder, Side::Server, &hex(MODE_REFUSED), &[]);
        let refused = Status::Refused(0x60, "function not allowed due to command protection");
        assert_eq!(
            (commands(&events)[0].name, commands(&events)[0].status.clone()),
            ("change mode", refused)
        );
    }

    #[test]
    fn a_diagnostic_status_tells_the_model() {
        let mut decoder = Decoder::default();
        feed(&mut decoder, Side::Client, &hex(STATUS), &[]);
        let events = feed(&mut decoder, Side::Server, &hex(STATUS_IS), &[]);
        let expected =
            [(AssetField::Vendor, "Rockwell Automation/Allen-Bradley"), (AssetField::Model, "5/04")];
        assert_eq!(facts(&events), expected);
    }

    #[test]
    fn strangers_are_refused() {
        for stranger in STRANGERS {
            assert_ne!(ask(&SPEC, stranger, true), Verdict::Yes, "{stranger:x?}");
        }
        let asked = [ask(&SPEC, &hex(CONNECT), true), ask(&SPEC, &hex(CONNECT), false)];
        assert_eq!(asked, [Verdict::Yes, Verdict::NeedMore]);
        assert_eq!(ask(&SPEC, &hex(&[CONNECT, MODE].concat()), false), Verdict::Yes);
        assert_eq!(ask(&SPEC, &hex(&[CONNECT, CONNECT].concat()), false), Verdict::No);
        assert_eq!(ask(&SPEC, &hex(MODE), false), Verdict::Yes);
        assert_eq!(ask(&SPEC, &hex(&MODE.replace("0f 00", "4f 00")), true), Verdict::No);
        let long = hex(&MODE.replace("0107 000a", "0107 0fff"));
        assert_eq!(
            feed(&mut Decoder::default(), Side::Client, &long, &[])[0],
            Event::Malformed(Malformed::BadLength)
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>, at in any::<prop::sample::Index>(), byte: u8) {
            survives(&SPEC, &bytes)?;
            for text in [CONNECT, STATUS_IS, MODE, MODE_REFUSED] {
                let mut near = hex(text);
                let at = at.index(near.len());
                near[at] = byte;
                survives(&SPEC, &near)?;
            }
        }

        #[test]
        fn the_events_do_not_depend_on_the_segments(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            same_however_cut(&SPEC, &hex(&[CONNECT, MODE, MODE].concat()), &cuts)?;
        }
    }
}
