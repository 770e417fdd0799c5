//! Every real capture raises what its truth implies, and benign ones nothing, with three different pasts. Captures are found by
//! `ISTHMUS_CAPTURES` or in `../shared/captures` beside the repository; without them these tests say that they skip.

#![expect(clippy::unwrap_used, reason = "a failing test shows where")]

use std::collections::BTreeSet;

use isthmus_tests::evaluation::captures::{Bench, Past, differences, directory, rows};

fn bench(name: &str) -> Option<Bench> {
    let Some(directory) = directory() else {
        eprintln!("skipped: no captures (set ISTHMUS_CAPTURES)");
        return None;
    };
    let scratch = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&scratch);
    Some(Bench::new(directory, &scratch).unwrap())
}

#[test]
fn every_capture_has_one_row() {
    let Some(directory) = directory() else { return };
    let files: BTreeSet<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(".pcap"))
        .collect();
    let rows = rows().unwrap();
    let named: BTreeSet<String> = rows.iter().map(|row| row.file.to_owned()).collect();
    assert_eq!(named.len(), rows.len(), "a file has two rows");
    assert_eq!(files, named);
}

fn hold_against_the_table(past: Past) {
    let Some(bench) = bench(past.name()) else { return };
    let mut wrong = Vec::new();
    for row in &rows().unwrap() {
        let findings = bench.findings(row.file, past).unwrap();
        let differences = differences(row, past, &findings);
        if row.waits.is_empty() {
            wrong.extend(differences.iter().map(|what| format!("{}: {what}", row.file)));
        } else if differences.is_empty() {
            println!("{}: as expected already; it need not wait for {}", row.file, row.waits);
        }
    }
    assert!(wrong.is_empty(), "with {} learned:\n{}", past.name(), wrong.join("\n"));
}

#[test]
fn captures_shown_to_a_sensor_that_knows_nothing() {
    hold_against_the_table(Past::Nothing);
}

#[test]
fn captures_shown_again() {
    hold_against_the_table(Past::Itself);
}

#[test]
fn captures_shown_to_a_sensor_of_another_plant() {
    hold_against_the_table(Past::Plant);
}
