//! RDP by a pair, by a user, at an hour or for a time that is new here.

use super::finding::{Basis, Severity, Stage};
use super::seen::p_new_client;
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec, sitting};
use crate::importance::hours::hour_of_week;
use crate::protocol::rdp::Handshake;
use crate::state::World;
use crate::state::connection::Connection;
use crate::state::role::PLAIN;
use crate::state::zone::Kind;

/// Registration.
pub static SPEC: Spec = Spec {
    id: "admin_rdp",
    title: "Unusual admin RDP session",
    summary: "An administrator's remote desktop session by a client, by a user, at an hour or for a time its target is not used to. A login name, RestrictedAdmin, or a target that is a SCADA server, engineering station or server make it an administrator's; so does its way from IT or from outside into OT. The finding says which of these it was. A jump host is known by its users, where they are observable.",
    techniques: &["T0886", "T0859", "T0823"],
    severity: Severity::High,
    build: || Box::new(Model),
};

/// Below this an hour of the week is odd. (Of a few hundred sessions learned none was then.)
const ODD_HOUR: f64 = 0.005;
/// So many sessions make a time of day new that none of them was near.
const HABIT: f64 = 10.0;

#[derive(Default)]
struct Model;

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::RDP.and(Interest::LASTS).and(Interest::CLOSED)
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let (connection, handshake) = match happening {
            Happening::Rdp(connection, handshake) => (connection, handshake),
            Happening::Lasts(connection) => return lasts(connection, false, context, findings),
            Happening::Closed(connection) => return lasts(connection, true, context, findings),
            _ => return,
        };
        let world = &*context.world;
        let (client, server) = (connection.client.ip, connection.server.ip);
        if !world.judges(client, server) || world.is_external(server) {
            return;
        }
        let (cookie, restricted_admin) = match handshake {
            Handshake::Request { cookie, restricted_admin, .. } => (cookie, *restricted_admin),
            Handshake::Confirm { selected, .. } => {
                // The session stands: who sits there can go on from there. Only said of what was found when it was asked for.
                if selected.is_some() {
                    findings.enter(SPEC.id, client, &same(connection), context.now);
                }
                return;
            }
        };
        let Some((new, p)) = news(connection, cookie.as_deref(), context) else { return };
        let reasons = reasons(connection, cookie.as_deref(), restricted_admin, world);
        if reasons.is_empty() {
            return;
        }
        let user = cookie.as_deref().unwrap_or("not observable");
        let why = reasons.join(", ");
        let draft = Draft::new(&SPEC, connection, context.now)
            .basis(Basis::FirstSeen)
            .same(same(connection))
            .stage(Stage::LateralMovement)
            .p(p)
            .summary(format!("RDP session from {client} to {server}, user {user}: {new}; {why}"))
            .fact("rdp.cookie", user)
            .fact("admin", why);
        findings.raise(draft, world);
    }
}

/// A session of a known pair goes on, or is `over`.
fn lasts(connection: &Connection, over: bool, context: &mut Context<'_>, findings: &mut Findings) {
    let (client, server) = (connection.client.ip, connection.server.ip);
    let world = &mut *context.world;
    if !connection.is_sitting() || !world.judges_numbers(client, server) || world.is_external(server) {
        return;
    }
    // Who sits there was said when it began; what is known now is who usually does.
    let users = world.conversation(connection).map(|known| known.users.clone()).unwrap_or_default();
    let all = users.iter().map(|user| Some(user.as_str())).chain([None]);
    let Some(reasons) = all.map(|user| reasons(connection, user, false, world)).find(|why| !why.is_empty())
    else {
        return;
    };
    let Some(sitting) = sitting::judge(connection, over, world) else { return };
    let why = reasons.join(", ");
    let draft = Draft::new(&SPEC, connection, context.now)
        .basis(Basis::Statistical)
        .severity(Severity::Medium)
        .same(format!("{} duration", same(connection)))
        .once()
        .stage(Stage::LateralMovement)
        .p(sitting.p)
        .summary(format!("RDP session from {client} to {server}: {}; {why}", sitting.words()))
        .measured(sitting.seconds, sitting.expected, "seconds", connection.lasted())
        .fact("admin", why);
    findings.raise(draft, context.world);
}

fn same(connection: &Connection) -> String {
    connection.server.ip.to_string()
}

/// What is new about a session, and how probable that was.
fn news(connection: &Connection, user: Option<&str>, context: &Context<'_>) -> Option<(String, f64)> {
    let world = &*context.world;
    let known = world.conversation(connection).filter(|c| c.taught);
    let Some(known) = known else {
        return Some(("this pair never had one".to_owned(), p_new_client(connection, world)));
    };
    // Without a name in it a session says nothing about its user.
    if let Some(user) = user
        && !known.users.is_empty()
        && !known.users.contains(user)
    {
        let others = known.users.iter().take(4).cloned().collect::<Vec<_>>().join(", ");
        let p = 1.0 / (known.connections as f64 + 1.0);
        return Some((format!("this user is new for the pair, which is used to {others}"), p));
    }
    let hours = known.hours.as_deref()?;
    let hour = hour_of_week(context.now.seconds(), world.utc_offset());
    let often = hours.support();
    if let Some(p) = hours.p(hour).filter(|p| *p < ODD_HOUR) {
        return Some((
            format!("of {often:.0} sessions of this pair hardly any was at this hour of the week"),
            p,
        ));
    }
    (often >= HABIT && hours.is_new_time_of_day(hour)).then(|| {
        let words = format!("of {often:.0} sessions of this pair none was near this time of day");
        (words, 1.0 / (often + 1.0))
    })
}

/// What makes a session an administrator's.
fn reasons(connection: &Connection, user: Option<&str>, restricted: bool, world: &World) -> Vec<String> {
    let (client, server) = (connection.client.ip, connection.server.ip);
    let mut reasons = Vec::new();
    let name = user.unwrap_or_default().to_lowercase();
    if world.settings.admin_names.iter().any(|admin| !name.is_empty() && name.starts_with(admin.as_str())) {
        reasons.push("an administrator's login name".to_owned());
    }
    if restricted {
        reasons.push("RestrictedAdmin mode".to_owned());
    }
    let (from, to) = (world.kind(client), world.kind(server));
    if to == Kind::Ot && from != Kind::Ot {
        reasons.push(format!("it goes into zone {}", world.zone(server).name));
    }
    if from == Kind::External {
        reasons.push("it comes from outside".to_owned());
    }
    let role = world.role_name(server);
    if role != PLAIN && role != "it" {
        reasons.push(format!("the target is a {role}"));
    }
    reasons
}
