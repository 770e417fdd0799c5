//! Every plug-in is in its folder's registry: a forgotten line would leave a protocol or model silently out.

use std::path::Path;

use anyhow::{Context, Result};

/// Where plug-ins live; each has a `mod.rs` with a `REGISTRY` sorted by name.
const FOLDERS: [&str; 3] = ["sensor/src/protocol", "sensor/src/detect", "sensor/src/output"];

/// What is missing from a registry or out of order, one line each.
pub fn check(root: &Path) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for folder in FOLDERS {
        let path = root.join(folder);
        if path.is_dir() {
            check_folder(folder, &path, &mut faults)?;
        }
    }
    Ok(faults)
}

fn check_folder(folder: &str, path: &Path, faults: &mut Vec<String>) -> Result<()> {
    let registry_file = path.join("mod.rs");
    let text =
        std::fs::read_to_string(&registry_file).with_context(|| format!("cannot read {folder}/mod.rs"))?;
    let entries = registry_entries(&text);
    for pair in entries.windows(2) {
        if let [before, after] = pair
            && before >= after
        {
            faults.push(format!("{folder}/mod.rs: REGISTRY is not sorted: `{after}` after `{before}`"));
        }
    }
    for name in modules(path)? {
        let declared = text.lines().any(|line| declares(line, &name));
        let plug_in = source(path, &name).is_some_and(|source| defines_spec(&source));
        if !declared {
            faults.push(format!("{folder}/{name}: no `mod {name};` in mod.rs, so it is never compiled"));
        }
        if plug_in && !entries.contains(&name) {
            faults.push(format!("{folder}/{name}: defines SPEC and is not in REGISTRY of mod.rs"));
        }
    }
    Ok(())
}

/// The names of the modules in a folder, by file, sorted.
fn modules(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        let source = path.extension().is_some_and(|extension| extension == "rs");
        if (source && stem != "mod" && stem != "tests") || path.join("mod.rs").is_file() {
            names.push(stem.to_owned());
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// The text of a module, be it a file, a file beside a folder, or a folder's `mod.rs`.
fn source(folder: &Path, name: &str) -> Option<String> {
    let file = folder.join(format!("{name}.rs"));
    std::fs::read_to_string(file).or_else(|_| std::fs::read_to_string(folder.join(name).join("mod.rs"))).ok()
}

fn declares(line: &str, name: &str) -> bool {
    line.trim().trim_end_matches(';').rsplit_once("mod ").is_some_and(|(_, declared)| declared == name)
}

fn defines_spec(source: &str) -> bool {
    source.lines().any(|line| {
        let line = line
            .trim_start_matches("pub ")
            .trim_start_matches("pub(crate) ")
            .trim_start_matches("pub(super) ");
        line.starts_with("static SPEC:") || line.starts_with("const SPEC:")
    })
}

/// The modules named in `const REGISTRY … = [ … ];`, in their order.
fn registry_entries(text: &str) -> Vec<String> {
    let Some((_, after)) = text.split_once("REGISTRY:") else { return Vec::new() };
    let list = after.split_once('=').map_or("", |(_, list)| list);
    let list = list.split_once(';').map_or(list, |(list, _)| list);
    list.split([',', '[', ']', '\n'])
        .filter_map(|entry| entry.trim().trim_start_matches('&').strip_suffix("::SPEC"))
        .map(|path| path.rsplit("::").next().unwrap_or(path).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(std::path::PathBuf);

    impl Folder {
        /// A repository with one protocol folder holding these files.
        fn with(test: &str, files: &[(&str, &str)]) -> Self {
            let root = std::env::temp_dir().join(format!("xtask-registry-{}-{test}", std::process::id()));
            for (name, text) in files {
                let path = root.join("sensor/src/protocol").join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
            Self(root)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    const SPEC: &str = "/// It.\npub static SPEC: super::Spec = x;\n";

    #[test]
    fn a_complete_registry_has_no_fault() {
        let registry = "mod bytes;\npub mod modbus;\nmod s7;\npub const REGISTRY: &[&Spec] =\n    &[&modbus::SPEC, &s7::SPEC];\n";
        let files = [("mod.rs", registry), ("bytes.rs", ""), ("modbus.rs", SPEC), ("s7/mod.rs", SPEC)];
        let folder = Folder::with("complete", &files);
        assert_eq!(check(&folder.0).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_forgotten_entry_is_named() {
        let files = [("mod.rs", "mod modbus;\npub const REGISTRY: &[&Spec] = &[];\n"), ("modbus.rs", SPEC)];
        let folder = Folder::with("forgotten", &files);
        assert_eq!(
            check(&folder.0).unwrap(),
            ["sensor/src/protocol/modbus: defines SPEC and is not in REGISTRY of mod.rs"]
        );
    }

    #[test]
    fn a_file_that_is_never_compiled_is_named() {
        let folder = Folder::with("orphan", &[("mod.rs", ""), ("helper.rs", "")]);
        assert!(check(&folder.0).unwrap()[0].contains("never compiled"));
    }

    #[test]
    fn an_unsorted_registry_is_named() {
        let registry = "mod a;\nmod b;\nconst REGISTRY: &[&Spec] = &[\n    &b::SPEC,\n    &a::SPEC,\n];\n";
        let folder = Folder::with("unsorted", &[("mod.rs", registry), ("a.rs", SPEC), ("b.rs", SPEC)]);
        assert!(check(&folder.0).unwrap()[0].contains("`a` after `b`"));
    }
}
