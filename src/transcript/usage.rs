//! Tokens that were used, by day and model: each message once.

use std::{
    collections::{BTreeMap, HashMap},
    ops::{AddAssign, Sub},
};

use serde::Serialize;

use crate::time;

/// Counted tokens. `input` is what no cache was used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tokens {
    /// Read by the model, neither from a cache nor into one.
    pub input: u64,
    /// Written by the model.
    pub output: u64,
    /// Read from the cache.
    pub cache_read: u64,
    /// Read, and put into the cache.
    pub cache_write: u64,
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Tokens) {
        self.input += other.input;
        self.output += other.output;
        self.cache_read += other.cache_read;
        self.cache_write += other.cache_write;
    }
}

impl Sub for Tokens {
    type Output = Tokens;

    fn sub(self, other: Tokens) -> Tokens {
        Tokens {
            input: self.input.saturating_sub(other.input),
            output: self.output.saturating_sub(other.output),
            cache_read: self.cache_read.saturating_sub(other.cache_read),
            cache_write: self.cache_write.saturating_sub(other.cache_write),
        }
    }
}

/// How full the model's context was when that was last said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Context {
    /// Tokens in it.
    pub used: u64,
    /// How many it holds, where the agent says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<u64>,
}

/// What a record says of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Used {
    /// The turns that follow are of this model.
    Model(String),
    /// What one message has used; a later record of the same message counts in its place.
    Message {
        /// The message's id.
        id: String,
        /// Its model.
        model: String,
        /// In epoch milliseconds.
        time: Option<u64>,
        /// What it has used.
        tokens: Tokens,
    },
    /// What the conversation has used so far.
    Total {
        /// In epoch milliseconds.
        time: Option<u64>,
        /// What it has used.
        tokens: Tokens,
        /// How full the context is.
        context: Context,
    },
}

/// What was used on one day with one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    /// `2026-01-31`, in UTC; empty where no record says when.
    pub day: String,
    /// The model's name; empty where no record says it.
    pub model: String,
    /// How many answers of the model were counted.
    pub messages: u64,
    /// Their tokens.
    #[serde(flatten)]
    pub tokens: Tokens,
}

type Key = (String, String);

/// The tokens of one conversation, added up.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    rows: BTreeMap<Key, (u64, Tokens)>,
    messages: HashMap<String, (Key, Tokens)>,
    model: String,
    total: Tokens,
    context: Option<Context>,
}

impl Meter {
    /// Takes in what a record says.
    pub(crate) fn note(&mut self, used: Used) {
        match used {
            Used::Model(model) => self.model = model,
            Used::Message { id, model, time, tokens } => {
                let key = (day(time), model);
                if let Some((key, before)) = self.messages.remove(&id)
                    && let Some((count, sum)) = self.rows.get_mut(&key)
                {
                    *count -= 1;
                    *sum = *sum - before;
                }
                self.add(key.clone(), tokens);
                self.messages.insert(id, (key, tokens));
                let used = tokens.input + tokens.cache_read + tokens.cache_write + tokens.output;
                self.context = Some(Context { used, window: None });
            }
            Used::Total { time, tokens, context } => {
                let begins_anew = tokens.output < self.total.output;
                let more = if begins_anew { tokens } else { tokens - self.total };
                if more != Tokens::default() {
                    self.add((day(time), self.model.clone()), more);
                }
                self.total = tokens;
                self.context = Some(context);
            }
        }
    }

    fn add(&mut self, key: Key, tokens: Tokens) {
        let (count, sum) = self.rows.entry(key).or_default();
        *count += 1;
        *sum += tokens;
    }

    /// By day and model, in that order.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let used = self.rows.iter().filter(|(_, (count, _))| *count > 0);
        let row = |((day, model), (messages, tokens)): (&Key, &(u64, Tokens))| Row {
            day: day.clone(),
            model: model.clone(),
            messages: *messages,
            tokens: *tokens,
        };
        used.map(row).collect()
    }

    /// All of it: the answers of the model, and their tokens.
    pub(crate) fn total(&self) -> (u64, Tokens) {
        let mut all = (0, Tokens::default());
        for (messages, tokens) in self.rows.values() {
            all.0 += messages;
            all.1 += *tokens;
        }
        all
    }

    /// How full the context is, if that was said.
    pub(crate) fn context(&self) -> Option<Context> {
        self.context
    }
}

fn day(time: Option<u64>) -> String {
    time.map(|time| time::rfc3339(time)[..10].to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(input: u64, output: u64) -> Tokens {
        Tokens { input, output, ..Tokens::default() }
    }

    #[test]
    fn a_message_counts_once_however_often_it_is_recorded() {
        let mut meter = Meter::default();
        let message = |id: &str, output| Used::Message {
            id: id.into(),
            model: "m".into(),
            time: Some(0),
            tokens: tokens(10, output),
        };
        for used in [message("a", 1), message("b", 5), message("a", 7)] {
            meter.note(used);
        }
        let [row] = &meter.rows()[..] else { panic!("one day, one model") };
        assert_eq!((row.day.as_str(), row.messages, row.tokens), ("1970-01-01", 2, tokens(20, 12)));
    }

    #[test]
    fn a_total_counts_by_what_it_grows() {
        let mut meter = Meter::default();
        let context = Context { used: 30, window: Some(100) };
        let total =
            |input, output| Used::Total { time: None, tokens: tokens(input, output), context };
        for used in [Used::Model("x".into()), total(10, 2), total(10, 2), Used::Model("y".into())] {
            meter.note(used);
        }
        for used in [total(30, 9), total(4, 1)] {
            meter.note(used);
        }
        let rows: Vec<_> = meter.rows().iter().map(|row| (row.messages, row.tokens)).collect();
        assert_eq!(rows, [(1, tokens(10, 2)), (2, tokens(24, 8))]);
        assert_eq!(meter.context(), Some(context));
    }
}
