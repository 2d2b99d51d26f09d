//! `admin-settings.json`: what holds for all sessions of a backend unless its start says otherwise.

use serde_json::{Map, Value, json};

use super::{change, read};
use crate::{
    agent::Backend,
    config::Config,
    error::{Error, Result},
};

/// The backends that have defaults: those that the original knows.
pub(crate) const BACKENDS: [Backend; 2] = [Backend::Claude, Backend::Codex];

const DEFAULTS: &str = "agentBackendDefaults";

/// Whether agents of `backend` go through the proxy when nobody says.
///
/// # Errors
/// [`crate::error::Kind::Usage`], with the file, for a value that is neither true nor false.
pub(crate) fn use_proxy(config: &Config, backend: Backend) -> Result<bool> {
    let path = config.admin_settings();
    let settings = read(&path)?;
    let kept = settings.get(DEFAULTS).and_then(|all| all.get(backend.name()));
    match kept.and_then(|one| one.get("useProxy")) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(on)) => Ok(*on),
        Some(other) => Err(Error::usage(
            path.display(),
            format!("{}.useProxy: {other} is neither true nor false", backend.name()),
        )),
    }
}

/// Sets that, and keeps all else that is in the file.
pub(crate) fn set_use_proxy(config: &Config, backend: Backend, on: bool) -> Result<()> {
    change(&config.admin_settings(), |settings| {
        let all = object(settings.entry(DEFAULTS).or_insert(Value::Null));
        let one = object(all.entry(backend.name()).or_insert(Value::Null));
        one.insert("useProxy".into(), on.into());
    })
}

/// The object in `value`; what is none becomes one.
fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("it is an object now")
}
