//! `process_*`: what this process uses, from proc(5).

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge, IntGauge};

/// Clock ticks a second in proc(5): USER_HZ, 100 on every architecture Linux offers XDP on.
const USER_HZ: f64 = 100.0;

/// Reads /proc/self at every scrape. What cannot be read keeps its last value.
pub(super) struct Process {
    cpu: Counter,
    resident: IntGauge,
    threads: IntGauge,
    descriptors: IntGauge,
    start: Gauge,
}

/// Figures of one /proc/PID/stat line.
#[derive(Debug, PartialEq)]
struct Stat {
    /// Seconds of processor time, user and system.
    cpu: f64,
    threads: i64,
    /// Seconds after boot at which it started.
    start: f64,
}

impl Stat {
    fn parse(line: &str) -> Option<Self> {
        // The name is in parentheses and may hold anything: fields count from behind the last one.
        let fields: Vec<&str> = line.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        let number = |n: usize| fields.get(n)?.parse::<f64>().ok();
        Some(Self {
            cpu: (number(11)? + number(12)?) / USER_HZ,
            threads: fields.get(17)?.parse().ok()?,
            start: number(19)? / USER_HZ,
        })
    }
}

/// The number behind `key` in lines of keys and numbers.
fn figure(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

impl Process {
    pub(super) fn new() -> prometheus::Result<Self> {
        Ok(Self {
            cpu: Counter::new("process_cpu_seconds_total", "Processor time this process used, in seconds.")?,
            resident: IntGauge::new(
                "process_resident_memory_bytes",
                "Memory of this process in RAM, in bytes.",
            )?,
            threads: IntGauge::new("process_threads", "Threads of this process.")?,
            descriptors: IntGauge::new("process_open_fds", "File descriptors this process holds.")?,
            start: Gauge::new(
                "process_start_time_seconds",
                "When this process started, in seconds since the epoch.",
            )?,
        })
    }

    fn all(&self) -> [&dyn Collector; 5] {
        [&self.cpu, &self.resident, &self.threads, &self.descriptors, &self.start]
    }

    fn read(&self) {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        if let Some(stat) = Stat::parse(&read("/proc/self/stat")) {
            self.cpu.inc_by((stat.cpu - self.cpu.get()).max(0.0));
            self.threads.set(stat.threads);
            if let Some(boot) = figure(&read("/proc/stat"), "btime ") {
                self.start.set(boot as f64 + stat.start);
            }
        }
        if let Some(kilobytes) = figure(&read("/proc/self/status"), "VmRSS:") {
            self.resident.set(i64::try_from(kilobytes.saturating_mul(1024)).unwrap_or(i64::MAX));
        }
        if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
            // One of them is the directory being read.
            self.descriptors.set(i64::try_from(open.count().saturating_sub(1)).unwrap_or(i64::MAX));
        }
    }
}

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        self.all().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.read();
        self.all().into_iter().flat_map(Collector::collect).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_moves_no_field() {
        let line = "42 (a) b) S 1 42 42 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 3 0 12300 1000 200 18446744073709551615";
        assert_eq!(Stat::parse(line), Some(Stat { cpu: 2.0, threads: 3, start: 123.0 }));
        assert_eq!(Stat::parse("42 (cut"), None);
    }

    #[test]
    fn this_process_uses_memory_and_has_started() {
        let process = Process::new().unwrap();
        process.read();
        assert!(process.resident.get() > 1 << 20);
        assert!(process.start.get() > 1e9);
        assert!(process.threads.get() >= 1 && process.descriptors.get() >= 1);
    }
}
