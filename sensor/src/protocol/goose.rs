//! GOOSE, generic object oriented substation events (IEC 61850-8-1), under EtherType 0x88B8.
//!
//! A publisher repeats its state for ever, faster after a change. `stNum` counts states, `sqNum` repetitions of one. What is
//! told is what is new: a stream, a state, a configuration; repetitions are counted with the connection's packets only.

use std::fmt;

use super::ber::{self, Element};
use super::bytes::{printable, text};
use super::command::{Action, Direction, Function};
use super::input::{Input, Probe, Side, Verdict};
use super::process_bus::{Streams, frame};
use super::{Asset, AssetField, Decode, Event, Malformed, Port, Spec};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "goose",
    title: "GOOSE",
    ports: &[Port::EtherType(0x88b8)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Events between protection devices of a substation, sent to groups below IP and believed as they come: a state \
            change trips breakers. Each stream is named by its control block; told are new streams, changes of state \
            (Write), of configuration revision (Configure), of test and commissioning marks, restarts, and a state number \
            that goes back, as a second publisher of one stream makes it. Repetitions are counted only; payload is \
            shipped within the budget of process data.",
};

/// Tag of a goosePdu.
const PDU: u8 = 0x61;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Message<'a> {
    /// Reference of the control block: which stream it is.
    reference: &'a [u8],
    data_set: &'a [u8],
    now: State,
}

/// How a stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    /// Counts states.
    st: u64,
    /// Counts repetitions of one state.
    sq: u64,
    revision: u64,
    /// A test set sends it, or it is marked as a test.
    test: bool,
    /// The device is not configured.
    commissioning: bool,
}

fn message(bytes: &[u8], truncated: bool) -> Result<Message<'_>, Malformed> {
    let frame = frame(bytes, PDU, truncated)?;
    let (mut reference, mut data_set) = (None, None);
    let (mut st, mut sq, mut revision) = (None, None, None);
    let (mut test, mut commissioning) = (frame.simulated, false);
    for element in ber::elements(frame.pdu.content) {
        if !element.is_whole() && !truncated {
            return Err(Malformed::BadLength);
        }
        match element.tag {
            0x80 => reference = Some(element.content),
            0x82 => data_set = Some(element.content),
            0x85 => st = Some(number(element)?),
            0x86 => sq = Some(number(element)?),
            0x87 => test |= number(element)? != 0,
            0x88 => revision = Some(number(element)?),
            0x89 => commissioning = number(element)? != 0,
            _ => {}
        }
    }
    let missing = if truncated { Malformed::Truncated } else { Malformed::BadValue };
    let reference = reference.filter(|reference| !printable(reference).is_empty()).ok_or(missing)?;
    let now = State {
        st: st.ok_or(missing)?,
        sq: sq.ok_or(missing)?,
        revision: revision.ok_or(missing)?,
        test,
        commissioning,
    };
    Ok(Message { reference, data_set: data_set.unwrap_or_default(), now })
}

fn number(element: Element<'_>) -> Result<u64, Malformed> {
    element.number().ok_or(Malformed::BadValue)
}

fn probe(probe: Probe<'_>) -> Verdict {
    match message(probe.bytes, true) {
        Ok(_) if probe.hinted => Verdict::Yes,
        _ => Verdict::No,
    }
}

/// One publisher and one APPID.
#[derive(Debug, Default)]
struct Decoder {
    streams: Streams<State>,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        match message(input.bytes, input.truncated) {
            Ok(message) => self.message(&message, input.side, out),
            // Cut inside its counters: nothing is wrong with it, and nothing can be told.
            Err(Malformed::Truncated) if input.truncated => {}
            Err(malformed) => out.push(Event::Malformed(malformed)),
        }
        input.bytes.len()
    }
}

impl Decoder {
    fn message(&mut self, message: &Message<'_>, side: Side, out: &mut Vec<Event>) {
        let Message { reference, data_set, now } = message;
        let mut tell = |action, code: u32, name, object: fmt::Arguments<'_>| {
            let function = Function::new(action, code, format_args!("{code}"), name);
            let command = function.command(Direction::Notification).with_object(Some(object.into()));
            out.push(Event::Command(command));
        };
        let before = self.streams.replace(reference, *now);
        let device = reference.split(|byte| *byte == b'/').next().unwrap_or_default();
        let (reference, data_set) = (printable(reference), printable(data_set));
        let Some(before) = before else {
            let test = if now.test { ", test" } else { "" };
            let about = format_args!(
                "{reference} data set {data_set} revision {} state {}{test}",
                now.revision, now.st
            );
            tell(Action::Session, NEW_STREAM, "stream begins", about);
            // The logical device's name begins with that of the device.
            out.push(Event::Asset(Asset { side, field: AssetField::Id, value: text(device) }));
            return;
        };
        if now.revision != before.revision {
            let about = format_args!("{reference} revision {} to {}", before.revision, now.revision);
            tell(Action::Configure, NEW_REVISION, "configuration revision changes", about);
        }
        if now.test != before.test {
            tell(Action::Other, TEST, "test mark changes", format_args!("{reference} test {}", now.test));
        }
        if now.commissioning != before.commissioning {
            let about = format_args!("{reference} needs commissioning {}", now.commissioning);
            tell(Action::Other, COMMISSIONING, "commissioning mark changes", about);
        }
        let states = format_args!("{reference} state {} to {}", before.st, now.st);
        if now.st > before.st {
            tell(Action::Write, NEW_STATE, "state change", states);
        } else if now.st < before.st && now.st <= 1 {
            // Counting begins at one when a device starts.
            tell(Action::Session, RESTART, "publisher restarts", states);
        } else if now.st < before.st || now.sq < before.sq {
            let numbers = format_args!("{states} repetition {} to {}", before.sq, now.sq);
            tell(Action::Write, GOES_BACK, "state number goes back", numbers);
            out.push(Event::Malformed(Malformed::BadValue));
        }
    }
}

// Messages have no function codes: these number what is told.
const NEW_STREAM: u32 = 0;
const NEW_STATE: u32 = 1;
const NEW_REVISION: u32 = 2;
const TEST: u32 = 3;
const COMMISSIONING: u32 = 4;
const RESTART: u32 = 5;
const GOES_BACK: u32 = 6;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::trial::{ask, facts, feed, near, one, survives};

    /// The beginning and the counters of a real frame, its data left out.
    const FRAME: &[u8] = b"\x30\x01\0\x7c\0\0\0\0\x61\x72\x80\x1bAA1C1Q01A1LD0/LLN0$GO$gcb_A\x81\x02\x3a\x98\
        \x82\x20AA1C1Q01A1LD0/LLN0$InterlockingA\x83\x0dInterlockingA\x84\x08\x48\x88\x90\xc1\x24\0\0\x27\
        \x85\x03\0\x8f\x61\x86\x01\0\x87\x01\0\x88\x01\x01\x89\x01\0\x8a\x01\0\xab\0";
    const ST: usize = 106;
    const SQ: usize = 109;
    const TEST_MARK: usize = 112;
    const REVISION: usize = 115;

    fn with(changes: &[(usize, u8)]) -> Vec<u8> {
        let mut frame = FRAME.to_vec();
        for (at, byte) in changes {
            frame[*at] = *byte;
        }
        frame
    }

    #[test]
    fn a_frame_is_read_whole() {
        let message = message(FRAME, false).unwrap();
        assert_eq!(message.reference, *b"AA1C1Q01A1LD0/LLN0$GO$gcb_A");
        assert_eq!(message.data_set, *b"AA1C1Q01A1LD0/LLN0$InterlockingA");
        let now = State { st: 36_705, sq: 0, revision: 1, test: false, commissioning: false };
        assert_eq!(message.now, now);
    }

    #[test]
    fn a_stream_is_told_once_and_repetitions_are_not() {
        let mut decoder = Decoder::default();
        let events = feed(&mut decoder, Side::Client, FRAME);
        assert_eq!(facts(&events), [(Side::Client, AssetField::Id, "AA1C1Q01A1LD0")]);
        assert!(matches!(&events[0], Event::Command(c) if c.name == "stream begins"), "{events:?}");
        assert!(feed(&mut decoder, Side::Client, &with(&[(SQ, 1)])).is_empty());
        assert!(feed(&mut decoder, Side::Client, &with(&[(SQ, 7)])).is_empty());
    }

    #[test]
    fn a_new_state_writes() {
        let mut decoder = Decoder::default();
        feed(&mut decoder, Side::Client, FRAME);
        let change = one(&mut decoder, Side::Client, &with(&[(ST, 0x62)]));
        assert_eq!((change.action, change.name), (Action::Write, "state change"));
        assert_eq!(change.object.as_deref(), Some("AA1C1Q01A1LD0/LLN0$GO$gcb_A state 36705 to 36706"));
    }

    #[test]
    fn a_state_number_that_goes_back_is_told_and_broken() {
        let mut decoder = Decoder::default();
        feed(&mut decoder, Side::Client, FRAME);
        let events = feed(&mut decoder, Side::Client, &with(&[(ST, 0x60)]));
        assert!(
            matches!(&events[..], [Event::Command(c), Event::Malformed(_)] if c.name == "state number goes back"),
            "{events:?}"
        );
    }

    #[test]
    fn a_restart_begins_counting_at_one() {
        let mut decoder = Decoder::default();
        feed(&mut decoder, Side::Client, FRAME);
        let restart = one(&mut decoder, Side::Client, &with(&[(ST - 1, 0), (ST, 1)]));
        assert_eq!((restart.action, restart.name), (Action::Session, "publisher restarts"));
    }

    #[test]
    fn revision_and_test_marks_are_told_when_they_change() {
        let mut decoder = Decoder::default();
        feed(&mut decoder, Side::Client, FRAME);
        let test = one(&mut decoder, Side::Client, &with(&[(TEST_MARK, 1)]));
        assert_eq!(test.name, "test mark changes");
        let revision = one(&mut decoder, Side::Client, &with(&[(TEST_MARK, 1), (REVISION, 2)]));
        assert_eq!((revision.action, revision.name), (Action::Configure, "configuration revision changes"));
    }

    #[test]
    fn a_length_beyond_the_frame_is_malformed() {
        let events = feed(&mut Decoder::default(), Side::Client, &FRAME[..60]);
        assert_eq!(events, [Event::Malformed(Malformed::BadLength)]);
        assert_eq!(ask(&SPEC, FRAME, true), Verdict::Yes);
        assert_eq!(ask(&SPEC, FRAME, false), Verdict::No);
        assert_eq!(ask(&SPEC, &[0; 60], true), Verdict::No);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            survives(&SPEC, &bytes);
        }

        #[test]
        fn near_messages_are_survived(bytes in near(&[FRAME])) {
            survives(&SPEC, &bytes);
        }
    }
}
