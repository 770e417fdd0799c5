//! Finds the line of a value by its path, so that checks across the whole file can name it.

use toml::de::{DeTable, DeValue};

use super::error::line_of;

/// One step into a TOML document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Into a table.
    Key(&'static str),
    /// Into an array.
    Item(usize),
}

/// The line of the value at `path`, or of the closest thing around it that exists.
pub(super) fn line(text: &str, path: &[Step]) -> usize {
    let Ok(document) = DeTable::parse(text) else { return 1 };
    let Some((Step::Key(first), rest)) = path.split_first() else { return 1 };
    let Some(mut value) = document.get_ref().get(*first) else { return 1 };
    let mut line = line_of(text, value.span().start);
    for step in rest {
        let next = match (step, value.get_ref()) {
            (Step::Key(key), DeValue::Table(table)) => table.get(*key),
            (Step::Item(n), DeValue::Array(array)) => array.get(*n),
            _ => None,
        };
        let Some(next) = next else { break };
        value = next;
        line = line_of(text, value.span().start);
    }
    line
}

/// The line of `[models.ID]`.
pub(super) fn model_line(text: &str, id: &str) -> usize {
    let Ok(document) = DeTable::parse(text) else { return 1 };
    let models = document.get_ref().get("models").map(|models| models.get_ref());
    let key = match models {
        Some(DeValue::Table(models)) => models.keys().find(|key| key.get_ref() == id),
        _ => None,
    };
    key.map_or(1, |key| line_of(text, key.span().start))
}

#[cfg(test)]
mod tests {
    use super::{Step, line};

    const TEXT: &str = "[web]\nlisten = \"x\"\n\n[[zone]]\nname = \"a\"\n[[zone]]\nname = \"b\"\nnetworks = [\n \"10.0.0.0/8\",\n \"11.0.0.0/8\"]\n";

    #[test]
    fn a_value_is_found_by_its_path() {
        assert_eq!(line(TEXT, &[Step::Key("web"), Step::Key("listen")]), 2);
        assert_eq!(line(TEXT, &[Step::Key("zone"), Step::Item(1), Step::Key("networks"), Step::Item(1)]), 10);
    }

    #[test]
    fn a_missing_value_is_placed_at_its_table() {
        assert_eq!(line(TEXT, &[Step::Key("zone"), Step::Item(1), Step::Key("kind")]), 6);
        assert_eq!(line(TEXT, &[Step::Key("nowhere")]), 1);
    }
}
