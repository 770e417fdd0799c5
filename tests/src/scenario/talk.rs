//! A TCP conversation as an actor: opens, says its lines in time, and leaves.

use super::lines::{Line, Lines};
use super::plant::{Host, Place};
use super::stage::{Actor, Scene};
use crate::conversation::{MS, Options, Session, US};
use crate::rng::Rng;

/// How the connection attempt goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connect {
    /// It opens, and the lines follow.
    Open,
    /// The server sends RST.
    Refused,
    /// Nobody answers the SYN and this many repetitions.
    Unanswered(u32),
}

/// One connection from a client to a server's port. Enter it on the stage at the time of its SYN.
pub struct Talk {
    client: Host,
    server: Host,
    ports: (u16, u16),
    isn: (u32, u32),
    options: Options,
    connect: Connect,
    lines: Lines,
    session: Option<Session>,
}

impl Talk {
    /// A connection that opens and says `lines`.
    pub fn new(client: &Host, server: &Host, port: u16, rng: &mut Rng, lines: Lines) -> Self {
        Self::with(client, server, port, rng, Connect::Open, lines)
    }

    /// A connection that fails.
    pub fn failing(client: &Host, server: &Host, port: u16, rng: &mut Rng, connect: Connect) -> Self {
        Self::with(client, server, port, rng, connect, Box::new(std::iter::empty()))
    }

    fn with(client: &Host, server: &Host, port: u16, rng: &mut Rng, connect: Connect, lines: Lines) -> Self {
        let far = client.place == Place::External || server.place == Place::External;
        let rtt_ns = if far { rng.range(12 * MS, 60 * MS) } else { rng.range(300 * US, 1500 * US) };
        Self {
            client: *client,
            server: *server,
            ports: (rng.range(49_152, 65_536) as u16, port),
            isn: (rng.bits() as u32, rng.bits() as u32),
            options: Options { rtt_ns, ..Options::default() },
            connect,
            lines,
            session: None,
        }
    }

    fn begin(&self, now_ns: u64) -> Session {
        let client = self.client.side_towards(&self.server, self.ports.0);
        let server = self.server.side_towards(&self.client, self.ports.1);
        let mut session = Session::new(client, server, now_ns, self.isn, self.options);
        match self.connect {
            Connect::Open => session.open(),
            Connect::Refused => session.refused(),
            Connect::Unanswered(retries) => session.unanswered(retries),
        }
        session
    }
}

/// Lines spoken in one act at most: bounds the frames in flight of one conversation.
const LINES_PER_ACT: usize = 16;

impl Actor for Talk {
    fn act(&mut self, now_ns: u64, scene: &mut Scene) -> Option<u64> {
        let mut session = self.session.take().unwrap_or_else(|| self.begin(now_ns));
        session.wait_until(now_ns);
        let mut again = None;
        for spoken in 0.. {
            if spoken == LINES_PER_ACT {
                again = Some(session.now());
                break;
            }
            match self.lines.next() {
                Some(Line::Say(from, bytes)) => session.send(from, &bytes),
                Some(Line::Ask(from, bytes)) => session.send_expecting_answer(from, &bytes),
                Some(Line::Close(from)) => session.close(from),
                Some(Line::Reset(from)) => session.reset(from),
                Some(Line::Wait(ns)) => {
                    again = Some(session.now() + ns);
                    break;
                }
                None => break,
            }
        }
        scene.emit(session.take());
        self.session = Some(session);
        again
    }
}
