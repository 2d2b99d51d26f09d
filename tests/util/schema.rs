//! The schemas that `aimax schema` prints, and whether a value holds to one: a small part of JSON Schema,
//! read without our own sources.

use std::{process::Command, sync::OnceLock};

use serde_json::Value;

/// All schemas, as the built program prints them.
pub(crate) fn schemas() -> &'static [Value] {
    static SCHEMAS: OnceLock<Vec<Value>> = OnceLock::new();
    SCHEMAS.get_or_init(|| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aimax"));
        let output = command.arg("schema").env_clear().output().expect("aimax schema");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("a schema")).collect()
    })
}

/// Checks each record of a session that `program` printed. What an agent wrote itself has no `host`.
#[track_caller]
pub(crate) fn check(program: &str, printed: &[u8]) {
    let name = program.strip_prefix("aimax-").unwrap_or_default();
    for line in printed.split(|byte| *byte == b'\n') {
        let Ok(record) = serde_json::from_slice::<Value>(line) else { continue };
        if record.get("host").is_some() {
            let fits = |schema: &&Value| {
                let title = schema["title"].as_str().expect("a title");
                let rest = title.strip_prefix(name);
                rest.is_some_and(|rest| name.is_empty() || rest.is_empty() || rest.starts_with('-'))
            };
            let faults: Vec<_> =
                schemas().iter().filter(fits).map(|schema| fault(schema, &record)).collect();
            assert!(faults.iter().any(Option::is_none), "{program}: {record}: {faults:?}");
        }
    }
}

/// What is wrong with a value, if anything is.
pub(crate) fn fault(schema: &Value, value: &Value) -> Option<String> {
    let rules = schema.as_object().expect("a schema");
    rules.iter().find_map(|(rule, asked)| {
        let wrong = |holds: bool| (!holds).then(|| format!("{value}: not {rule} {asked}"));
        match rule.as_str() {
            "$schema" | "title" | "description" => None,
            "type" => wrong(match asked.as_str().expect("one type") {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_i64() || value.is_u64(),
                "null" => value.is_null(),
                other => panic!("type {other}"),
            }),
            "enum" => wrong(asked.as_array().expect("a list").contains(value)),
            "minimum" => wrong(value.as_i64().is_none_or(|number| asked.as_i64() <= Some(number))),
            "format" => {
                assert_eq!(asked, "date-time");
                let text = value.as_str().unwrap_or_default();
                wrong(aimax::internal::parse_rfc3339(text).is_some())
            }
            "anyOf" => {
                let mut forms = asked.as_array().expect("a list").iter();
                wrong(forms.any(|form| fault(form, value).is_none()))
            }
            "items" => value.as_array()?.iter().find_map(|item| fault(asked, item)),
            "required" => {
                let object = value.as_object()?;
                let mut names = asked.as_array().expect("a list").iter();
                wrong(names.all(|name| object.contains_key(name.as_str().expect("a name"))))
            }
            "properties" => value
                .as_object()?
                .iter()
                .find_map(|(name, value)| asked.get(name).and_then(|schema| fault(schema, value))),
            "additionalProperties" => {
                let known =
                    |name: &str| rules.get("properties").is_some_and(|p| p.get(name).is_some());
                let more = value.as_object()?.iter().filter(|(name, _)| !known(name));
                more.map(|(name, value)| match asked {
                    Value::Bool(false) => Some(format!("{name} is not known")),
                    schema => fault(schema, value),
                })
                .find(Option::is_some)?
            }
            other => panic!("{other} is not read here"),
        }
    })
}
