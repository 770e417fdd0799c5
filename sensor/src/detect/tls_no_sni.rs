//! TLS to a new endpoint outside without saying for whom.

use super::finding::{Basis, Severity, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec};
use crate::importance::budget::Family;
use crate::protocol::tls::{Handshake, Sni};
use crate::state::World;
use crate::state::zone::Kind;

/// Registration.
pub static SPEC: Spec = Spec {
    id: "tls_no_sni",
    title: "TLS without SNI to new external",
    summary: "A ClientHello without server name to an external endpoint new to the site, from OT, from a new device, or from a site where such hellos are so rare that the alert budget has room for one. Browsers send a name; command channels often do not. A name hidden by ECH is no absent name.",
    techniques: &["T0869", "T0885"],
    severity: Severity::Low,
    build: || Box::new(Model),
};

#[derive(Default)]
struct Model;

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::TLS
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Tls(connection, Handshake::ClientHello(hello)) = happening else { return };
        let world = &mut *context.world;
        let (client, server) = (connection.client.ip, connection.server.ip);
        if !world.is_outward(connection) {
            return;
        }
        let key = World::external_key(server);
        let new = !world.externals.get(&key).is_some_and(|external| external.taught);
        let nameless = hello.sni == Sni::Absent && new;
        // Laplace's rule of succession: how probable one more such hello was.
        let [hellos, without] = &mut world.site.hellos;
        let p = (*without as f64 + 1.0) / (*hellos as f64 + 2.0);
        *hellos = hellos.saturating_add(1);
        *without = without.saturating_add(u64::from(nameless));
        if !nameless || !world.judges_outward(client) {
            return;
        }
        let (who, basis, severity) = if world.is_new(client) {
            ("a new device", Basis::FirstSeen, Severity::Medium)
        } else if world.kind(client) == Kind::Ot {
            ("a host of OT", Basis::FirstSeen, Severity::Medium)
        } else if !world.has_baseline() {
            ("a host", Basis::NoBaseline, Severity::Low)
        } else if world.unusual(Family::TlsNoSni, p) {
            ("a host", Basis::Statistical, Severity::Low)
        } else {
            return;
        };
        let draft = Draft::new(&SPEC, connection, context.now)
            .basis(basis)
            .stage(Stage::CommandAndControl)
            .severity(severity)
            .same("no sni")
            .p(p)
            .summary(format!("{client}, {who}, opened TLS to {server}:{} without a server name; nobody here ever went to {key}", connection.server.port))
            .fact("tls.client.ja3", hello.ja3.to_string())
            .fact("endpoint", format!("{server}:{}", connection.server.port));
        findings.raise(draft, world);
    }
}
