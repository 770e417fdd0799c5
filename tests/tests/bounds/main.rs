//! Memory stays bounded whatever an attacker chooses, and the real attacker is still named.
//!
//! The bound is real: the process that is flooded may not have more memory than that, and ends where it asks for more.

#![expect(clippy::unwrap_used, reason = "a failing test shows where")]

mod engine;
mod floods;
mod program;

use std::process::Command;

use isthmus_tests::conversation::SEC;
use rustix::process::{Resource, Rlimit, setrlimit};

const START: u64 = 1_773_234_000 * SEC;

/// From here on this process ends when it asks for more memory than `mib`.
fn at_most(mib: u64) {
    let bound = Some(mib << 20);
    setrlimit(Resource::Data, Rlimit { current: bound, maximum: bound }).unwrap();
}

/// A number of kilobytes the kernel tells of this process.
fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// How many a flood is of: few where tests run always, a million where all do.
fn size(short: u64) -> u64 {
    if std::env::var_os("ISTHMUS_TEST_ALL").is_some() { 1_000_000 } else { short }
}

/// Runs one test of this program in a process of its own and returns what it printed.
fn child(test: &str, variable: &str, value: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(variable, value)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let last: String = text.chars().rev().take(2000).collect::<Vec<_>>().into_iter().rev().collect();
    assert!(output.status.success(), "{value}: {last}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn the_bound_is_real() {
    if std::env::var_os(BOUND).is_some() {
        at_most(64);
        // Asked for in vain, so that it is not taken away by the compiler.
        println!("{}", std::hint::black_box(vec![1_u8; 128 << 20]).len());
        return;
    }
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["the_bound_is_real", "--exact"])
        .env(BOUND, "1")
        .output()
        .unwrap()
        .status;
    assert!(!status.success(), "a process beyond its bound ended well");
}

const BOUND: &str = "ISTHMUS_TEST_BOUND";
