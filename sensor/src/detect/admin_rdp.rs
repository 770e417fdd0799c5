//! RDP by a pair or user that is new here.

use super::finding::{Basis, Severity, Stage};
use super::seen::p_new_client;
use super::{Context, Detector, Draft, Findings, Happening, Spec};
use crate::protocol::rdp::Handshake;
use crate::state::zone::Kind;

/// Registration.
pub static SPEC: Spec = Spec {
    id: "admin_rdp",
    title: "Unusual admin RDP session",
    summary: "A remote desktop session to a host of the plant by a client or user it is not used to. An administrator's login name, RestrictedAdmin, or a target that is a SCADA server, engineering station or server make it an administrator's session; the finding says which of these it was.",
    techniques: &["T0886", "T0859", "T0823"],
    severity: Severity::High,
    build: || Box::new(Model),
};

#[derive(Default)]
struct Model;

impl Detector for Model {
    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Rdp(connection, Handshake::Request { cookie, restricted_admin, .. }) = happening
        else {
            return;
        };
        let world = &*context.world;
        let (client, server) = (connection.client.ip, connection.server.ip);
        if !world.judges(client, server) || world.is_external(server) {
            return;
        }
        let known = world.conversation(connection);
        let pair_known = known.is_some_and(|c| c.taught);
        let user_known = match (cookie, known) {
            (Some(user), Some(c)) => c.users.is_empty() || c.users.contains(user.as_ref()),
            (None, _) => true,
            (Some(_), None) => false,
        };
        if pair_known && user_known {
            return;
        }
        let mut reasons = Vec::new();
        let name = cookie.as_deref().unwrap_or_default().to_lowercase();
        if world.settings.admin_names.iter().any(|admin| !name.is_empty() && name.starts_with(admin.as_str()))
        {
            reasons.push("an administrator's login name".to_owned());
        }
        if *restricted_admin {
            reasons.push("RestrictedAdmin mode".to_owned());
        }
        let target_zone = world.zone(server);
        if target_zone.kind == Kind::Ot && world.zone(client).kind != Kind::Ot {
            reasons.push(format!("it goes into zone {}", target_zone.name));
        }
        let role = world.role(server).0;
        if !matches!(role, "host" | "it") {
            reasons.push(format!("the target is a {role}"));
        }
        let user = cookie.as_deref().unwrap_or("not observable");
        let why = if reasons.is_empty() {
            "nothing marks it as an administrator's".to_owned()
        } else {
            reasons.join(", ")
        };
        let new = if pair_known { "this user is new for the pair" } else { "this pair never had one" };
        let severity = if reasons.is_empty() { Severity::Medium } else { Severity::High };
        let draft = Draft::new(&SPEC, connection, context.now)
            .basis(Basis::FirstSeen)
            .stage(Stage::LateralMovement)
            .severity(severity)
            .p(p_new_client(connection, world))
            .summary(format!("RDP session from {client} to {server}, user {user}: {new}; {why}"))
            .fact("rdp.cookie", user)
            .fact("admin", why);
        findings.raise(draft, world);
    }
}
