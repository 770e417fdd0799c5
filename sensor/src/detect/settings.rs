//! What an operator may set of a model: `[models.ID]` in the configuration, read as the model's own type.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::REGISTRY;
use crate::config::Config;

/// The settings of one model.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    config: &'a Config,
    id: &'static str,
}

/// What a model has that has nothing to be set.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl<'a> Settings<'a> {
    /// Those of model `id`.
    pub fn of(config: &'a Config, id: &'static str) -> Self {
        Self { config, id }
    }

    /// As the model's own type, whose defaults stand for what is not written.
    ///
    /// # Errors
    /// One line that names the table and the key.
    pub fn read<T: DeserializeOwned + Default>(self) -> Result<T, String> {
        self.config.model(self.id)
    }

    /// For a model that has nothing to be set.
    ///
    /// # Errors
    /// Where something was.
    pub fn none(self) -> Result<(), String> {
        self.read::<Nothing>().map(|Nothing {}| ())
    }

    /// One line about a value of the table that cannot be.
    pub fn bad(self, key: &str, why: &str) -> String {
        format!("[models.{}]: {key} {why}", self.id)
    }
}

/// Has every model read its settings, as the engine will.
///
/// # Errors
/// The first refusal, with the model's id.
pub fn check(config: &Config) -> Result<(), (&'static str, String)> {
    for spec in REGISTRY {
        (spec.build)().configure(Settings::of(config, spec.id)).map_err(|said| (spec.id, said))?;
    }
    Ok(())
}
