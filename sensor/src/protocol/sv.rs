//! Sampled values (IEC 61850-9-2), under EtherType 0x88BA: currents and voltages, thousands of times a second.
//!
//! A frame carries samples (ASDUs) of one or more streams. The packet path ships a part of them only, so sample counters
//! are no use to find a second publisher; what a stream is and how it is configured is.

use std::fmt;

use arrayvec::ArrayVec;

use super::ber;
use super::bytes::printable;
use super::command::{Action, Direction, Function};
use super::input::{Input, Probe, Verdict};
use super::process_bus::{Streams, frame};
use super::{Decode, Event, Malformed, Port, Spec};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "sv",
    title: "IEC 61850 sampled values",
    ports: &[Port::EtherType(0x88ba)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Measured currents and voltages for protection devices, below IP. Streams are named by their svID; told are new \
            streams, changes of configuration revision (Configure) and of the clock they follow. Samples are counted only: \
            payload is shipped within the budget of process data, a few frames of thousands.",
};

/// Tag of a savPdu.
const PDU: u8 = 0x60;
/// Tags of the sequence of ASDUs and of one.
const ASDUS: u32 = 0xa2;
const ASDU: u32 = 0x30;
/// ASDUs read of one frame; the profiles allow eight.
const MAX_ASDUS: usize = 16;

/// How a stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    revision: u64,
    /// Which clock: 0 none, 1 local, 2 global.
    clock: u64,
}

/// One sample.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sample<'a> {
    id: &'a [u8],
    count: u64,
    now: State,
}

fn samples(bytes: &[u8], truncated: bool) -> Result<ArrayVec<Sample<'_>, MAX_ASDUS>, Malformed> {
    let frame = frame(bytes, PDU, truncated)?;
    let mut samples = ArrayVec::new();
    for sequence in ber::elements(frame.pdu.content).filter(|element| element.tag == ASDUS) {
        for asdu in ber::elements(sequence.content).filter(|element| element.tag == ASDU).take(MAX_ASDUS) {
            let (mut id, mut count, mut revision, mut clock) = (None, None, None, None);
            for field in ber::elements(asdu.content) {
                match field.tag {
                    0x80 => id = Some(field.content),
                    0x82 => count = field.number(),
                    0x83 => revision = field.number(),
                    0x85 => clock = field.number(),
                    _ => {}
                }
            }
            match (id.filter(|id| !printable(id).is_empty()), count, revision, clock) {
                (Some(id), Some(count), Some(revision), Some(clock)) => {
                    // Those beyond what the profiles allow are not read.
                    let _ = samples.try_push(Sample { id, count, now: State { revision, clock } });
                }
                _ if truncated => {}
                _ => return Err(Malformed::BadValue),
            }
        }
    }
    if samples.is_empty() && !truncated { Err(Malformed::BadValue) } else { Ok(samples) }
}

fn probe(probe: Probe<'_>) -> Verdict {
    match samples(probe.bytes, true) {
        Ok(samples) if probe.hinted && !samples.is_empty() => Verdict::Yes,
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
        match samples(input.bytes, input.truncated) {
            Ok(samples) => samples.iter().for_each(|sample| self.sample(sample, out)),
            Err(malformed) => out.push(Event::Malformed(malformed)),
        }
        input.bytes.len()
    }
}

impl Decoder {
    fn sample(&mut self, sample: &Sample<'_>, out: &mut Vec<Event>) {
        let Sample { id, count, now } = sample;
        let mut tell = |action, code: u32, name, object: fmt::Arguments<'_>| {
            let function = Function::new(action, code, format_args!("{code}"), name);
            let command = function.command(Direction::Notification).with_object(Some(object.into()));
            out.push(Event::Command(command));
        };
        let before = self.streams.replace(id, *now);
        let id = printable(id);
        match before {
            None => {
                let about = format_args!("{id} revision {} sample {count}", now.revision);
                tell(Action::Session, 0, "stream begins", about);
            }
            Some(before) => {
                if before.revision != now.revision {
                    let about = format_args!("{id} revision {} to {}", before.revision, now.revision);
                    tell(Action::Configure, 1, "configuration revision changes", about);
                }
                if before.clock != now.clock {
                    let about = format_args!("{id} clock {} to {}", clock(before.clock), clock(now.clock));
                    tell(Action::Other, 2, "clock changes", about);
                }
            }
        }
    }
}

const fn clock(number: u64) -> &'static str {
    match number {
        0 => "none",
        1 => "local",
        2 => "global",
        _ => "of the area",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::input::Side;
    use crate::protocol::trial::{ask, feed, near, one, survives};

    /// One sample as 9-2 LE has it, with two bytes of data.
    const FRAME: &[u8] = b"\x40\0\0\x2f\0\0\0\0\x60\x25\x80\x01\x01\xa2\x20\x30\x1e\x80\x0bMU01_Bay1_A\
        \x82\x02\x0f\x9f\x83\x04\0\0\0\x01\x85\x01\x02\x87\x02\0\x01\0\0\0\0";
    const REVISION: usize = 39;
    const CLOCK: usize = 42;

    #[test]
    fn a_stream_is_told_once_and_samples_are_not() {
        let mut decoder = Decoder::default();
        let begin = one(&mut decoder, Side::Client, FRAME);
        assert_eq!((begin.action, begin.name), (Action::Session, "stream begins"));
        assert_eq!(begin.object.as_deref(), Some("MU01_Bay1_A revision 1 sample 3999"));
        assert!(feed(&mut decoder, Side::Client, FRAME).is_empty());
    }

    #[test]
    fn revision_and_clock_are_told_when_they_change() {
        let mut decoder = Decoder::default();
        feed(&mut decoder, Side::Client, FRAME);
        let mut frame = FRAME.to_vec();
        frame[CLOCK] = 0;
        let clock = one(&mut decoder, Side::Client, &frame);
        assert_eq!(clock.object.as_deref(), Some("MU01_Bay1_A clock global to none"));
        frame[REVISION] = 2;
        assert_eq!(one(&mut decoder, Side::Client, &frame).action, Action::Configure);
    }

    #[test]
    fn what_has_no_samples_is_malformed_and_no_sv() {
        let empty = b"\x40\0\0\x0d\0\0\0\0\x60\x03\x80\x01\x01";
        assert_eq!(
            feed(&mut Decoder::default(), Side::Client, empty),
            [Event::Malformed(Malformed::BadValue)]
        );
        assert_eq!(ask(&SPEC, empty, true), Verdict::No);
        assert_eq!(ask(&SPEC, FRAME, true), Verdict::Yes);
        assert_eq!(ask(&SPEC, FRAME, false), Verdict::No);
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
