//! What must not outlive this process: children and network namespaces, also after Ctrl-C.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::command::program;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Leftover {
    Namespace(String),
    Process(u32),
}

static LEFTOVERS: Mutex<Vec<Leftover>> = Mutex::new(Vec::new());
static HANDLER: Once = Once::new();

/// How long a child may take to end by itself before it is killed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Remembers a namespace until [`delete_namespace`].
pub fn remember_namespace(name: &str) {
    watch_signals();
    change(|all| all.push(Leftover::Namespace(name.to_owned())));
}

/// Deletes a namespace and forgets it.
pub fn delete_namespace(name: &str) {
    // Its interfaces go with it. It may be gone already, and there is nobody to tell at drop.
    let _ = program("ip").args(["netns", "delete", name]).stderr(Stdio::null()).status();
    change(|all| all.retain(|one| *one != Leftover::Namespace(name.to_owned())));
}

/// A child that ends with this value: asked first (SIGTERM), killed after five seconds.
pub struct Running(Child);

impl Running {
    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> Result<Self> {
        watch_signals();
        let child = command.spawn().with_context(|| format!("cannot start {:?}", command.get_program()))?;
        change(|all| all.push(Leftover::Process(child.id())));
        Ok(Self(child))
    }

    /// Its standard output, once, when it was piped.
    pub fn stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.0.stdout.take()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().ok().flatten()
    }

    /// Waits until it ends, at most this long; then it is stopped and `None` returned.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            if start.elapsed() >= limit {
                self.stop();
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks it to end, and makes it.
    pub fn stop(&mut self) -> Option<ExitStatus> {
        if self.ended().is_none() {
            terminate(self.0.id());
            let start = Instant::now();
            while self.ended().is_none() && start.elapsed() < PATIENCE {
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = self.0.kill();
        }
        self.0.wait().ok()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
        let id = self.0.id();
        change(|all| all.retain(|one| *one != Leftover::Process(id)));
    }
}

/// On SIGINT, SIGTERM or SIGHUP: stops the children, deletes the namespaces, exits as a signalled program does.
fn watch_signals() {
    HANDLER.call_once(|| match Signals::new([SIGINT, SIGTERM, SIGHUP]) {
        Ok(mut signals) => {
            std::thread::spawn(move || {
                if let Some(signal) = signals.forever().next() {
                    eprintln!("\nstopping: removing what was made");
                    clean();
                    std::process::exit(128 + signal);
                }
            });
        }
        Err(error) => eprintln!("warning: Ctrl-C will leave network namespaces behind ({error})"),
    });
}

fn clean() {
    let all = LEFTOVERS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let children: Vec<u32> = all
        .iter()
        .filter_map(|one| match one {
            Leftover::Process(id) => Some(*id),
            Leftover::Namespace(_) => None,
        })
        .collect();
    children.iter().copied().for_each(terminate);
    let start = Instant::now();
    // The main thread reaps; a zombie no longer holds a namespace.
    while children.iter().any(|id| is_running(*id)) && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(20));
    }
    for one in all {
        match one {
            Leftover::Namespace(name) => delete_namespace(&name),
            Leftover::Process(id) if is_running(id) => signal(id, Signal::KILL),
            Leftover::Process(_) => {}
        }
    }
}

fn terminate(id: u32) {
    signal(id, Signal::TERM);
}

fn signal(id: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // It may have ended in the meantime.
        let _ = kill_process(pid, signal);
    }
}

fn is_running(id: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    status.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

fn change(edit: impl FnOnce(&mut Vec<Leftover>)) {
    edit(&mut LEFTOVERS.lock().unwrap_or_else(PoisonError::into_inner));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_ends_with_its_guard() {
        let child = Running::start(program("sleep").arg("60")).unwrap();
        let id = child.0.id();
        assert!(is_running(id));
        drop(child);
        assert!(!is_running(id));
    }

    #[test]
    fn a_child_that_takes_too_long_is_stopped() {
        let mut child = Running::start(program("sleep").arg("60")).unwrap();
        assert_eq!(child.wait(Duration::from_millis(50)), None);
        assert!(child.ended().is_some());
    }
}
