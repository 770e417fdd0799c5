//! Niagara Fox (Tridium), on TCP 1911: text between stations and workbenches of building automation.
//!
//! ```text
//! fox a 1 -1 fox hello\n{\nkey=type:value\n…};;\n
//!     | |  | |   `- command
//!     | |  | `- channel          a: unasked or asking; what is answered, or -1
//!     | `- number `- answers
//! ```
//!
//! The format is not published; what is used here stands in real captures and in the nmap script `fox-info`. Behind the
//! login only channel and command of a message are told.

use super::bytes::{Bytes as _, short, text};
use super::command::{Action, Direction, Function, Status};
use super::input::{Input, Probe, Side, Verdict};
use super::text::Code;
use super::{Asset, AssetField, Decode, Event, Malformed, Port, Spec};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "fox",
    title: "Niagara Fox",
    ports: &[Port::Tcp(1911)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Engineering and operation of Niagara stations (building automation). Hello and login are named; the server's hello \
            gives station, version, host id and brand. The format is not published: of messages behind the login channel and \
            command are told as Other, not what they do. Over TLS (port 4911) nothing is observable.",
};

const BEGIN: &[u8] = b"fox ";
const END: &[u8] = b"\n};;\n";
/// The longest message that is waited for; of a longer one the beginning is read.
const MAX_MESSAGE: usize = 16 * 1024;
const MAX_HEADER: usize = 160;

/// The first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header<'a> {
    answers: bool,
    channel: &'a [u8],
    command: &'a [u8],
    /// Bytes up to and with the line's end.
    len: usize,
}

/// `None`: not whole yet.
fn header(bytes: &[u8]) -> Option<Result<Header<'_>, Malformed>> {
    let seen = bytes.len().min(BEGIN.len());
    if bytes.get(..seen) != BEGIN.get(..seen) {
        return Some(Err(Malformed::BadVersion));
    }
    let line = bytes.get(..MAX_HEADER).unwrap_or(bytes);
    let Some(end) = line.iter().position(|byte| *byte == b'\n') else {
        return (line.len() == MAX_HEADER).then_some(Err(Malformed::BadLength));
    };
    let mut words = line.get(..end)?.split(|byte| *byte == b' ').skip(1);
    let (kind, number, answers) = (words.next(), words.next(), words.next());
    let (channel, command) = (words.next(), words.next());
    let digits = |word: &[u8]| {
        let word = word.strip_prefix(b"-").unwrap_or(word);
        !word.is_empty() && word.iter().all(u8::is_ascii_digit)
    };
    let words = match (kind, number, answers, channel, command) {
        (Some([kind]), Some(number), Some(answers), Some(channel), Some(command))
            if kind.is_ascii_lowercase() && digits(number) && digits(answers) =>
        {
            (answers, channel, command)
        }
        _ => return Some(Err(Malformed::BadValue)),
    };
    let (answers, channel, command) = words;
    Some(Ok(Header { answers: answers != b"-1", channel, command, len: end.saturating_add(1) }))
}

fn probe(probe: Probe<'_>) -> Verdict {
    match header(probe.bytes) {
        None => Verdict::NeedMore,
        Some(Ok(_)) => Verdict::Yes,
        Some(Err(_)) => Verdict::No,
    }
}

/// One connection.
#[derive(Debug, Default)]
struct Decoder {
    /// Per side (client, server): inside a message that is too long, or bytes were lost.
    lost: [bool; 2],
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        let [client, server] = &mut self.lost;
        let lost = if input.side == Side::Client { client } else { server };
        *lost |= input.gap;
        let mut done = 0;
        loop {
            let rest = input.bytes.tail(done);
            if rest.is_empty() {
                return done;
            }
            if *lost {
                // Behind the end of a message, or at the beginning of one.
                if !rest.starts_with(BEGIN) {
                    let Some(end) = position(rest, END) else { return input.bytes.len() };
                    done = done.saturating_add(end).saturating_add(END.len());
                }
                *lost = false;
                continue;
            }
            let header = match header(rest) {
                None if input.truncated => return input.bytes.len(),
                None => return done,
                Some(Err(malformed)) => {
                    out.push(Event::Malformed(malformed));
                    *lost = true;
                    // What looks like a beginning here is none.
                    done = done.saturating_add(1);
                    continue;
                }
                Some(Ok(header)) => header,
            };
            let whole = position(rest, END).map(|end| end.saturating_add(END.len()));
            match whole {
                Some(len) => {
                    message(&header, rest.get(header.len..len).unwrap_or_default(), input.side, out);
                    done = done.saturating_add(len);
                }
                None if input.truncated || rest.len() >= MAX_MESSAGE => {
                    message(&header, rest.tail(header.len), input.side, out);
                    *lost = true;
                    return input.bytes.len();
                }
                None => return done,
            }
        }
    }
}

fn position(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn message(header: &Header<'_>, body: &[u8], side: Side, out: &mut Vec<Event>) {
    let (channel, command) = (short(header.channel), short(header.command));
    let known = match (&*channel, &*command) {
        ("fox", "hello") => Some((Action::Discover, "hello")),
        ("fox", "challenge") => Some((Action::Auth, "challenge")),
        ("fox", "login") => Some((Action::Auth, "login")),
        ("fox", "authenticate" | "auth" | "challengeReply") => Some((Action::Auth, "authenticate")),
        ("fox", "rejected" | "loginRejected") => Some((Action::Auth, "rejected")),
        ("fox", "welcome") => Some((Action::Session, "welcome")),
        ("fox", "close" | "closed") => Some((Action::Session, "close")),
        ("fox", "keepAlive" | "ping") => Some((Action::Session, "keep alive")),
        _ => None,
    };
    let (action, name) = known.unwrap_or((Action::Other, "message"));
    let hello = name == "hello";
    let answers = header.answers || side == Side::Server && hello;
    let (direction, status) = match (answers, side, name) {
        (_, Side::Server, "rejected") => (Direction::Response, Status::Refused(0, "rejected")),
        (true, ..) => (Direction::Response, Status::Ok),
        (false, Side::Client, _) => (Direction::Request, Status::None),
        (false, Side::Server, _) => (Direction::Notification, Status::None),
    };
    let object = match known {
        Some(_) => None,
        None => Some(format_args!("{channel} {command}").into()),
    };
    let function = Function::new(action, 0, Code::copy(&command), name);
    out.push(Event::Command(function.command(direction).with_status(status).with_object(object)));
    if hello {
        facts(body, side, out);
    }
}

/// What a hello says of its sender. A client is a workbench: its name is that of somebody's computer.
fn facts(body: &[u8], side: Side, out: &mut Vec<Event>) {
    let field = |key: &[u8]| match key {
        b"station.name" => Some(AssetField::Name),
        b"app.version" => Some(AssetField::Firmware),
        b"app.name" => Some(AssetField::Role),
        b"hostId" => Some(AssetField::Id),
        b"brandId" => Some(AssetField::Vendor),
        b"hostName" if side == Side::Client => Some(AssetField::Name),
        _ => None,
    };
    for line in body.split(|byte| *byte == b'\n').take(64) {
        let Some(equals) = line.iter().position(|byte| *byte == b'=') else { continue };
        let (key, value) = (line.get(..equals).unwrap_or_default(), line.tail(equals.saturating_add(1)));
        let Some(value) = value.strip_prefix(b"s:") else { continue };
        let value = text(value);
        if let Some(field) = field(key).filter(|_| !value.is_empty()) {
            out.push(Event::Asset(Asset { side, field, value }));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::testing::{STRANGERS, ask, commands, facts, feed, same_however_cut, survives};

    const HELLO: &[u8] = b"fox a 1 -1 fox hello\n{\nfox.version=s:1.0\nid=i:1\nhostName=s:pc7\n};;\n";
    const ANSWER: &[u8] = b"fox a 0 -1 fox hello\n{\nfox.version=s:1.0\nhostName=s:192.168.2.15\napp.name=s:Station\n\
        app.version=s:3.5.41.1\nstation.name=s:Legion_HQ_V4\nhostId=s:Qnx-NPM6-0000-1490-C30B\nbrandId=s:vykon\n};;\n";
    const CHALLENGE: &[u8] =
        b"fox a 1 -1 fox challenge\n{\nmethod=s:digest-md5\nnonce=b:4[\x00\x05;\x0a]\n};;\n";

    #[test]
    fn a_hello_discovers_and_its_answer_tells_the_station() {
        let mut decoder = Decoder::default();
        let events = feed(&mut decoder, Side::Client, HELLO, &[]);
        let ask = commands(&events)[0];
        assert_eq!((ask.action, ask.direction, ask.name), (Action::Discover, Direction::Request, "hello"));
        let events = feed(&mut decoder, Side::Server, ANSWER, &[]);
        assert_eq!(commands(&events)[0].status, Status::Ok);
        let expected = [
            (AssetField::Role, "Station"),
            (AssetField::Firmware, "3.5.41.1"),
            (AssetField::Name, "Legion_HQ_V4"),
            (AssetField::Id, "Qnx-NPM6-0000-1490-C30B"),
            (AssetField::Vendor, "vykon"),
        ];
        assert_eq!(facts(&events), expected);
    }

    #[test]
    fn a_challenge_authenticates_and_unknown_commands_are_other() {
        let events = feed(&mut Decoder::default(), Side::Server, CHALLENGE, &[]);
        assert_eq!(commands(&events)[0].action, Action::Auth);
        let other = b"fox a 7 -1 sys invoke\n{\nx=i:1\n};;\n";
        let events = feed(&mut Decoder::default(), Side::Client, other, &[]);
        let command = commands(&events)[0];
        assert_eq!((command.action, command.object.as_deref()), (Action::Other, Some("sys invoke")));
    }

    #[test]
    fn after_lost_bytes_the_next_message_is_found() {
        let bytes = [b"rest of it\n};;\n".as_slice(), HELLO].concat();
        let mut out = Vec::new();
        let input = Input { bytes: &bytes, side: Side::Client, truncated: false, gap: true };
        assert_eq!(Decoder::default().decode(input, &mut out), bytes.len());
        assert_eq!(commands(&out).len(), 1);
    }

    #[test]
    fn what_does_not_begin_with_fox_is_malformed_and_strangers_are_refused() {
        let events = feed(&mut Decoder::default(), Side::Client, b"foo a 1 -1 fox hello\n", &[]);
        assert_eq!(events, [Event::Malformed(Malformed::BadVersion)]);
        for stranger in STRANGERS {
            assert_ne!(ask(&SPEC, stranger, true), Verdict::Yes, "{stranger:x?}");
        }
        assert_eq!(ask(&SPEC, HELLO, false), Verdict::Yes);
        assert_eq!(ask(&SPEC, &HELLO[..9], false), Verdict::NeedMore);
        assert_eq!(ask(&SPEC, b"fox jumps over the lazy dog\n", false), Verdict::No);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>, at in any::<prop::sample::Index>()) {
            survives(&SPEC, &bytes)?;
            let mut near = ANSWER.to_vec();
            let at = at.index(near.len());
            near.splice(at..at, bytes);
            survives(&SPEC, &near)?;
        }

        #[test]
        fn the_events_do_not_depend_on_the_segments(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            same_however_cut(&SPEC, &[HELLO, CHALLENGE, ANSWER].concat(), &cuts)?;
        }
    }
}
