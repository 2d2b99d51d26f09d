//! How an option's `set` reads its value: each accessor returns the value in one type, or the cause
//! to print after the option's name.

use std::{ffi::OsString, fmt::Display, path::PathBuf, str::FromStr, time::Duration};

use super::{option::Given, suggest::nearest};

impl Given {
    /// Whether it was switched on rather than off.
    pub fn on(self) -> bool {
        !matches!(self, Given::Off)
    }

    /// The value byte for byte; empty for an option that takes none.
    pub fn os(self) -> OsString {
        match self {
            Given::Value(value) => value,
            Given::On | Given::Off => OsString::new(),
        }
    }

    /// The value as a path.
    pub fn path(self) -> PathBuf {
        self.os().into()
    }

    /// The value as text.
    pub fn text(self) -> Result<String, String> {
        self.os().into_string().map_err(|value| format!("`{}` is not UTF-8", value.display()))
    }

    /// The value as a `T`.
    pub fn parse<T>(self) -> Result<T, String>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.text()?;
        text.parse().map_err(|error| format!("`{text}`: {error}"))
    }

    /// The value as a time span: `1.5` and `30s` are seconds; `ms`, `m` and `h` are known too.
    pub fn seconds(self) -> Result<Duration, String> {
        let text = self.text()?;
        span(&text).ok_or_else(|| {
            format!("`{text}` is not a time span such as `1.5`, `30s`, `500ms`, `5m` or `2h`")
        })
    }

    /// The value, which must be one of `words`.
    pub fn one_of(self, words: &[&'static str]) -> Result<&'static str, String> {
        let text = self.text()?;
        if let Some(word) = words.iter().find(|word| **word == text) {
            return Ok(word);
        }
        Err(match nearest(&text, words.iter().copied()) {
            Some(word) => format!("no such choice `{text}`; did you mean `{word}`?"),
            None => format!("no such choice `{text}`; it is one of: {}", words.join(", ")),
        })
    }
}

/// A number in digits with at most one point, and a unit. Floats' other spellings (`1e3`, `inf`,
/// `-0`) are left out: nobody types them on purpose.
fn span(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = match unit {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    Duration::try_from_secs_f64(number * unit).ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn value(text: &str) -> Given {
        Given::Value(text.into())
    }

    #[test]
    fn spans() {
        for (text, ms) in [
            ("1.5", 1500),
            ("30s", 30_000),
            ("500ms", 500),
            ("5m", 300_000),
            ("2h", 7_200_000),
            ("0", 0),
            (".5", 500),
            ("1.", 1000),
        ] {
            assert_eq!(value(text).seconds(), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", ".", "s", "-1", "+1", "1e3", "inf", "nan", "1.2.3", "5 m", "5d", "５"] {
            assert!(value(text).seconds().is_err(), "{text}");
        }
        assert!(value(&"9".repeat(40)).seconds().is_err());
        assert!(value(&"9".repeat(400)).seconds().is_err());
    }

    #[test]
    fn choices() {
        assert_eq!(value("codex").one_of(&["claude", "codex"]), Ok("codex"));
        let cause = value("clade").one_of(&["claude", "codex"]).unwrap_err();
        assert_eq!(cause, "no such choice `clade`; did you mean `claude`?");
        let cause = value("vim").one_of(&["claude", "codex"]).unwrap_err();
        assert_eq!(cause, "no such choice `vim`; it is one of: claude, codex");
    }

    #[test]
    fn bytes_are_kept_and_text_is_checked() {
        let bytes = || Given::Value(OsString::from_vec(vec![b'a', 0xff]));
        assert_eq!(bytes().path().as_os_str().len(), 2);
        assert_eq!(bytes().text(), Err("`a\u{fffd}` is not UTF-8".to_owned()));
        assert!(bytes().seconds().is_err() && bytes().one_of(&["a"]).is_err());
        assert_eq!(value("17").parse::<u64>(), Ok(17));
        assert!(value("x").parse::<u64>().unwrap_err().starts_with("`x`: "));
    }

    #[test]
    fn nothing_panics_without_a_value() {
        assert!(Given::On.on() && !Given::Off.on() && value("").on());
        assert_eq!(Given::On.os(), "");
        assert!(Given::Off.seconds().is_err());
    }
}
