//! A connection moves more than such connections do.

use std::time::Duration;

use serde::Deserialize;

use super::finding::{Basis, Severity, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Interest, Settings, Spec};
use crate::importance::budget::Family;
use crate::importance::volumes::{Prior, Volumes};
use crate::state::connection::Connection;
use crate::state::role::PLAIN;
use crate::state::zone::Kind;

const MEGABYTE: f64 = 1e6;

/// Bytes below which nothing is unusual, and what is believed before anything is learned, for client to server and
/// server to client. A remote desktop sends screens down and key strokes up; an industrial connection moves little.
fn service(connection: &Connection, floors: Floors) -> ([f64; 2], [Prior; 2]) {
    let prior = |typical: f64, spread: f64| Prior { typical, spread, weight: 10.0, freedom: 20.0 };
    if connection.is_desktop() || connection.service_port() == 3389 {
        return (floors.rdp_mb, [prior(0.3 * MEGABYTE, 2.2), prior(10.0 * MEGABYTE, 2.5)]);
    }
    if connection.is_industrial() {
        return (floors.industrial_mb, [prior(0.2 * MEGABYTE, 3.0), prior(0.2 * MEGABYTE, 3.0)]);
    }
    (floors.other_mb, [prior(0.1 * MEGABYTE, 5.0), prior(1.0 * MEGABYTE, 5.0)])
}

/// Registration.
pub static SPEC: Spec = Spec {
    id: "data_transfer",
    title: "Unusual data volume",
    summary: "One connection moved far more bytes, in either direction, than its client and server usually move, or than such a service usually does where they are new. By the day, what a host of OT, a named asset or a server sends outside, however small each connection is. Below an absolute floor nothing is unusual.",
    techniques: &["T0882", "T0867"],
    severity: Severity::Medium,
    build: || Box::new(Model::default()),
};

/// What may be set: bytes in MB below which nothing is unusual, client to server and server to client.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Floors {
    /// Of a remote desktop.
    rdp_mb: [f64; 2],
    /// Of an hour of an industrial connection.
    industrial_mb: [f64; 2],
    /// Of any other connection.
    other_mb: [f64; 2],
    /// Of what a host of OT sends to one external host in a day, or one that keeps data to all of them.
    day_out_mb: f64,
}

impl Default for Floors {
    fn default() -> Self {
        Self {
            rdp_mb: [10.0, 200.0],
            industrial_mb: [20.0, 20.0],
            other_mb: [100.0, 1000.0],
            day_out_mb: 10.0,
        }
    }
}

#[derive(Default)]
struct Model {
    floors: Floors,
}

/// What a host of the plant sends out in a day, before anything is learned: times and updates, 20 kB or some times that.
const DAY_OUT: Prior = Prior { typical: 20_000.0, spread: 4.0, weight: 10.0, freedom: 20.0 };
const DAY: Duration = Duration::from_secs(86_400);

impl Model {
    /// What leaves bit by bit is judged by the day: of a host of OT towards each external host, of every host that keeps
    /// data towards all of them together.
    fn judge_day(&self, connection: &Connection, context: &mut Context<'_>, findings: &mut Findings) {
        let (client, server) = (connection.client.ip, connection.server.ip);
        let world = &mut *context.world;
        if !world.is_external(server) || !world.judges_numbers_outward(client) {
            return;
        }
        let Some(what) = world.keeps_data(client) else { return };
        let host = world.hosts.of(world.baseline(client)).and_then(|host| host.outflow.as_deref());
        let pair = world.conversation(connection).and_then(|known| known.outflow.as_deref());
        let to_one = (world.kind(client) == Kind::Ot).then_some(pair);
        for (known, to) in to_one
            .into_iter()
            .map(|pair| (pair, format!("external {server}")))
            .chain([(host, format!("external hosts, {server} last,"))])
            .map(|(known, to)| (known.cloned().unwrap_or_default(), to))
            .collect::<Vec<_>>()
        {
            let bytes = known.last_day(context.now).saturating_add(connection.not_credited()) as f64;
            if bytes < self.floors.day_out_mb * MEGABYTE {
                continue;
            }
            let (p, expected) = known.p(DAY_OUT, bytes);
            if !world.unusual(Family::DataTransfer, p) {
                continue;
            }
            let draft = Draft::new(&SPEC, connection, context.now)
                .basis(Basis::Statistical)
                .stage(Stage::Collection)
                .severity(Severity::High)
                .same("day")
                .p(p)
                .summary(format!(
                    "{:.1} MB from {client} {what} to {to} within a day, bit by bit; {:.2} MB are usual",
                    bytes / MEGABYTE,
                    expected / MEGABYTE
                ))
                .measured(bytes, expected, "bytes", DAY)
                .fact("direction", "up");
            findings.raise(draft, world);
            return;
        }
    }
}

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::VOLUME
    }

    fn configure(&mut self, settings: Settings<'_>) -> Result<(), String> {
        let floors: Floors = settings.read()?;
        for (key, pair) in [
            ("rdp_mb", floors.rdp_mb),
            ("industrial_mb", floors.industrial_mb),
            ("other_mb", floors.other_mb),
        ] {
            if pair.iter().any(|mb| !(0.0..=1e9).contains(mb)) {
                return Err(settings.bad(key, "must hold megabytes from 0; correct it"));
            }
        }
        self.floors = floors;
        Ok(())
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Volume(connection) = happening else { return };
        self.judge_day(connection, context, findings);
        let (client, server) = (connection.client.ip, connection.server.ip);
        let (floors, priors) = service(connection, self.floors);
        let floors = floors.map(|floor| floor * MEGABYTE);
        let world = &mut *context.world;
        if !world.judges_numbers(client, server) {
            return;
        }
        let learned = world
            .conversation(connection)
            .filter(|c| c.taught)
            .map_or([Volumes::default(); 2], |c| c.volumes);
        let (volume, since) = connection.volume();
        for ((((bytes, floor), prior), volumes), direction) in
            volume.into_iter().zip(floors).zip(priors).zip(learned).zip(["up", "down"])
        {
            let bytes = bytes as f64;
            if bytes < floor {
                continue;
            }
            let (p, expected) = (volumes.p(prior, bytes), volumes.expected(prior));
            if !world.unusual(Family::DataTransfer, p) {
                continue;
            }
            let (from, to) = if direction == "up" { (client, server) } else { (server, client) };
            let role = world.role_name(server);
            let duration = connection.last.since(since).max(Duration::from_secs(1));
            let what = match (since == connection.opened, connection.aside()) {
                (true, 0) => "connection",
                (true, _) => "session, its transport over UDP included,",
                (false, _) => "hour of a connection",
            };
            let draft = Draft::new(&SPEC, connection, context.now)
                .basis(Basis::Statistical)
                .stage(Stage::Collection)
                .severity(if role == PLAIN { Severity::Medium } else { Severity::High })
                .same(format!("{server}:{} {direction}", connection.service_port()))
                .p(p)
                .summary(format!(
                    "{:.1} MB from {from} to {to} over port {} ({direction}) in one {what} with {server} ({role}); {:.1} MB are usual, {:.0} times as much",
                    bytes / MEGABYTE,
                    connection.service_port(),
                    expected / MEGABYTE,
                    bytes / expected.max(1.0)
                ))
                .measured(bytes, expected, "bytes", duration)
                .fact("direction", direction);
            findings.raise(draft, world);
        }
    }
}
