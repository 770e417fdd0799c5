//! What a host is there for, with the evidence.

use super::World;
use super::host::Host;
use super::segment::SiteAddr;
use super::zone::Kind;
use crate::config::{Criticality, Role};
use crate::protocol::Action;

/// Controllers a host drives that make it supervise rather than operate one machine.
const SEVERAL: usize = 2;
const MANY: usize = 5;

/// The word for a host of which nothing special is known.
pub const PLAIN: &str = "host";

impl Host {
    /// What it is, from what it did while that was ordinary.
    pub fn role_name(&self) -> &'static str {
        let drives = self.drives_controllers.len();
        let programs = [Action::Program, Action::ReadProgram].iter().any(|a| self.did.contains(a));
        let writes = [Action::Write, Action::Configure].iter().any(|a| self.did.contains(a));
        match () {
            () if programs => "engineering",
            // WinCC and its like: they drive controllers, and people sit at them from afar.
            () if drives >= SEVERAL && self.serves_rdp => "scada",
            () if drives >= MANY && !writes && self.serves.is_empty() => "historian",
            () if drives >= MANY => "scada",
            () if drives >= 1 && self.serves.is_empty() => "hmi",
            () if !self.serves.is_empty() => "controller",
            () if self.serves_rdp && self.speaks_ot => "remote_access",
            () => PLAIN,
        }
    }

    /// [`Host::role_name`] with the reason.
    pub fn role(&self) -> (&'static str, String) {
        let list =
            |protocols: &mut dyn Iterator<Item = &String>| protocols.cloned().collect::<Vec<_>>().join(", ");
        let drives = || {
            let n = self.drives_controllers.len();
            let what = list(&mut self.drives.keys());
            let more = if n >= super::host::MAX_DRIVEN { " or more" } else { "" };
            format!("drives {n}{more} {} by {what}", if n == 1 { "controller" } else { "controllers" })
        };
        let role = self.role_name();
        let why = match role {
            "engineering" if self.did.contains(&Action::Program) => format!("{} and programs them", drives()),
            "engineering" => format!("{} and reads their programs", drives()),
            "scada" if self.serves_rdp => format!("{} and answers RDP", drives()),
            "scada" | "hmi" => drives(),
            "historian" => format!("{} and only reads", drives()),
            "controller" => format!("answers {}", list(&mut self.serves.keys())),
            "remote_access" => "answers RDP in OT".to_owned(),
            _ if self.serves_rdp => "answers RDP; no industrial content was ordinary".to_owned(),
            _ => "no industrial content was ordinary".to_owned(),
        };
        (role, why)
    }
}

/// Usual clients that make a host a server, not somebody's desk.
const CLIENTS_OF_A_SERVER: usize = 3;

impl World {
    /// Why what a host sends outside is judged by the day, for a sentence; `None` for the offices' desks, whose people send
    /// what they like: OT, what drives it and what stands among it, what the operator named, and what several others come to.
    pub fn keeps_data(&self, ip: SiteAddr) -> Option<&'static str> {
        if self.kind(ip) == Kind::Ot {
            return Some("of OT");
        }
        if !self.zones.is_local(ip) {
            return None;
        }
        match self.asset(ip) {
            Some(asset) if asset.criticality >= Criticality::High => return Some("a critical asset"),
            Some(asset) if !matches!(asset.role, Some(Role::It)) => return Some("a named asset"),
            _ => {}
        }
        if self.role_name(ip) != PLAIN {
            return Some("that has to do with controllers");
        }
        if self.is_among_ot(ip) {
            return Some("among hosts of OT");
        }
        let clients = self.habits(ip).map_or(0, |habits| habits.clients.categories());
        (clients >= CLIENTS_OF_A_SERVER).then_some("that serves others")
    }

    /// What a host is: as the operator named it, else as inferred.
    pub fn role_name(&self, ip: SiteAddr) -> &'static str {
        let named = self.asset(ip).and_then(|asset| asset.role).map(|role| role.name());
        named.unwrap_or_else(|| self.hosts.get(&ip).map_or(PLAIN, Host::role_name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Device;

    fn host(serves: bool, drives: u8, rdp: bool, did: &[Action]) -> Host {
        let mut host = Host { serves_rdp: rdp, speaks_ot: true, ..Host::default() };
        if serves {
            host.industrial("s7comm", true);
        }
        for n in 0..drives {
            host.industrial("s7comm", false);
            host.drives_controllers.insert(Device::first([10, 0, 0, n].into()));
        }
        host.did.extend(did);
        host
    }

    #[test]
    fn a_role_follows_from_what_a_host_does_and_says_why() {
        let read = &[Action::Read][..];
        assert_eq!(host(true, 0, false, &[]).role(), ("controller", "answers s7comm".to_owned()));
        let wincc = host(false, 3, true, &[Action::Read, Action::Write]).role();
        assert_eq!(wincc, ("scada", "drives 3 controllers by s7comm and answers RDP".to_owned()));
        assert_eq!(host(false, 1, false, read).role_name(), "hmi");
        assert_eq!(host(false, 8, false, read).role_name(), "historian");
        assert_eq!(host(false, 8, false, &[Action::Read, Action::Write]).role_name(), "scada");
        assert_eq!(host(false, 2, false, &[Action::Program]).role_name(), "engineering");
        // A controller that polls its neighbour stays one.
        assert_eq!(host(true, 1, false, read).role_name(), "controller");
        assert_eq!(host(false, 0, false, &[]).role_name(), PLAIN);
    }
}
