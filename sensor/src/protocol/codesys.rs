//! CODESYS runtimes: version 3 block driver TCP (11740 to 11743) and version 2 (1200, 2455).
//!
//! ```text
//! version 3 over TCP                      version 2
//!  0             4                         0      2 bytes magic BB BB
//! +-------------+--------+--------         +------+--------------+---------
//! | 00 01 17 e8 | length | packet …        | bbbb | length 4     | service 2 …
//! +-------------+--------+--------         +------+--------------+---------
//! ```
//!
//! Neither protocol is published. What is used here stands in public research (Kaspersky ICS CERT 2019, the nmap script
//! `codesys-v2-discover`): the frames, and of version 3 that a packet begins with `C5`. Commands inside are not read.

use super::bytes::Bytes as _;
use super::command::{Action, Direction, Function, Status};
use super::framing::{Framing, Front};
use super::input::{Input, Probe, Side, Verdict};
use super::{Asset, AssetField, Decode, Event, Malformed, Port, Spec};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "codesys",
    title: "CODESYS",
    ports: &[
        Port::Tcp(1200),
        Port::Tcp(2455),
        Port::Tcp(11_740),
        Port::Tcp(11_741),
        Port::Tcp(11_742),
        Port::Tcp(11_743),
    ],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Controllers of many makers that run CODESYS. Identified by its frames, which public research describes; of the \
            messages only their number is known, so that all are Other, and possible programming is not told apart from \
            monitoring. A login answer of version 2 names operating system and product. Not checked on a capture.",
};

const V3: u32 = 0x0001_17e8;
const V2: u16 = 0xbbbb;
const MOST: u32 = 1 << 20;
/// A version 3 packet's first byte.
const PACKET: u8 = 0xc5;

fn front(bytes: &[u8], _: bool) -> Front {
    match bytes.be16(0) {
        None => match bytes.u8_at(0) {
            None | Some(0 | 0xbb) => Front::Short,
            Some(_) => Front::Bad(Malformed::BadVersion),
        },
        Some(V2) => match (bytes.le32(2), bytes.be32(2)) {
            // Either byte order is met: that of the controller.
            (Some(little), Some(big)) => match little.min(big) {
                length @ 1..=MOST => frame(length, 6),
                _ => Front::Bad(Malformed::BadLength),
            },
            _ => Front::Short,
        },
        Some(1) => match (bytes.be32(0), bytes.le32(4)) {
            // The length counts the header.
            (Some(V3), Some(length @ 9..=MOST)) => frame(length, 0),
            (Some(V3), Some(_)) => Front::Bad(Malformed::BadLength),
            (None, _) | (Some(V3), None) => Front::Short,
            _ => Front::Bad(Malformed::BadVersion),
        },
        Some(_) => Front::Bad(Malformed::BadVersion),
    }
}

fn frame(length: u32, header: usize) -> Front {
    Front::Frame(usize::try_from(length).unwrap_or(usize::MAX).saturating_add(header))
}

fn probe(probe: Probe<'_>) -> Verdict {
    match front(probe.bytes, false) {
        Front::Frame(_) if probe.bytes.be16(0) == Some(V2) => {
            if probe.hinted {
                Verdict::Yes
            } else {
                Verdict::No
            }
        }
        Front::Frame(_) => match probe.bytes.u8_at(8) {
            Some(PACKET) => Verdict::Yes,
            Some(_) => Verdict::No,
            None => Verdict::NeedMore,
        },
        Front::Short => Verdict::NeedMore,
        Front::Bad(_) => Verdict::No,
    }
}

/// One connection.
#[derive(Debug, Default)]
struct Decoder {
    framing: Framing,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        self.framing.read(input, out, front, |frame, _, out| {
            let (code, text, name) = match frame.be16(0) {
                Some(V2) => (2, "v2", "possible codesys v2 message"),
                _ => (3, "v3", "possible codesys v3 message"),
            };
            let function = Function::new(Action::Other, code, text, name);
            let command = match input.side {
                Side::Client => function.command(Direction::Request),
                Side::Server => function.command(Direction::Response).with_status(Status::None),
            };
            out.push(Event::Command(command));
            if code == 2 && input.side == Side::Server {
                facts(frame, out);
            }
        })
    }
}

/// The login's answer names operating system, its version and the product, 32 bytes each from byte 64 on (nmap).
fn facts(frame: &[u8], out: &mut Vec<Event>) {
    let field = |at| {
        let bytes = frame.slice(at, 32)?;
        let end = bytes.iter().position(|byte| *byte == 0)?;
        let text = bytes
            .get(..end)
            .filter(|text| text.len() > 2 && text.iter().all(|b| (b' '..=b'~').contains(b)))?;
        Some(super::bytes::text(text))
    };
    if let (Some(system), Some(version), Some(product)) = (field(64), field(96), field(128)) {
        let mut fact = |field, value| out.push(Event::Asset(Asset { side: Side::Server, field, value }));
        fact(AssetField::Firmware, format!("{system} {version}").into());
        fact(AssetField::Model, product);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::testing::{STRANGERS, ask, commands, facts, feed, hex, same_however_cut, survives};

    const LOGIN: &str = "bbbb 01000000 01";
    const PACKETS: &str = "000117e8 10000000 c574400300000000 000117e8 0c000000 c5744003";

    #[test]
    fn messages_are_counted_and_not_interpreted() {
        for text in [LOGIN, PACKETS] {
            let events = feed(&mut Decoder::default(), Side::Client, &hex(text), &[]);
            assert!(commands(&events).iter().all(|command| command.action == Action::Other), "{events:?}");
        }
        assert_eq!(feed(&mut Decoder::default(), Side::Client, &hex(PACKETS), &[]).len(), 2);
    }

    #[test]
    fn the_login_answer_names_system_and_product() {
        let mut answer = vec![0; 160];
        for (at, text) in [(64, "Nucleus PLUS"), (96, "Nucleus PLUS version 1.13"), (128, "750-881")] {
            answer[at..at + text.len()].copy_from_slice(text.as_bytes());
        }
        answer[..6].copy_from_slice(&[0xbb, 0xbb, 154, 0, 0, 0]);
        let events = feed(&mut Decoder::default(), Side::Server, &answer, &[]);
        let system = "Nucleus PLUS Nucleus PLUS version 1.13";
        assert_eq!(facts(&events), [(AssetField::Firmware, system), (AssetField::Model, "750-881")]);
    }

    #[test]
    fn version_2_belongs_to_its_ports_and_strangers_are_refused() {
        assert_eq!(
            (ask(&SPEC, &hex(LOGIN), true), ask(&SPEC, &hex(LOGIN), false)),
            (Verdict::Yes, Verdict::No)
        );
        assert_eq!(ask(&SPEC, &hex(PACKETS), false), Verdict::Yes);
        for stranger in STRANGERS {
            assert_ne!(ask(&SPEC, stranger, true), Verdict::Yes, "{stranger:x?}");
        }
        let events = feed(&mut Decoder::default(), Side::Client, &hex("000117e8 02000000 c5"), &[]);
        assert_eq!(events[0], Event::Malformed(Malformed::BadLength));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            survives(&SPEC, &bytes)?;
            for head in ["bbbb", "000117e8"] {
                survives(&SPEC, &[hex(head), bytes.clone()].concat())?;
            }
        }

        #[test]
        fn the_events_do_not_depend_on_the_segments(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            same_however_cut(&SPEC, &hex(PACKETS), &cuts)?;
        }
    }
}
