//! What other threads ask of the engine's: it looks between two deliveries.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use crate::config::{self, Config};

/// How long an asker waits for the engine.
const PATIENCE: Duration = Duration::from_secs(10);
/// Orders that wait; more at once nobody means.
const MAX_WAITING: usize = 64;

/// Something to do.
pub enum Order {
    /// Go by this configuration; answered with the keys that only a restart changes.
    Reload(Box<Config>, oneshot::Sender<Vec<&'static str>>),
    /// Tell of an incident with its findings, as JSON.
    Incident(u64, oneshot::Sender<Option<Value>>),
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// Too many others wait.
    Crowded,
    /// The engine did not come to it.
    Busy,
}

/// Orders in the order they came.
pub struct Orders {
    config: Option<PathBuf>,
    waiting: Mutex<Vec<Order>>,
}

impl Orders {
    /// With the file to read again.
    pub const fn new(config: Option<PathBuf>) -> Self {
        Self { config, waiting: Mutex::new(Vec::new()) }
    }

    /// Engine's thread: what there is to do.
    pub fn take(&self) -> Vec<Order> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The text of the configuration file.
    pub fn text(&self) -> Option<String> {
        std::fs::read_to_string(self.config.as_ref()?).ok()
    }

    /// Reads the configuration again. A file that cannot be used changes nothing.
    ///
    /// # Errors
    /// One line: what, where, what to do.
    pub async fn reload(&self) -> Result<String, String> {
        let Some(path) = &self.config else {
            return Err("there is no configuration file to reload; start with --config".to_owned());
        };
        let config = config::load(path).map_err(|error| error.to_string())?;
        let path = path.display();
        match self.ask(|reply| Order::Reload(Box::new(config), reply)).await {
            Ok(later) if later.is_empty() => Ok(format!("{path}: reloaded")),
            Ok(later) => Ok(format!("{path}: reloaded; only a restart changes {}", later.join(", "))),
            Err(Unanswered::Crowded) => Err("the engine has too much to answer; ask again later".to_owned()),
            Err(Unanswered::Busy) => Err(format!("{path}: fine, but the engine is busy and takes it later")),
        }
    }

    /// An incident with its findings; `None` where there is none of that number.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn incident(&self, number: u64) -> Result<Option<Value>, Unanswered> {
        self.ask(|reply| Order::Incident(number, reply)).await
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Result<T, Unanswered> {
        let (reply, answer) = oneshot::channel();
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.len() >= MAX_WAITING {
                return Err(Unanswered::Crowded);
            }
            waiting.push(order(reply));
        }
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            _ => Err(Unanswered::Busy),
        }
    }
}

/// Keys that differ and that a running sensor does not change.
pub fn needs_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let differs = [
        (old.web != new.web, "[web]"),
        (old.evidence != new.evidence, "[evidence]"),
        (old.observer != new.observer, "[observer]"),
        (old.learning != new.learning, "[learning]"),
        (old.rdp != new.rdp, "[rdp]"),
        (old.limits != new.limits, "[limits]"),
        (old.models != new.models, "[models]"),
    ];
    differs.into_iter().filter(|(differs, _)| *differs).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(orders: &Orders, engine: impl FnOnce()) -> Result<String, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (answer, ()) = tokio::join!(orders.reload(), async {
                tokio::task::yield_now().await;
                engine();
            });
            answer
        })
    }

    fn file(name: &str, text: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("isthmus-orders-{name}-{}.toml", std::process::id()));
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn a_reload_reaches_the_engine_and_says_what_it_cannot_change() {
        let path =
            file("good", "[web]\nlisten = \"\"\n[[zone]]\nname = \"ot\"\nnetworks = [\"10.20.0.0/16\"]\n");
        let orders = Orders::new(Some(path.clone()));
        let said = ask(&orders, || {
            let [Order::Reload(config, reply)] = <[Order; 1]>::try_from(orders.take()).ok().unwrap() else {
                panic!("another order")
            };
            assert_eq!(config.zone.len(), 1);
            reply.send(needs_restart(&Config::default(), &config)).unwrap();
        });
        assert_eq!(said, Ok(format!("{}: reloaded; only a restart changes [web]", path.display())));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_bad_file_changes_nothing_and_says_so_in_one_line() {
        let path = file("bad", "[[zone]]\nname = \"ot\"\nnetworks = [\"10.20.0.0/99\"]\n");
        let orders = Orders::new(Some(path.clone()));
        let said = ask(&orders, || assert!(orders.take().is_empty())).unwrap_err();
        assert!(said.contains(":3") && !said.contains('\n'), "{said}");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn without_a_file_there_is_nothing_to_reload() {
        assert!(ask(&Orders::new(None), || ()).unwrap_err().contains("start with --config"));
    }
}
