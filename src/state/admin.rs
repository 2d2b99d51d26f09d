//! `admin-settings.json`: the defaults for the sessions of each backend.

use std::path::Path;

use serde_json::{Map, Value};

use super::{change, document, load};
use crate::error::{Error, Result};

const DEFAULTS: &str = "agentBackendDefaults";

/// Whether agents of the backend called `backend` go through the proxy by default, by the file at
/// `path`.
///
/// # Errors
/// [`crate::error::Kind::Usage`], with the file, for a value that is neither true nor false.
pub(crate) fn use_proxy(path: &Path, backend: &str) -> Result<bool> {
    let all = load(path, |bytes| document::get(bytes, DEFAULTS))?.unwrap_or_default();
    match all.get(backend).and_then(|one| one.get("useProxy")) {
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
    change(path, DEFAULTS, |kept| {
        let mut all = kept.unwrap_or_default();
        let one = object(&mut all).entry(backend).or_insert(Value::Null);
        object(one).insert("useProxy".into(), on.into());
        Some(all)
    })
}

/// The object in `value`; anything else is replaced by an empty object.
fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Map::new().into();
    }
    value.as_object_mut().expect("it is an object now")
}
