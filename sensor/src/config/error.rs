//! Why a configuration cannot be used, in one line: `FILE:LINE: what; what to do`.

use std::fmt;

/// A configuration that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1; `None` where the file could not be read at all.
    pub line: Option<usize>,
    /// What is wrong and what to do about it.
    pub what: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

impl ConfigError {
    /// What the TOML reader said about `text`, in this program's words.
    pub(super) fn from_toml(file: &str, text: &str, error: &toml::de::Error) -> Self {
        let line = error.span().map_or(1, |span| {
            // For an item of an array the reader gives the array's span: the item is the quoted one in it.
            let item =
                quoted(error.message()).and_then(|item| text.get(span.clone())?.find(&format!("\"{item}\"")));
            line_of(text, span.start.saturating_add(item.unwrap_or(0)))
        });
        Self { file: file.to_owned(), line: Some(line), what: advise(error.message()) }
    }
}

/// The number of the line that holds byte `at`, from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or(text).matches('\n').count().saturating_add(1)
}

/// The first thing in backticks.
fn quoted(message: &str) -> Option<&str> {
    message.split('`').nth(1)
}

/// Says what to do, where the reader only said what is wrong. Own messages say it themselves, behind a semicolon.
pub(super) fn advise(message: &str) -> String {
    let message = message.trim().replace('\n', " ");
    if message.contains("; ") {
        return message;
    }
    let (what, expected) = message.split_once(", expected ").unwrap_or((&message, ""));
    let list = expected.replace("one of ", "").replace('`', "");
    match (quoted(what), what) {
        (Some(key), what) if what.starts_with("unknown field") && list.is_empty() => {
            format!("unknown key `{key}`; remove it")
        }
        (Some(key), what) if what.starts_with("unknown field") => {
            format!("unknown key `{key}`; correct or remove it (known here: {list})")
        }
        (Some(word), what) if what.starts_with("unknown variant") => {
            format!("unknown word `{word}`; use {list}")
        }
        (Some(key), what) if what.starts_with("missing field") => {
            format!("the key `{key}` is missing; add it")
        }
        _ => format!("{message}; correct it (deploy/isthmus.toml shows every key)"),
    }
}
