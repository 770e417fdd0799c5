//! What stands between this machine and a good view: checked without changing anything.

mod kernel;
mod ports;
mod routes;

use std::fmt;

use ipnet::IpNet;

use super::links::{self, Link};
use super::offloads::Generic;

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// As it should be.
    Ok,
    /// It runs, but sees or does less than it could.
    Warn,
    /// `isthmus run` would refuse.
    Fail,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        })
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// How it went.
    pub health: Health,
    /// What was looked at, how it is, and what to do.
    pub text: String,
}

/// Looks at the machine, at the interfaces named (every physical one where none is), and whether what comes from
/// `networks` would be seen, each with the name of its zone.
pub fn doctor(interfaces: &[String], networks: &[(IpNet, String)]) -> Vec<Check> {
    let mut report = Report(Vec::new());
    report.kernel();
    report.privileges();
    report.memory();
    if let Some(ports) = report.interfaces(interfaces) {
        report.routes(&ports, networks);
    }
    report.0
}

struct Report(Vec<Check>);

impl Report {
    fn say(&mut self, health: Health, text: impl Into<String>) {
        self.0.push(Check { health, text: text.into() });
    }

    /// The ports that would be watched, each looked at; `None` where none can be.
    fn interfaces(&mut self, names: &[String]) -> Option<Ports> {
        let links = match links::list() {
            Ok(links) => links,
            Err(error) => {
                self.say(Health::Fail, format!("{error:#}"));
                return None;
            }
        };
        let physical = || links.iter().filter(|link| link.is_physical()).map(|link| link.name.clone());
        let names: Vec<String> = if names.is_empty() { physical().collect() } else { names.to_vec() };
        if names.is_empty() {
            let known = links.iter().map(|link| link.name.as_str()).collect::<Vec<_>>().join(", ");
            self.say(
                Health::Warn,
                format!("no physical interface: name those between IT and OT with -i, of {known}"),
            );
            return None;
        }
        let mut watched = Vec::<Link>::new();
        for name in &names {
            match links::resolve(std::slice::from_ref(name), &links) {
                Ok((found, remarks)) => {
                    for remark in remarks {
                        self.say(Health::Warn, remark);
                    }
                    for port in found {
                        if watched.contains(&port) {
                            self.say(
                                Health::Warn,
                                format!(
                                    "{name}: stands on {}, which is named too; it is watched once",
                                    port.name
                                ),
                            );
                        } else {
                            watched.push(port);
                        }
                    }
                }
                Err(error) => self.say(Health::Fail, format!("{error:#}")),
            }
        }
        if let [only] = watched.as_slice() {
            self.say(
                Health::Warn,
                format!(
                    "one interface: XDP sees what comes in, so answers that leave by another are not seen; name every \
                     leg between IT and OT with -i. At a mirror port one is right (ip link set {} promisc on)",
                    only.name
                ),
            );
        }
        let generic = Generic::open().ok();
        for port in &watched {
            self.port(port, generic.as_ref());
        }
        Some(Ports { links, watched })
    }
}

/// All interfaces, and those that would be watched.
struct Ports {
    links: Vec<Link>,
    watched: Vec<Link>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_that_does_not_exist_fails() {
        let checks = doctor(&["nope0".to_owned()], &[]);
        assert!(
            checks
                .iter()
                .any(|check| check.health == Health::Fail && check.text.contains("no interface nope0"))
        );
    }

    #[test]
    fn the_loopback_is_told_to_have_no_native_xdp() {
        let checks = doctor(&["lo".to_owned()], &[]);
        let told = checks.iter().find(|check| check.text.contains("native XDP")).expect("a line on XDP");
        assert_ne!(told.health, Health::Ok, "{told:?}");
    }
}
