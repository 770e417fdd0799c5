//! Rules on committed files: their length, and that none names a directory of its author's machine.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::command::{output, program, root};

const SOFT_LINES: usize = 400;
const HARD_LINES: usize = 600;

/// Directories under which many people work: naming them tells nothing about a machine.
const COMMON: [&str; 8] = ["/", "/tmp", "/home", "/opt", "/srv", "/src", "/var/tmp", "/mnt"];

/// What breaks a rule, one line each; files over the soft limit are only reported.
pub fn check() -> Result<Vec<String>> {
    let root = root();
    let private = private_directories(&root);
    let mut faults = Vec::new();
    for name in output(program("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]))?
        .split('\0')
    {
        // Listed files may be deleted in the work tree; binary ones hold no lines.
        let Ok(text) = std::fs::read_to_string(root.join(name)) else { continue };
        faults.extend(names_of_directories(name, &text, &private));
        if name.ends_with(".rs") {
            let lines = code_lines(name, &text);
            if lines > HARD_LINES {
                faults.push(format!(
                    "{name}: {lines} lines without tests, the limit is {HARD_LINES}: split it by idea"
                ));
            } else if lines > SOFT_LINES {
                eprintln!(
                    "note: {name}: {lines} lines without tests, over the {SOFT_LINES} a reader takes in"
                );
            }
        }
    }
    Ok(faults)
}

/// Lines before the unit tests at the end of a file; files of tests count none.
fn code_lines(name: &str, text: &str) -> usize {
    if name.ends_with("/tests.rs") {
        return 0;
    }
    text.lines().take_while(|line| *line != "#[cfg(test)]").count()
}

/// This checkout, the directory that holds it, and the home of whoever runs the check.
fn private_directories(root: &Path) -> Vec<String> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let directories = [Some(root.to_path_buf()), root.parent().map(Path::to_path_buf), home];
    let mut names: Vec<String> =
        directories.into_iter().flatten().filter_map(|d| d.to_str().map(str::to_owned)).collect();
    names.retain(|name| !COMMON.contains(&name.as_str()));
    names
}

fn names_of_directories(file: &str, text: &str, private: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if private.iter().any(|directory| names(line, directory)) {
            faults.push(format!("{file}:{}: names a directory of this machine", number + 1));
        }
    }
    faults
}

/// Whether `directory` is a whole path prefix somewhere in the line: `/w` in `see /w/x`, not in `a/w/x` or `/wx`.
fn names(line: &str, directory: &str) -> bool {
    let in_path = |c: char| c.is_alphanumeric() || "_.-~}$".contains(c);
    line.match_indices(directory).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + directory.len()..].chars().next();
        !before.is_some_and(|c| in_path(c) || c == '/') && !after.is_some_and(in_path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_before_the_tests_count() {
        assert_eq!(code_lines("a.rs", "one\ntwo\n#[cfg(test)]\nmod tests {}\n"), 2);
        assert_eq!(code_lines("x/tests.rs", "one\n"), 0);
    }

    #[test]
    fn a_path_of_the_machine_is_found_and_its_lookalikes_are_not() {
        assert!(names("see /w/x", "/w"));
        assert!(names("see (/w)", "/w"));
        assert!(!names("a/w/x", "/w"));
        assert!(!names("/wx", "/w"));
        assert!(!names("${ROOT}/w/x", "/w"));
    }

    #[test]
    fn a_checkout_in_a_common_place_does_not_forbid_that_place() {
        assert!(!private_directories(Path::new("/tmp/isthmus")).contains(&"/tmp".to_owned()));
        assert!(private_directories(Path::new("/plant/isthmus")).contains(&"/plant".to_owned()));
    }
}
