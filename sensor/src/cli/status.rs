//! `isthmus status`: how far learning is, what is raised at all, how full the tables are, what is open.

use std::collections::BTreeMap;
use std::io::Write as _;

use anyhow::Result;
use serde_json::{Value, json};

use super::{Format, ShowArgs, show};
use crate::importance::Importance;
use crate::importance::budget::Family;
use crate::incident::State;
use crate::mind::Mind;
use crate::state::host::DeviceStage;
use crate::store::{Store, Tables};

const STAGES: [DeviceStage; 3] = [DeviceStage::Learning, DeviceStage::Dynamic, DeviceStage::Operational];

/// What is shown.
struct Status {
    observer: String,
    /// Days the site was watched, of those it takes.
    site_days: (u64, u32),
    graduated: bool,
    stages: BTreeMap<DeviceStage, usize>,
    relearning: usize,
    budget: f64,
    judged_per_day: f64,
    /// Model, threshold of p.
    thresholds: Vec<(&'static str, f64)>,
    tables: Tables,
    incidents: BTreeMap<&'static str, usize>,
    /// Of the configuration, typed.
    allowances: [usize; 2],
    conduits: usize,
    first: String,
    last: String,
}

impl Status {
    fn of(mind: &Mind, tables: Tables, observer: String) -> Self {
        let world = &mind.world;
        let mut stages: BTreeMap<DeviceStage, usize> = STAGES.map(|stage| (stage, 0)).into();
        let mut relearning = 0_usize;
        for (ip, host) in world.hosts.iter() {
            let n = stages.entry(world.stage(ip)).or_default();
            *n = n.saturating_add(1);
            let again = host.relearns.is_some() && world.stage(ip) == DeviceStage::Learning;
            relearning = relearning.saturating_add(usize::from(again));
        }
        let mut incidents: BTreeMap<&'static str, usize> = State::ALL.map(|state| (state.name(), 0)).into();
        for incident in mind.incidents.iter() {
            let n = incidents.entry(incident.state.name()).or_default();
            *n = n.saturating_add(1);
        }
        let config = world.rules.config();
        Self {
            observer,
            site_days: (world.site.last.since(world.site.first).as_secs() / 86_400, world.settings.site_days),
            graduated: world.is_settled(),
            stages,
            relearning,
            budget: world.settings.alert_budget,
            judged_per_day: Family::ALL.iter().map(|family| world.site.budget.per_day(*family)).sum(),
            thresholds: Family::ALL.iter().map(|family| (family.name(), world.threshold(*family))).collect(),
            tables,
            incidents,
            allowances: [config.allow.len(), world.rules.typed().len()],
            conduits: config.conduit.len(),
            first: world.site.first.to_string(),
            last: world.site.last.to_string(),
        }
    }

    fn json(&self) -> Value {
        let stages: BTreeMap<&str, usize> = self.stages.iter().map(|(stage, n)| (stage.name(), *n)).collect();
        let thresholds: BTreeMap<&str, Value> = self
            .thresholds
            .iter()
            .map(|(model, p)| (*model, json!({ "p": p, "importance": Importance::from_p(*p).value() })))
            .collect();
        json!({
            "@timestamp": self.last,
            "event": { "dataset": "isthmus.status", "kind": "state" },
            "observer": { "name": self.observer },
            "isthmus": {
                "first_seen": self.first,
                "learning": {
                    "site_days": self.site_days.0,
                    "site_days_wanted": self.site_days.1,
                    "site_known": self.graduated,
                    "devices": stages,
                    "relearning": self.relearning,
                },
                "alert_budget": self.budget,
                "judged_per_day": self.judged_per_day,
                "thresholds": thresholds,
                "tables": self.tables,
                "incidents": self.incidents,
                "allowances": { "configured": self.allowances[0], "typed": self.allowances[1] },
                "conduits": self.conduits,
            },
        })
    }

    fn text(&self) -> String {
        let (day, wanted) = self.site_days;
        let site = if self.graduated {
            "the site is known".to_owned()
        } else {
            format!("day {day} of {wanted}: what is new is taken for ordinary")
        };
        let devices: Vec<String> =
            self.stages.iter().map(|(stage, n)| format!("{n} {}", stage.name())).collect();
        let again = match self.relearning {
            0 => String::new(),
            n => format!(" ({n} anew)"),
        };
        let mut text = format!(
            "Sensor      {}, records from {} to {}\nLearning    {site}\nDevices     {}{again}\n\
             Thresholds  {} false alarms a day, {:.0} judgements a day\n",
            self.observer,
            self.first,
            self.last,
            devices.join(", "),
            self.budget,
            self.judged_per_day
        );
        for (model, p) in &self.thresholds {
            text.push_str(&format!(
                "            {model:<18}  raised below p = {p:.1e} (importance {:.1})\n",
                Importance::from_p(*p).value()
            ));
        }
        for (n, (table, fill)) in self.tables.0.iter().enumerate() {
            text.push_str(&format!(
                "{:<10}  {table:<18}  {} of {} rows, {} forgotten for lack of room{}\n",
                if n == 0 { "Tables" } else { "" },
                fill.rows,
                fill.capacity,
                fill.evicted,
                if fill.expired == 0 { String::new() } else { format!(", {} for their age", fill.expired) }
            ));
        }
        let incidents: Vec<String> = self.incidents.iter().map(|(state, n)| format!("{n} {state}")).collect();
        let [configured, typed] = self.allowances;
        text.push_str(&format!(
            "Incidents   {}\nRules       {configured} allowances configured, {typed} typed; {} conduits\n",
            incidents.join(", "),
            self.conduits
        ));
        text
    }
}

/// `isthmus status`.
///
/// # Errors
/// No state there.
pub fn status(args: &ShowArgs) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let store = Store::open_existing(&args.state)?;
    let (mind, config) = show::read(&store, args.config.as_ref())?;
    let status = Status::of(&mind, store.tables()?, config.observer.name);
    match args.format {
        Format::Json => writeln!(out, "{}", status.json())?,
        Format::Text => write!(out, "{}", status.text())?,
    }
    Ok(())
}
