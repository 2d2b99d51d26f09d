//! The tokens in a Codex rollout. See codex/FACTS.md, "Rollout records".

use memchr::memmem;

use crate::{
    time,
    transcript::{
        field::Field,
        usage::{Context, Tokens, Used},
        validate,
    },
};

/// What the records of a line say of tokens: the model of a turn, and the sum so far.
pub(crate) fn used(line: &[u8]) -> Vec<Used> {
    let has = |word: &[u8]| memmem::find(line, word).is_some();
    if !has(b"\"token_count\"") && !has(b"\"turn_context\"") {
        return Vec::new();
    }
    validate::records(line).into_iter().filter_map(record).collect()
}

fn record(bytes: &[u8]) -> Option<Used> {
    let [kind, timestamp, payload] = Field::of(bytes).fields(["type", "timestamp", "payload"]);
    if kind.is("turn_context") {
        return Some(Used::Model(payload.get("model").text()?.into_owned()));
    }
    if !payload.get("type").is("token_count") {
        return None;
    }
    let info = payload.get("info");
    let [total, last, window] =
        info.fields(["total_token_usage", "last_token_usage", "model_context_window"]);
    if !total.is_some() || total.is_null() {
        return None;
    }
    let count = |key| total.get(key).count();
    let (cache_read, cache_write) =
        (count("cached_input_tokens"), count("cache_write_input_tokens"));
    Some(Used::Total {
        time: timestamp.text().and_then(|text| time::parse_rfc3339(&text)),
        tokens: Tokens {
            input: count("input_tokens").saturating_sub(cache_read + cache_write),
            output: count("output_tokens"),
            cache_read,
            cache_write,
        },
        context: Context {
            used: last.get("total_tokens").count(),
            window: Some(window.count()).filter(|count| *count > 0),
        },
    })
}
