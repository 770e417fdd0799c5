//! What operators tell a sensor about what it found: the arguments of `ack`, `allow`, `relearn`, `watch`,
//! `convergence`, `status`, `doctor` and `detach`.

use std::path::PathBuf;

use clap::Args;

use super::ShowArgs;
use crate::config::{Allow, Party, Schedule, Service, Until};
use crate::protocol::Action;
use crate::source::live::pins;
use crate::state::SiteAddr;

/// Where learned and found things are kept.
#[derive(Debug, Args)]
pub struct StateArgs {
    /// Directory that keeps what is learned and found.
    #[arg(long, default_value = "/var/lib/isthmus")]
    pub state: PathBuf,
}

/// `isthmus ack ID`.
#[derive(Debug, Args)]
pub struct AckArgs {
    /// The incident's number.
    pub id: u64,
    /// A word to the next shift.
    #[arg(long)]
    pub note: Option<String>,
    #[command(flatten)]
    /// Where.
    pub at: StateArgs,
}

/// `isthmus allow WHO --reason WHY`, or `--list`, `--undo N`, `--export`.
#[derive(Debug, Args)]
pub struct AllowArgs {
    /// Who may: an asset, a zone, a network or an address.
    #[arg(required_unless_present_any = ["list", "undo", "export"], requires = "reason")]
    pub who: Option<Party>,
    /// Upon whom; anybody inside without it.
    #[arg(long, requires = "who")]
    pub to: Option<Party>,
    /// By which service: a protocol, tcp/PORT or udp/PORT; any without it.
    #[arg(long, requires = "who")]
    pub service: Option<Service>,
    /// Doing what, separated by commas; without it all but Write, Configure, Program and Control.
    #[arg(long, value_delimiter = ',', value_parser = action, requires = "who")]
    pub actions: Vec<Action>,
    /// When, as `Sun 02:00-06:00`; always without it.
    #[arg(long, requires = "who")]
    pub schedule: Option<Schedule>,
    /// Until when, a day or a moment; for good without it.
    #[arg(long, requires = "who")]
    pub until: Option<Until>,
    /// Why.
    #[arg(long, requires = "who")]
    pub reason: Option<String>,
    /// List what is allowed.
    #[arg(long, conflicts_with_all = ["who", "undo", "export"])]
    pub list: bool,
    /// Take back the allowance of this number.
    #[arg(long, value_name = "N", conflicts_with_all = ["who", "export"])]
    pub undo: Option<u64>,
    /// Write what is allowed as TOML for the configuration.
    #[arg(long, conflicts_with = "who")]
    pub export: bool,
    /// Configuration that defines the names used; by default the one the state was last written with.
    #[arg(long)]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    /// Where.
    pub at: StateArgs,
}

fn action(text: &str) -> Result<Action, String> {
    Action::ALL.into_iter().find(|action| action.name().eq_ignore_ascii_case(text)).ok_or_else(|| {
        let known: Vec<&str> = Action::ALL.iter().map(|action| action.name()).collect();
        format!("there is no action `{text}`; use one of {}", known.join(", "))
    })
}

impl AllowArgs {
    /// The allowance that was typed; `None` where another thing was asked for.
    pub fn allow(&self) -> Option<Allow> {
        Some(Allow {
            who: self.who.clone()?,
            to: self.to.clone(),
            service: self.service.clone(),
            actions: self.actions.clone(),
            schedule: self.schedule.clone(),
            until: self.until.clone(),
            reason: self.reason.clone()?,
        })
    }
}

/// `isthmus relearn HOST`.
#[derive(Debug, Args)]
pub struct RelearnArgs {
    /// The device's address, as `isthmus hosts` writes it: what was learned of it is forgotten, and it learns again.
    pub host: SiteAddr,
    #[command(flatten)]
    /// Where.
    pub at: StateArgs,
}

/// `isthmus watch HOST`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// The device's address, in whatever zone: its whole frames are kept as evidence for a while.
    pub host: SiteAddr,
    /// For how many minutes, at most a day.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..=1440))]
    pub minutes: u16,
    #[command(flatten)]
    /// Where.
    pub at: StateArgs,
}

/// `isthmus convergence`.
#[derive(Debug, Args)]
pub struct ConvergenceArgs {
    /// Write the zones that were inferred as TOML for the configuration.
    #[arg(long)]
    pub suggest_config: bool,
    #[command(flatten)]
    /// Where, and how to write it.
    pub show: ShowArgs,
}

/// `isthmus doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Interface to examine; repeat for each leg of the gateway. Without it every physical one.
    #[arg(short = 'i', long = "interface")]
    pub interfaces: Vec<String>,
    /// Configuration file to examine with them.
    #[arg(long)]
    pub config: Option<PathBuf>,
}

/// `isthmus detach`.
#[derive(Debug, Args)]
pub struct DetachArgs {
    /// Interface to detach from; without it every one this program attached to.
    #[arg(short = 'i', long = "interface")]
    pub interfaces: Vec<String>,
    /// Where the bpffs is mounted that `run --pin` used.
    #[arg(long, default_value = pins::BPFFS, value_name = "DIR")]
    pub bpffs: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser, Subcommand};

    use super::*;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(subcommand)]
        command: Command,
    }

    #[derive(Debug, Subcommand)]
    enum Command {
        Ack(AckArgs),
        Allow(Box<AllowArgs>),
        Relearn(RelearnArgs),
        Watch(WatchArgs),
        Convergence(ConvergenceArgs),
        Doctor(DoctorArgs),
        Detach(DetachArgs),
        Status(ShowArgs),
    }

    fn parse(words: &[&str]) -> Result<Command, clap::Error> {
        Typed::try_parse_from(std::iter::once(&"isthmus").chain(words)).map(|typed| typed.command)
    }

    #[test]
    fn the_arguments_contradict_neither_themselves_nor_each_other() {
        Typed::command().debug_assert();
    }

    #[test]
    fn an_allowance_is_typed_as_it_is_written_in_the_configuration() {
        let words = [
            "allow",
            "nessus",
            "--to",
            "10.20.0.0/16",
            "--service",
            "tcp/502",
            "--actions",
            "Session,Discover",
            "--schedule",
            "Sun 02:00-06:00",
            "--until",
            "2030-12-31",
            "--reason",
            "weekly scan",
        ];
        let Ok(Command::Allow(typed)) = parse(&words) else { panic!("{:?}", parse(&words)) };
        let written = "who = \"nessus\"\nto = \"10.20.0.0/16\"\nservice = \"tcp/502\"\nactions = [\"Session\", \"Discover\"]\n\
                       schedule = \"Sun 02:00-06:00\"\nuntil = 2030-12-31\nreason = \"weekly scan\"\n";
        assert_eq!(typed.allow(), Some(toml::from_str::<Allow>(written).unwrap()));
    }

    #[test]
    fn what_is_asked_for_is_understood() {
        assert!(matches!(parse(&["ack", "7", "--note", "mine"]), Ok(Command::Ack(AckArgs { id: 7, .. }))));
        let Ok(Command::Allow(list)) = parse(&["allow", "--list"]) else { panic!() };
        assert!(list.list && list.allow().is_none());
        assert!(matches!(parse(&["relearn", "10.20.0.7"]), Ok(Command::Relearn(_))));
        assert!(matches!(parse(&["watch", "10.20.0.7"]), Ok(Command::Watch(WatchArgs { minutes: 60, .. }))));
        let suggest = ["convergence", "--suggest-config", "--format", "json"];
        assert!(matches!(
            parse(&suggest),
            Ok(Command::Convergence(ConvergenceArgs { suggest_config: true, .. }))
        ));
        assert!(
            matches!(parse(&["doctor", "-i", "eth0", "-i", "eth1"]), Ok(Command::Doctor(d)) if d.interfaces.len() == 2)
        );
        assert!(matches!(parse(&["detach"]), Ok(Command::Detach(_))));
        assert!(matches!(parse(&["status", "--state", "x"]), Ok(Command::Status(_))));
    }

    #[test]
    fn wrong_usage_ends_with_two() {
        let wrong: [&[&str]; 9] = [
            &["ack"],
            &["ack", "seven"],
            &["allow"],
            &["allow", "nessus"],
            &["allow", "nessus", "--reason", "x", "--list"],
            &["allow", "nessus", "--reason", "x", "--actions", "Reed"],
            &["allow", "nessus", "--reason", "x", "--schedule", "Sunday"],
            &["watch", "10.20.0.7", "--minutes", "0"],
            &["relearn", "plc"],
        ];
        for words in wrong {
            assert_eq!(parse(words).unwrap_err().exit_code(), 2, "{words:?}");
        }
    }
}
