//! A certificate that vouches for itself, outside.

use super::finding::{Basis, Severity, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec};
use crate::protocol::tls::{Handshake, SelfSigned};
use crate::state::World;

/// An endpoint that more hosts go to is not rare.
const RARE_CLIENTS: usize = 2;
const RDP: u16 = 3389;

/// Registration.
pub static SPEC: Spec = Spec {
    id: "tls_self_signed",
    title: "Self-signed TLS at rare external",
    summary: "An external endpoint that hardly anybody here reaches answers with a certificate whose issuer is its subject and whose own key verifies it; the self-signed root of a chain is none. TLS 1.3 and resumption hide certificates: there this is not observable.",
    techniques: &["T0869", "T0885"],
    severity: Severity::Medium,
    build: || Box::new(Model),
};

#[derive(Default)]
struct Model;

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::TLS
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Tls(connection, Handshake::Certificate(certificate)) = happening else { return };
        let world = &*context.world;
        let (client, server) = (connection.client.ip, connection.server.ip);
        // The root that a chain may end in signs itself, and says nothing of the server.
        if certificate.place != 0
            || certificate.self_signed != SelfSigned::Yes
            || !world.is_outward(connection)
        {
            return;
        }
        let external = world.externals.get(&World::external_key(server));
        let clients = external.map_or(0, |external| external.clients.len());
        // A remote desktop's own certificate is self-signed by design.
        let desktop =
            connection.server.port == RDP || connection.protocol.is_some_and(|spec| spec.name == "rdp");
        if desktop
            || !world.judges_outward(client)
            || clients > RARE_CLIENTS
            || external.is_some_and(|external| external.taught)
        {
            return;
        }
        let draft = Draft::new(&SPEC, connection, context.now)
            .basis(Basis::FirstSeen)
            .stage(Stage::CommandAndControl)
            .same("self-signed")
            .summary(format!(
                "external {server}:{} answered {client} with a self-signed certificate for {}",
                connection.server.port, certificate.subject
            ))
            .fact("tls.subject", certificate.subject.to_string())
            .fact("endpoint", format!("{server}:{}", connection.server.port));
        findings.raise(draft, world);
    }
}
