//! TLS to a new endpoint outside without saying for whom.

use super::finding::{Basis, Severity, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Spec};
use crate::protocol::tls::{Handshake, Sni};
use crate::state::World;
use crate::state::zone::Kind;

/// Registration.
pub static SPEC: Spec = Spec {
    id: "tls_no_sni",
    title: "TLS without SNI to new external",
    summary: "A ClientHello without server name to an external endpoint new to the site. Browsers send a name; command channels often do not.",
    techniques: &["T0869", "T0885"],
    severity: Severity::Low,
    build: || Box::new(Model),
};

#[derive(Default)]
struct Model;

impl Detector for Model {
    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Tls(connection, Handshake::ClientHello(hello)) = happening else { return };
        let world = &*context.world;
        let (client, server) = (connection.client.ip, connection.server.ip);
        if hello.sni != Sni::Absent || !world.is_external(server) || world.is_external(client) {
            return;
        }
        let key = World::external_key(server, None);
        let host = world.hosts.get(&client);
        let newcomer = host.is_some_and(|host| host.newcomer && !host.graduated);
        let judged = world.stage(client) != crate::state::host::DeviceStage::Learning || newcomer;
        if !judged || world.externals.get(&key).is_some_and(|external| external.taught) {
            return;
        }
        let why = if newcomer {
            "a new device"
        } else if world.zone(client).kind == Kind::Ot {
            "a host of OT"
        } else {
            "a host"
        };
        let draft = Draft::new(&SPEC, connection, context.now)
            .basis(Basis::FirstSeen)
            .stage(Stage::CommandAndControl)
            .severity(if why == "a host" { Severity::Low } else { Severity::Medium })
            .same("no sni")
            .summary(format!("{client}, {why}, opened TLS to {server}:{} without a server name; nobody here ever went to {key}", connection.server.port))
            .fact("tls.client.ja3", hello.ja3.to_string())
            .fact("endpoint", format!("{server}:{}", connection.server.port));
        findings.raise(draft, world);
    }
}
