//! The evaluation as tables for people: Markdown, without a trace of the machine that made it.

use std::fmt::Write as _;
use std::time::Duration;

use isthmus::detect::finding::Basis;

use super::captures::{Bench, Past, differences, rows};
use super::score::{ModelScore, Score};
use crate::scenario::family::{FAMILIES, Kind};

/// Record time for people.
fn span(ns: u64) -> String {
    let seconds = Duration::from_nanos(ns).as_secs_f64();
    match seconds {
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { "–".to_owned() } else { format!("{:.0} %", 100.0 * part as f64 / whole as f64) }
}

fn quantile(sorted: &[u64], q: f64) -> Option<u64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get((last as f64 * q).round() as usize).copied()
}

/// A rate, with enough digits to see that it is not zero.
fn rate(n: u64, days: f64) -> String {
    if n == 0 { "0".to_owned() } else { format!("{:.2}", n as f64 / days.max(f64::MIN_POSITIVE)) }
}

fn model_row(out: &mut String, id: &str, model: &ModelScore, score: &Score) {
    let (mut delays, mut exact) = (model.delays.clone(), model.exact.clone());
    delays.sort_unstable();
    exact.sort_unstable();
    let show = |ns: Option<u64>| ns.map_or_else(|| "–".to_owned(), span);
    let _ = writeln!(
        out,
        "| `{id}` | {} | {} | {} | {} | {} | {} | {} | {} |",
        model.expected,
        model.told(),
        percent(model.told(), model.expected),
        show(quantile(&delays, 0.5)),
        show(quantile(&delays, 1.0)),
        show(quantile(&exact, 1.0)),
        rate(model.false_benign, score.benign_days),
        rate(model.bystanders, score.attack_days),
    );
}

/// The tables over scenario families.
pub fn families(score: &Score) -> String {
    let mut out = String::new();
    out.push_str(
        "### Models\n\n\
         Deeds are what families' actors did that the model should tell of. Delay is record time from the deed's first frame\n\
         to the finding; \"to the record\" counts from the very frame that carried the command, where one did. False alarms are\n\
         findings a day in benign families; bystanders are findings a day about hosts that did nothing, in attack families.\n\n\
         | model | deeds | told | recall | median delay | longest | to the record | false alarms a day | bystanders a day |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for (id, model) in &score.models {
        model_row(&mut out, id, model, score);
    }
    out.push_str(
        "\n### Families\n\n\
         | family | what happens | runs | actor in an incident | findings about others, a day | missed |\n\
         |---|---|---:|---:|---:|---|\n",
    );
    for family in FAMILIES {
        let Some(of) = score.families.get(family.id) else { continue };
        let named = match family.kind {
            Kind::Benign => "benign".to_owned(),
            Kind::Attack => percent(of.named, of.runs),
            Kind::Beyond => format!("beyond its reach: {}", percent(of.named, of.runs)),
        };
        let missed: Vec<String> =
            of.missed.iter().map(|(model, n)| format!("`{model}` {n} of {}", of.runs)).collect();
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {named} | {} | {} |",
            family.id,
            family.title,
            of.runs,
            rate(of.false_alarms, of.days),
            if missed.is_empty() { "nothing".to_owned() } else { missed.join(", ") },
        );
    }
    if !score.examples.is_empty() {
        out.push_str("\n### False alarms, an example of each model and family\n\n");
        for ((model, family), example) in &score.examples {
            let _ = writeln!(out, "- `{model}` in `{family}`, {example}");
        }
    }
    out
}

/// The table over real captures.
///
/// # Errors
/// Where a capture cannot be read.
pub fn captures(bench: &Bench) -> anyhow::Result<String> {
    let mut out = String::from(
        "\n### Real captures\n\n\
         Public captures made by others. \"nothing\": shown to a sensor that knows nothing (`--stage operational`); \"itself\": learned\n\
         as benign first; \"another plant\": to a sensor that learned a real plant. `no_baseline` findings are not listed.\n\n\
         | capture | past | raised | as expected |\n|---|---|---|---|\n",
    );
    for row in &rows()? {
        for past in Past::ALL {
            let findings = bench.findings(row.file, past)?;
            let wrong = differences(row, past, &findings);
            let mut models: Vec<String> = findings
                .iter()
                .filter(|f| f.basis != Basis::NoBaseline)
                .map(|f| format!("`{}`", f.model))
                .collect();
            models.sort();
            models.dedup();
            let verdict = match (wrong.is_empty(), row.waits) {
                (true, _) => "yes".to_owned(),
                (false, "") => wrong.join("; "),
                (false, waits) => format!("no: {waits}"),
            };
            let raised = if models.is_empty() { "nothing".to_owned() } else { models.join(" ") };
            let _ = writeln!(out, "| `{}` | {} | {raised} | {verdict} |", row.file, past.name());
        }
    }
    Ok(out)
}
