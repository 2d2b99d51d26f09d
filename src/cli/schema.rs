//! What a record holds, as data. From it comes the JSON Schema that `aimax schema` prints, and by it a
//! program with debug assertions checks each record that it prints: the two cannot differ unseen.

use serde::Serialize;
use serde_json::{Map, Value, json};

/// A kind of record.
#[derive(Clone, Copy, Debug)]
pub struct RecordDoc {
    /// Its name: `PROGRAM`, or `PROGRAM-OPTION` where a program has several.
    pub name: &'static str,
    /// What prints it: one phrase.
    pub about: &'static str,
    /// Its fields, in groups that records share.
    pub fields: &'static [&'static [Member]],
}

/// A field of a record.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// What its value may be.
    pub of: Type,
    /// What it says: one phrase.
    pub about: &'static str,
    /// Whether the record may do without it.
    pub is_optional: bool,
}

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// A text.
    Text,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// One of the texts of these lists.
    AnyOf(&'static [&'static [&'static str]]),
    /// A time in RFC 3339.
    Time,
    /// A time in epoch milliseconds.
    Millis,
    /// A whole number from 0 on.
    Count,
    /// True or false.
    Switch,
    /// A list.
    List(&'static Type),
    /// An object with these fields.
    Object(&'static [&'static [Member]]),
    /// An object with any keys.
    Map(&'static Type),
    /// The value, or null.
    OrNull(&'static Type),
    /// Anything.
    Any,
}

impl Member {
    /// A field that is always there.
    pub(crate) const fn new(name: &'static str, of: Type, about: &'static str) -> Self {
        Member { name, of, about, is_optional: false }
    }

    /// The same, where the record may do without it.
    pub(crate) const fn optional(self) -> Self {
        Member { is_optional: true, ..self }
    }
}

impl RecordDoc {
    /// Its JSON Schema.
    pub(crate) fn schema(&self) -> Value {
        let mut schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.name,
            "description": self.about,
        });
        let of_fields = Type::Object(self.fields).schema();
        for (key, value) in of_fields.as_object().into_iter().flatten() {
            schema[key] = value.clone();
        }
        schema
    }

    /// Stops a program with debug assertions that prints another record than this.
    pub(crate) fn assert(&self, record: &impl Serialize) {
        if cfg!(debug_assertions) {
            // What an agent wrote may be no value here, such as a number that is too large.
            let record = serde_json::to_value(record).ok();
            let fault = record.and_then(|record| Type::Object(self.fields).fault(&record));
            assert!(fault.is_none(), "{}: {}", self.name, fault.unwrap_or_default());
        }
    }
}

impl Type {
    fn schema(&self) -> Value {
        match self {
            Type::Text => json!({ "type": "string" }),
            Type::OneOf(words) => json!({ "enum": words }),
            Type::AnyOf(lists) => json!({ "enum": lists.concat() }),
            Type::Time => json!({ "type": "string", "format": "date-time" }),
            Type::Millis | Type::Count => json!({ "type": "integer", "minimum": 0 }),
            Type::Switch => json!({ "type": "boolean" }),
            Type::List(of) => json!({ "type": "array", "items": of.schema() }),
            Type::Map(of) => json!({ "type": "object", "additionalProperties": of.schema() }),
            Type::OrNull(of) => json!({ "anyOf": [of.schema(), { "type": "null" }] }),
            Type::Any => json!({}),
            Type::Object(groups) => {
                let fields = || groups.iter().copied().flatten();
                let property = |field: &Member| {
                    let mut schema = field.of.schema();
                    schema["description"] = field.about.into();
                    (field.name.to_owned(), schema)
                };
                let properties: Map<String, Value> = fields().map(property).collect();
                let needed = fields().filter(|field| !field.is_optional);
                let needed: Vec<&str> = needed.map(|field| field.name).collect();
                json!({
                    "type": "object",
                    "properties": properties,
                    "required": needed,
                    "additionalProperties": false,
                })
            }
        }
    }

    /// What is wrong with a value, if anything is.
    fn fault(&self, value: &Value) -> Option<String> {
        let holds = match self {
            Type::Any => true,
            Type::Text => value.is_string(),
            Type::OneOf(words) => value.as_str().is_some_and(|text| words.contains(&text)),
            Type::AnyOf(lists) => value.as_str().is_some_and(|text| lists.concat().contains(&text)),
            Type::Time => {
                value.as_str().is_some_and(|text| crate::time::parse_rfc3339(text).is_some())
            }
            Type::Millis | Type::Count => value.is_u64(),
            Type::Switch => value.is_boolean(),
            Type::OrNull(_) if value.is_null() => true,
            Type::OrNull(of) => return of.fault(value),
            Type::List(of) => match value.as_array() {
                Some(items) => return items.iter().find_map(|item| of.fault(item)),
                None => false,
            },
            Type::Map(of) => match value.as_object() {
                Some(object) => return object.values().find_map(|item| of.fault(item)),
                None => false,
            },
            Type::Object(groups) => match value.as_object() {
                Some(object) => return fault_of(object, groups),
                None => false,
            },
        };
        (!holds).then(|| format!("{value} is not {self:?}"))
    }
}

/// What is wrong with an object that should have these fields.
fn fault_of(object: &Map<String, Value>, groups: &[&[Member]]) -> Option<String> {
    let fields = || groups.iter().copied().flatten();
    let unknown = object.keys().find(|key| fields().all(|field| field.name != **key));
    unknown.map(|key| format!("unknown field {key}")).or_else(|| {
        fields().find_map(|field| match object.get(field.name) {
            Some(value) => field.of.fault(value).map(|fault| format!("{}: {fault}", field.name)),
            None => (!field.is_optional).then(|| format!("no field {}", field.name)),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHOICE: &[Member] = &[Member::new("key", Type::Text, "What is pressed")];

    const RECORD: RecordDoc = RecordDoc {
        name: "x",
        about: "A record",
        fields: &[
            &[Member::new("at", Type::OrNull(&Type::Millis), "When")],
            &[
                Member::new("verdict", Type::OneOf(&["yes", "no"]), "The verdict").optional(),
                Member::new("choices", Type::List(&Type::Object(&[CHOICE])), "All").optional(),
                Member::new("time", Type::Time, "When").optional(),
                Member::new("on", Type::Map(&Type::Switch), "Which are on").optional(),
            ],
        ],
    };

    #[test]
    fn what_is_not_as_described_is_named() {
        let fault = |record: Value| Type::Object(RECORD.fields).fault(&record).unwrap_or_default();
        for good in [
            json!({ "at": 7 }),
            json!({ "at": null, "verdict": "no", "choices": [{ "key": "1" }], "on": { "a": true } }),
            json!({ "at": 7, "time": "2026-11-22T10:00:00Z" }),
        ] {
            assert_eq!(fault(good.clone()), "", "{good}");
        }
        for (bad, why) in [
            (json!({}), "no field at"),
            (json!({ "at": 7, "bt": 8 }), "unknown field bt"),
            (json!({ "at": -7 }), "at: -7 is not Millis"),
            (
                json!({ "at": 7, "verdict": "ja" }),
                "verdict: \"ja\" is not OneOf([\"yes\", \"no\"])",
            ),
            (json!({ "at": 7, "choices": [{}] }), "choices: no field key"),
            (json!({ "at": 7, "choices": {} }), "choices: {} is not List"),
            (json!({ "at": 7, "time": "noon" }), "time: \"noon\" is not Time"),
            (json!({ "at": 7, "on": { "a": 1 } }), "on: 1 is not Switch"),
            (json!([]), "[] is not Object"),
        ] {
            assert!(fault(bad.clone()).starts_with(why), "{bad}: {}", fault(bad.clone()));
        }
    }

    #[test]
    fn the_schema_says_the_same() {
        let schema = RECORD.schema();
        assert_eq!(schema["title"], "x");
        assert_eq!(schema["required"], json!(["at"]));
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["properties"]["verdict"]["enum"], json!(["yes", "no"]));
        assert_eq!(schema["properties"]["choices"]["items"]["required"], json!(["key"]));
    }
}
