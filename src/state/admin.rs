//! `admin-settings.json`: the defaults for the sessions of each backend.

use std::path::Path;

use serde_json::Value;

use super::{change, load, object};
use crate::error::{Error, Result};

const DEFAULTS: &str = "agentBackendDefaults";

/// Whether agents of the backend called `backend` go through the proxy by default, by the file at
/// `path`.
///
/// # Errors
/// [`crate::error::Kind::Usage`], with the file, for a value that is neither true nor false.
pub(crate) fn use_proxy(path: &Path, backend: &str) -> Result<bool> {
    let settings = load(path)?;
    let kept = settings.get(DEFAULTS).and_then(|all| all.get(backend));
    match kept.and_then(|one| one.get("useProxy")) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(on)) => Ok(*on),
        Some(other) => Err(Error::usage(
            path.display(),
            format!("{backend}.useProxy: {other} is neither true nor false"),
        )),
    }
}

/// Sets that default, and keeps the rest of the file.
pub(crate) fn set_use_proxy(path: &Path, backend: &str, on: bool) -> Result<()> {
    change(path, |settings| {
        let all = object(settings.entry(DEFAULTS).or_insert(Value::Null));
        object(all.entry(backend).or_insert(Value::Null)).insert("useProxy".into(), on.into());
    })
}
