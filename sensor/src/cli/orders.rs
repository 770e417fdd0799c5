//! `isthmus ack`, `allow`, `relearn`, `watch`: what operators tell a sensor, running or not.

use std::io::Write as _;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result};

use super::operate::{AckArgs, AllowArgs, RelearnArgs, WatchArgs};
use super::show;
use crate::config::{Allow, ConfigError};
use crate::incident::State;
use crate::observer::Silent;
use crate::order::{Order, What};
use crate::state::rules::MAX_TYPED;
use crate::store::Store;
use crate::time::Time;

/// Orders carry the clock of the machine they are typed on; the engine's time stays that of its records.
fn order(what: What, note: Option<&String>) -> Order {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let by = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    Order { what, by, at: Time::default().plus(since), note: note.cloned() }
}

/// `isthmus ack ID`.
///
/// # Errors
/// No such incident, or it is closed.
pub fn acknowledge(args: &AckArgs) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let store = Store::open_existing(&args.at.state)?;
    let mind = show::read(&store, None)?.0;
    let incident = mind
        .incidents
        .get(args.id)
        .with_context(|| format!("no incident {}; `isthmus incidents` lists them", args.id))?;
    anyhow::ensure!(
        incident.state != State::Closed,
        "incident {} is closed; there is nothing to take",
        args.id
    );
    store.order(&order(What::Acknowledge(args.id), args.note.as_ref()))?;
    writeln!(out, "acknowledged incident {}: {}", args.id, incident.title)?;
    Ok(())
}

/// `isthmus allow`.
///
/// # Errors
/// A name nobody defined, a number nobody gave, a state that is not there.
pub fn allow(args: &AllowArgs) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let store = Store::open_existing(&args.at.state)?;
    let (mut mind, config) = show::read(&store, args.config.as_ref())?;
    if let Some(number) = args.undo {
        let allow = mind.world.rules.typed().get(&number).with_context(|| {
            format!("no allowance {number} was typed; `isthmus allow --list` lists them (those of the configuration are removed there)")
        })?;
        store.order(&order(What::Undo(number), None))?;
        writeln!(out, "took back {number}: {}", sentence(allow))?;
        return Ok(());
    }
    if args.export {
        for (number, allow) in mind.world.rules.typed() {
            writeln!(out, "# {number}\n[[allow]]\n{}", toml::to_string(allow)?)?;
        }
        return Ok(());
    }
    let Some(allow) = args.allow() else {
        for allow in &config.allow {
            writeln!(out, "{:>4}  {}", "-", sentence(allow))?;
        }
        for (number, allow) in mind.world.rules.typed() {
            writeln!(out, "{number:>4}  {}", sentence(allow))?;
        }
        return Ok(());
    };
    config.admits(&allow).map_err(|what| ConfigError { file: "allow".to_owned(), line: None, what })?;
    anyhow::ensure!(
        mind.world.rules.typed().len() < MAX_TYPED,
        "{MAX_TYPED} allowances are typed already; move them to the configuration with `isthmus allow --export`"
    );
    let order = order(What::Allow(Box::new(allow.clone())), None);
    let number = store.order(&order)?;
    writeln!(out, "allowed {number}: {}", sentence(&allow))?;
    // What it does to what is open, on this copy: whoever owns the state does the same.
    let open = |mind: &crate::mind::Mind| {
        mind.incidents.iter().filter(|i| i.state != State::Closed).map(|i| i.number).collect::<Vec<_>>()
    };
    let before = open(&mind);
    let now = mind.world.site.last;
    mind.obey(number, &order, now, &mut Silent);
    let after = open(&mind);
    for closed in before.iter().filter(|number| !after.contains(number)) {
        writeln!(out, "closed incident {closed}: all of it is allowed")?;
    }
    Ok(())
}

/// An allowance as a person says it.
fn sentence(allow: &Allow) -> String {
    let to = allow.to.as_ref().map_or("anybody inside".to_owned(), ToString::to_string);
    let service = allow.service.as_ref().map_or(String::new(), |service| format!(" by {service}"));
    let actions = if allow.actions.is_empty() {
        "anything but Write, Configure, Program, Control".to_owned()
    } else {
        allow.actions.iter().map(|action| action.name()).collect::<Vec<_>>().join(", ")
    };
    let schedule = allow.schedule.as_ref().map_or(String::new(), |schedule| format!(", {schedule}"));
    let until = allow.until.as_ref().map_or(String::new(), |until| format!(", until {until}"));
    format!("{} to {to}{service}: {actions}{schedule}{until} ({})", allow.who, allow.reason)
}

/// How long `watch` waits for a running sensor, which looks into the journal each second.
const PATIENCE: Duration = Duration::from_secs(3);

/// `isthmus watch HOST`.
///
/// # Errors
/// A state that is not there.
pub fn watch(args: &WatchArgs) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let WatchArgs { host, minutes, at } = args;
    // The packet path knows addresses, not where they are unique.
    let host = host.ip;
    let store = Store::open_existing(&at.state)?;
    let number = store.order(&order(What::Watch(host, *minutes), None))?;
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if store.obeyed()? >= number {
            writeln!(
                out,
                "watching {host} for {minutes} minutes: its frames go to watch-{}.pcapng where the sensor keeps evidence \
                 (run --evidence)",
                host.to_string().replace(':', "-")
            )?;
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    writeln!(
        out,
        "{host}: no sensor runs with --state {}; one that is started within {minutes} minutes watches it for what is left \
         of them",
        at.state.display()
    )?;
    Ok(())
}

/// `isthmus relearn HOST`.
///
/// # Errors
/// Nothing is known of the device.
pub fn relearn(args: &RelearnArgs) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let store = Store::open_existing(&args.at.state)?;
    let mut mind = show::read(&store, None)?.0;
    let now = mind.world.site.last;
    let host = mind.world.meant(args.host).map_err(|all| {
        let all: Vec<String> = all.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{} may be any of {}; name one of them", args.host, all.join(", "))
    })?;
    let forgotten = mind
        .world
        .relearn(host, now)
        .with_context(|| format!("nothing is known of {host}; `isthmus hosts` lists devices"))?;
    store.order(&order(What::Relearn(host), None))?;
    writeln!(
        out,
        "{host} is learned anew for {} days; forgotten: {} days of activity, {} conversations it usually opens with {} kinds of \
         action and {} users, usual volumes of {} conversations it serves",
        mind.world.settings.device_days,
        forgotten.days,
        forgotten.conversations,
        forgotten.actions,
        forgotten.users,
        forgotten.served
    )?;
    writeln!(out, "who usually comes to it stays known; what always is news still is")?;
    Ok(())
}
