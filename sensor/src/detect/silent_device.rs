//! A controller that was polled stops answering.

use std::time::Duration;

use hashlink::LruCache;
use serde::Deserialize;

use super::finding::{Severity, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Interest, Settings, Spec};
use crate::protocol::{Direction, Side};
use crate::state::SiteAddr;
use crate::state::connection::Connection;
use crate::time::Time;

/// Registration.
pub static SPEC: Spec = Spec {
    id: "silent_device",
    title: "Device fell silent",
    summary: "A controller that answered a poller steadily no longer answers its requests or connections, while the poller goes on asking and the sensor lost nothing; time in which nobody was heard is no silence of a device. Three or more at once are a segment that fell silent.",
    techniques: &["T0814", "T0826"],
    severity: Severity::Medium,
    build: || Box::new(Model::default()),
};

/// Answers after which a device is one that answers.
const ANSWERS: u64 = 20;
/// What may be set.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Limits {
    /// Unanswered requests or connections, at least. (A commercial sensor: 8 within 5 minutes.)
    requests: u64,
    /// Seconds of silence, at least.
    seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { requests: 3, seconds: 30 }
    }
}

/// Silence is also this many times the longest pause seen between two answers.
const PAUSES: u32 = 3;
/// A poller that does not ask any more proves nothing.
const STILL_ASKING: Duration = Duration::from_secs(300);
/// How long to wait whether others fall silent too.
const PATIENCE: Duration = Duration::from_secs(5);
/// Devices that fell silent within this time of each other fell silent together.
const TOGETHER: Duration = Duration::from_secs(300);
const SEGMENT: usize = 3;
const MAX_POLLS: usize = 16_384;

/// One poller and what it polls.
struct Poll {
    answers: u64,
    first: Time,
    answered: Time,
    /// The longest pause between answers while it answered.
    pause: Duration,
    /// Requests and connections since the last answer, and when the first and last of them was.
    asked: u64,
    asked_first: Time,
    asked_last: Time,
    protocol: &'static str,
    told: bool,
}

/// What is told of a device that fell silent.
struct Fallen {
    at: Time,
    device: SiteAddr,
    poller: SiteAddr,
    port: u16,
    asked: u64,
    answered: Time,
    answers: u64,
    first: Time,
    protocol: &'static str,
}

type Key = (SiteAddr, SiteAddr, u16);

struct Model {
    limits: Limits,
    polls: LruCache<Key, Poll>,
    /// When anybody was last heard, as of the last tick.
    heard: Time,
    /// Devices that fell silent a moment ago: more may.
    pending: Vec<Fallen>,
    /// Devices that fell silent lately, and the finding that says so.
    silent: Vec<(Time, SiteAddr, u64)>,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            polls: LruCache::new(MAX_POLLS),
            heard: Time::default(),
            pending: Vec::new(),
            silent: Vec::new(),
        }
    }
}

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::COMMANDS.and(Interest::FAILED).and(Interest::LOSS).and(Interest::TICK)
    }

    fn configure(&mut self, settings: Settings<'_>) -> Result<(), String> {
        let limits: Limits = settings.read()?;
        if limits.requests == 0 || !(1..=86_400).contains(&limits.seconds) {
            return Err(settings.bad("requests", "must be at least 1, and seconds 1 to 86400; correct them"));
        }
        self.limits = limits;
        Ok(())
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let now = context.now;
        match happening {
            Happening::Command(connection, command, Side::Server)
                if command.direction != Direction::Request =>
            {
                self.answered(connection, now);
            }
            Happening::Command(connection, command, Side::Client)
                if command.direction == Direction::Request =>
            {
                self.asked(connection, now);
            }
            Happening::Failed(connection) => self.asked(connection, now),
            // What was lost may have held the answers.
            Happening::Loss => {
                for (_, poll) in self.polls.iter_mut() {
                    poll.asked = 0;
                }
            }
            Happening::Tick => self.tick(context, findings),
            _ => {}
        }
    }
}

fn key(connection: &Connection) -> Key {
    (connection.client.ip, connection.server.ip, connection.service_port())
}

impl Model {
    fn answered(&mut self, connection: &Connection, now: Time) {
        let protocol = connection.protocol.map_or("", |spec| spec.title);
        let poll = self.polls.entry(key(connection)).or_insert_with(|| Poll {
            answers: 0,
            first: now,
            answered: now,
            pause: Duration::ZERO,
            asked: 0,
            asked_first: now,
            asked_last: now,
            protocol,
            told: false,
        });
        poll.answers = poll.answers.saturating_add(1);
        if !poll.told {
            poll.pause = poll.pause.max(now.since(poll.answered));
        }
        poll.answered = now;
        poll.asked = 0;
        poll.told = false;
    }

    fn asked(&mut self, connection: &Connection, now: Time) {
        let Some(poll) = self.polls.peek_mut(&key(connection)) else { return };
        if poll.asked == 0 {
            poll.asked_first = now;
        }
        poll.asked = poll.asked.saturating_add(1);
        poll.asked_last = now;
    }

    fn tick(&mut self, context: &Context<'_>, findings: &mut Findings) {
        // A gap between records is no silence of a device.
        let (now, heard) = (context.now, context.world.heard);
        let gap = heard.since(std::mem::replace(&mut self.heard, heard));
        self.silent.retain(|(at, ..)| now.since(*at) < TOGETHER);
        let mut fell = Vec::new();
        for ((poller, device, port), poll) in self.polls.iter_mut() {
            let silence = Duration::from_secs(self.limits.seconds).max(poll.pause.saturating_mul(PAUSES));
            if gap >= silence {
                poll.asked = 0;
            }
            let silent = !poll.told
                && poll.answers >= ANSWERS
                && poll.asked >= self.limits.requests
                && heard.since(poll.asked_first) >= silence
                && heard.since(poll.answered) >= silence
                && now.since(poll.asked_last) < STILL_ASKING;
            if silent {
                poll.told = true;
                fell.push(Fallen {
                    at: now,
                    device: *device,
                    poller: *poller,
                    port: *port,
                    asked: poll.asked,
                    answered: poll.answered,
                    answers: poll.answers,
                    first: poll.first,
                    protocol: poll.protocol,
                });
            }
        }
        fell.sort_unstable_by_key(|fallen| (fallen.device, fallen.poller, fallen.port));
        self.pending.extend(fell);
        self.segment(context, findings);
        let due = self.pending.iter().take_while(|fallen| now.since(fallen.at) >= PATIENCE).count();
        for fallen in self.pending.drain(..due).collect::<Vec<_>>() {
            let number = tell(&fallen, context, findings);
            self.note(fallen.device, number, now);
        }
    }

    fn note(&mut self, device: SiteAddr, number: u64, now: Time) {
        if !self.silent.iter().any(|(_, ip, _)| *ip == device) && self.silent.len() < MAX_POLLS {
            self.silent.push((now, device, number));
        }
    }

    /// Three devices at once are not three defects.
    fn segment(&mut self, context: &Context<'_>, findings: &mut Findings) {
        let now = context.now;
        let mut devices: Vec<(Time, SiteAddr)> = self.silent.iter().map(|(at, ip, _)| (*at, *ip)).collect();
        for fallen in &self.pending {
            if !devices.iter().any(|(_, ip)| *ip == fallen.device) {
                devices.push((fallen.at, fallen.device));
            }
        }
        if self.pending.is_empty() || devices.len() < SEGMENT {
            return;
        }
        // The first to fall is who the finding is about, so that all of it is one finding and one incident.
        devices.sort_unstable();
        let Some((since, first)) = devices.first().copied() else { return };
        let n = devices.len();
        let mut draft = Draft::about(&SPEC, first, now)
            .since(since)
            .same("segment")
            .severity(Severity::High)
            .stage(Stage::Impact)
            .summary(format!(
                "segment silent: {n} polled devices stopped answering within {} s of each other; look for a switch, a cable or a power supply first",
                now.since(since).as_secs().max(1)
            ))
            .measured(n as f64, 0.0, "silent devices", TOGETHER);
        for (_, ip) in &devices {
            draft = draft.target(*ip, 0);
        }
        let number = findings.raise(draft.targets_total(n as u64), context.world);
        for (at, ip) in devices {
            findings.absorb(ip, &["silent_device"], number, at);
        }
        for fallen in std::mem::take(&mut self.pending) {
            self.note(fallen.device, number, now);
        }
    }
}

fn tell(fallen: &Fallen, context: &Context<'_>, findings: &mut Findings) -> u64 {
    let Fallen { device, poller, port, asked, answered, answers, first, protocol, .. } = *fallen;
    let now = context.now;
    let silence = now.since(answered);
    let expected = answers as f64 / answered.since(first).as_secs_f64().max(1.0) * silence.as_secs_f64();
    let draft = Draft::about(&SPEC, device, now)
        .since(answered)
        .same(port.to_string())
        .stage(Stage::Impact)
        .target(device, port)
        .summary(format!(
            "{device}:{port} fell silent: {asked} {protocol} requests or connections of {poller} since {answered} without an answer; it gave {answers} answers before"
        ))
        .measured(0.0, expected, "answers", silence)
        .fact("poller", poller.to_string());
    findings.raise(draft, context.world)
}
