//! The rows, read from the table beside this file.

use anyhow::{Context as _, Result, bail};

use super::{Expected, Past, Row};

const TABLE: &str = include_str!("expected.txt");

/// What may be said of who was never seen before and speaks to devices.
const STRANGER: [&str; 6] =
    ["ics_connectivity", "it_to_ics", "new_action", "new_device_activity", "new_discover", "possible_ics"];

/// What may be said again of traffic behind a rule's finding.
const UNTAUGHT: [&str; 5] = ["ics_connectivity", "it_to_ics", "new_action", "new_discover", "possible_ics"];

/// Every capture.
///
/// # Errors
/// The line that cannot be understood, or names a model that there is not.
pub fn rows() -> Result<Vec<Row>> {
    let lines = TABLE.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(n, line)| row(line).with_context(|| format!("expected.txt line {}: {line}", n + 1))).collect()
}

fn row(line: &'static str) -> Result<Row> {
    let mut columns = line.split('|').map(str::trim);
    let mut column = || columns.next().context("a column is missing");
    let (file, kind) = (column()?, column()?);
    let attack = match kind {
        "attack" => true,
        "benign" => false,
        other => bail!("{other:?} is neither attack nor benign"),
    };
    let expected = [expected(column()?)?, expected(column()?)?, expected(column()?)?];
    Ok(Row { file, attack, expected, waits: columns.next().unwrap_or_default() })
}

fn expected(column: &'static str) -> Result<Expected> {
    let mut out = Expected::default();
    for word in column.split_whitespace().filter(|word| *word != "-") {
        match word {
            "+stranger" => out.may.extend(STRANGER),
            "+untaught" => out.may.extend(UNTAUGHT),
            word => {
                let model = word.trim_matches(['(', ')', '?']);
                isthmus::detect::by_id(model).with_context(|| format!("there is no model {model:?}"))?;
                let list = match word.as_bytes() {
                    [b'(', ..] => &mut out.may,
                    [.., b'?'] => &mut out.looks_new,
                    _ => &mut out.raises,
                };
                list.push(model);
            }
        }
    }
    Ok(out)
}

impl Row {
    /// What it should raise with a past.
    pub fn with(&self, past: Past) -> &Expected {
        let [nothing, itself, plant] = &self.expected;
        match past {
            Past::Nothing => nothing,
            Past::Itself => itself,
            Past::Plant => plant,
        }
    }
}
