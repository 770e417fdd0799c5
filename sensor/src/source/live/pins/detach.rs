//! `isthmus detach`: what a process left, and nothing else.

use std::fs;
use std::path::Path;

use anyhow::bail;

use super::{clear_maps, home, lock, open_link, pinned_links, subdirectories};
use crate::source::live::links;

/// Detaches from the interfaces named, or from all, in this network namespace; returns their names. Maps and programs go
/// with the last link.
///
/// # Errors
/// Where a sensor is running, or nothing of ours is on an interface that was named.
pub fn detach(bpffs: &Path, interfaces: &[String]) -> anyhow::Result<Vec<String>> {
    let home = home(bpffs)?;
    let links = links::list()?;
    let mut names = Vec::new();
    if home.exists() {
        let _lock = lock(&home)?;
        for dir in subdirectories(&home) {
            let mut left = 0_usize;
            for (index, path) in pinned_links(&dir) {
                let link = links.iter().find(|link| link.index == index);
                let name = link
                    .map_or_else(|| format!("an interface that is gone ({index})"), |link| link.name.clone());
                if !interfaces.is_empty() && !interfaces.contains(&name) {
                    left = left.saturating_add(1);
                    continue;
                }
                open_link(index, path, true)?.remove()?;
                names.push(name);
            }
            if left == 0 {
                clear_maps(&dir)?;
            }
        }
        // Kept where something is in it; the one above as well.
        let _ = fs::remove_dir(&home).and_then(|()| home.parent().map_or(Ok(()), fs::remove_dir));
    }
    if let Some(unknown) = interfaces.iter().find(|name| !names.contains(name)) {
        let known = if names.is_empty() { "nothing" } else { "only what was named beside it" };
        bail!("isthmus left nothing attached to {unknown}; {known} was detached");
    }
    Ok(names)
}
