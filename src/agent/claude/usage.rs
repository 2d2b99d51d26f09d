//! The tokens in a Claude Code transcript. See claude/FACTS.md, "Transcript records".

use memchr::memmem;

use super::log::NO_MODEL;
use crate::{
    time,
    transcript::{
        field::Field,
        usage::{Tokens, Used},
        validate,
    },
};

/// What the records of a line say of tokens. Each block of an answer is a record of its own, with the
/// count so far.
pub(crate) fn used(line: &[u8]) -> Vec<Used> {
    if memmem::find(line, b"\"usage\"").is_none() {
        return Vec::new();
    }
    validate::records(line).into_iter().filter_map(record).collect()
}

fn record(bytes: &[u8]) -> Option<Used> {
    let [kind, timestamp, message] = Field::of(bytes).fields(["type", "timestamp", "message"]);
    let [id, model, usage] = message.fields(["id", "model", "usage"]);
    if !kind.is("assistant") || !usage.is_some() || usage.is_null() || model.is(NO_MODEL) {
        return None;
    }
    let count = |key| usage.get(key).count();
    Some(Used::Message {
        id: id.text()?.into_owned(),
        model: model.text().unwrap_or_default().into_owned(),
        time: timestamp.text().and_then(|text| time::parse_rfc3339(&text)),
        tokens: Tokens {
            input: count("input_tokens"),
            output: count("output_tokens"),
            cache_read: count("cache_read_input_tokens"),
            cache_write: count("cache_creation_input_tokens"),
        },
    })
}
