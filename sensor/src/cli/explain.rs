//! `isthmus explain`: what the registries say.

use anyhow::{Result, bail};
use std::io::Write as _;

use crate::{detect, protocol};

/// Prints what is known of a model or protocol, or all their names.
///
/// # Errors
/// A name nobody has.
pub fn explain(name: Option<&str>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let Some(name) = name else {
        writeln!(out, "Models:")?;
        for spec in detect::REGISTRY {
            writeln!(out, "  {:<22} {:<9} {}", spec.id, spec.severity.name(), spec.title)?;
        }
        writeln!(out, "\nProtocols:")?;
        for spec in protocol::REGISTRY {
            writeln!(out, "  {:<22} {}", spec.name, spec.title)?;
        }
        return Ok(());
    };
    if let Some(spec) = detect::by_id(name) {
        writeln!(
            out,
            "{} ({})\n\n{}\n\nSeverity {}; ATT&CK for ICS {}.",
            spec.title,
            spec.id,
            spec.summary,
            spec.severity.name(),
            spec.techniques.join(", ")
        )?;
        return Ok(());
    }
    if let Some(spec) = protocol::by_name(name) {
        let ports: Vec<String> = spec.ports.iter().map(ToString::to_string).collect();
        writeln!(
            out,
            "{} ({})\n\n{}\n\nUsual ports: {}. Content decides.",
            spec.title,
            spec.name,
            spec.about,
            ports.join(", ")
        )?;
        return Ok(());
    }
    bail!("`{name}` is neither a model nor a protocol; `isthmus explain` lists them")
}
