//! The dialogues that benches and fuzzers start from are what they say they are.

use std::collections::BTreeMap;

use isthmus::observer::Observer;
use isthmus::protocol::{Action, Command, Malformed, Port, REGISTRY, Side};
use isthmus::state::Connection;
use isthmus::state::world::Settings;
use isthmus::time::Time;
use isthmus_tests::dialogue::{self, Carrier, Dialogue};
use isthmus_tests::recorded::{engine, of_frames};

/// Commands by what they do, what was malformed, and as what connections were recognised.
#[derive(Default)]
struct Told {
    actions: BTreeMap<Action, u32>,
    malformed: Vec<Malformed>,
    protocols: Vec<&'static str>,
}

impl Observer for Told {
    fn command(&mut self, _: &Connection, command: &Command, _: Side, _: Time) {
        *self.actions.entry(command.action).or_default() += 1;
    }

    fn malformed(&mut self, _: &Connection, malformed: Malformed, _: Time) {
        self.malformed.push(malformed);
    }

    fn connection(&mut self, connection: &Connection, _: Time) {
        self.protocols.extend(connection.protocol.map(|spec| spec.name));
    }
}

#[test]
fn every_registered_protocol_has_one_and_is_recognised_in_it_without_a_fault() {
    let dialogues = dialogue::all();
    let names: Vec<&str> = dialogues.iter().map(|dialogue| dialogue.protocol).collect();
    assert_eq!(names, REGISTRY.iter().map(|spec| spec.name).collect::<Vec<_>>());
    let mut wrong = Vec::new();
    for dialogue in dialogues {
        let name = dialogue.protocol;
        let mut told = Told::default();
        let mut engine = engine(Settings::default());
        for recorded in of_frames(name, dialogue.frames(20)).expect("records of frames") {
            engine.record(recorded.record(), &mut told);
        }
        engine.finish(&mut told);
        let n: u32 = told.actions.values().sum();
        // Streams of process data tell what is new; the messages of all others are told one by one.
        let streams = ["cip", "goose", "profinet-rt", "sv"].contains(&name);
        let industrial = isthmus::protocol::by_name(name).is_some_and(|spec| spec.industrial);
        let understood = !told.actions.contains_key(&Action::Other);
        if !told.protocols.contains(&name)
            || !told.malformed.is_empty()
            || !understood
            || industrial && !streams && n < 40
        {
            wrong.push(format!("{name}: {:?} {:?} {:?}", told.actions, told.malformed, told.protocols));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// As what it is recognised; `name` tells files of tests that run at once apart.
fn recognised(dialogue: &Dialogue, name: &str) -> Vec<&'static str> {
    let mut told = Told::default();
    let mut engine = engine(Settings::default());
    for recorded in
        of_frames(&format!("{}-{name}", dialogue.protocol), dialogue.frames(6)).expect("records of frames")
    {
        engine.record(recorded.record(), &mut told);
    }
    engine.finish(&mut told);
    told.protocols
}

/// The same said on another port. `None`: it needs no port.
fn moved(dialogue: &Dialogue, port: u16) -> Option<Dialogue> {
    let carrier = match dialogue.carrier {
        Carrier::Tcp(_) => Carrier::Tcp(port),
        Carrier::Udp(_) => Carrier::Udp(port),
        Carrier::Link(_) => return None,
    };
    Some(Dialogue { carrier, ..dialogue.clone() })
}

#[test]
fn content_is_found_on_an_odd_port() {
    // What these begin with could be anybody's: zeros, a line of text or an option that only their port makes sense of.
    let needs_its_port = ["dhcp", "dns", "ftp", "profinet-rt", "telnet"];
    let lost: Vec<_> = dialogue::all()
        .iter()
        .filter(|dialogue| !needs_its_port.contains(&dialogue.protocol))
        .filter_map(|dialogue| Some((dialogue.protocol, recognised(&moved(dialogue, 17_171)?, "odd"))))
        .filter(|(protocol, found)| !found.contains(protocol))
        .collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn on_anothers_port_it_is_itself_or_nobody() {
    let mut wrong = Vec::new();
    for dialogue in dialogue::all() {
        let ports =
            REGISTRY.iter().flat_map(|spec| spec.ports).filter_map(|port| match (port, dialogue.carrier) {
                (Port::Tcp(port), Carrier::Tcp(_)) | (Port::Udp(port), Carrier::Udp(_)) => Some(*port),
                _ => None,
            });
        for port in ports {
            let found = moved(&dialogue, port).map(|moved| recognised(&moved, "another")).unwrap_or_default();
            if found.iter().any(|name| *name != dialogue.protocol) {
                wrong.push((dialogue.protocol, port, found));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}
