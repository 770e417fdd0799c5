//! The dialogues that benches and fuzzers start from are what they say they are.

use std::collections::BTreeMap;

use isthmus::observer::Observer;
use isthmus::protocol::{Action, Command, Malformed, REGISTRY, Side};
use isthmus::state::Connection;
use isthmus::state::world::Settings;
use isthmus::time::Time;
use isthmus_tests::dialogue;
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
        for recorded in of_frames(name, dialogue.frames(20)).unwrap() {
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
