//! A record, read field by field.
//!
//! A record is looked at where it stands, and only what is asked for is decoded. So whatever is wrong
//! with a field costs that field alone: another type than the expected one, half a character, a number
//! beyond all bounds, nesting of any depth. Of several fields with one name the last counts.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

use super::fast_json::{self, brackets_end, copy_plain, string_end};

/// A value in a record, as it stands there; or its absence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field<'a>(&'a [u8]);

/// A struct of fields, each with its name in the record: `NAMES` is what to ask for, and `of` takes what
/// was found, in the same order.
macro_rules! fields {
    ($(#[$about:meta])* struct $Fields:ident { $($field:ident: $name:literal,)* }) => {
        $(#[$about])*
        struct $Fields<'a> {
            $($field: Field<'a>,)*
        }

        impl<'a> $Fields<'a> {
            const NAMES: [&'static str; [$($name),*].len()] = [$($name),*];

            fn of([$($field),*]: [Field<'a>; $Fields::NAMES.len()]) -> Self {
                Self { $($field),* }
            }
        }
    };
}
pub(crate) use fields;

impl<'a> Field<'a> {
    /// The value that begins `bytes`, which may be a whole line.
    pub(crate) fn of(bytes: &'a [u8]) -> Field<'a> {
        let start = after_blanks(bytes, 0);
        Field(value_end(bytes, start).map_or(&[], |end| &bytes[start..end]))
    }

    /// The value that a whole record is.
    pub(crate) fn whole(record: &'a [u8]) -> Field<'a> {
        Field(record.trim_ascii())
    }

    /// Its fields of these names.
    pub(crate) fn fields<const N: usize>(self, names: [&str; N]) -> [Field<'a>; N] {
        self.fields_and(names, "", []).0
    }

    /// Its fields of these names, and those `inner` ones of its field `within`, which may be large: all
    /// are found in one pass.
    pub(crate) fn fields_and<const N: usize, const M: usize>(
        self,
        names: [&str; N],
        within: &str,
        inner: [&str; M],
    ) -> ([Field<'a>; N], [Field<'a>; M]) {
        let bytes = self.0;
        let mut found = ([Field::default(); N], [Field::default(); M]);
        members(bytes, 0, |name, start| {
            let mut end = None;
            if M > 0 && is_name(name, within) {
                (found.1, end) = fields_at(bytes, start, inner);
            }
            let end = end.or_else(|| value_end(bytes, start))?;
            if let Some(at) = names.iter().position(|wanted| is_name(name, wanted)) {
                found.0[at] = Field(&bytes[start..end]);
            }
            Some(end)
        });
        found
    }

    /// Its field of that name.
    pub(crate) fn get(self, name: &str) -> Field<'a> {
        let [field] = self.fields([name]);
        field
    }

    /// Whether it has a field of that name, with any value but null. What stands behind it is not
    /// looked at.
    pub(crate) fn has(self, name: &str) -> bool {
        let mut has = false;
        members(self.0, 0, |found, start| {
            has = is_name(found, name) && !self.0[start..].starts_with(b"null");
            if has { None } else { value_end(self.0, start) }
        });
        has
    }

    /// Whether there is a value, other than null.
    pub(crate) fn is_some(self) -> bool {
        !self.0.is_empty() && self.0 != b"null"
    }

    /// Whether it is null.
    pub(crate) fn is_null(self) -> bool {
        self.0 == b"null"
    }

    /// Whether it is `true`, and nothing that might pass for it.
    pub(crate) fn is_true(self) -> bool {
        self.0 == b"true"
    }

    /// Whether it is a text.
    pub(crate) fn is_text(self) -> bool {
        self.0.len() > 1 && self.0.first() == Some(&b'"')
    }

    /// Whether it is this text.
    pub(crate) fn is(self, text: &str) -> bool {
        self.text().is_some_and(|found| found == text)
    }

    /// A text. Half a surrogate pair, and what is not UTF-8, becomes U+FFFD.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        let inside = self.0.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        Some(decoded(inside))
    }

    /// Whether it is a text that begins so. No more of it is decoded than that takes.
    pub(crate) fn begins(self, with: &str) -> bool {
        let longest = with.len() * "\\u0000".len();
        let inside = self.0.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
        let begin = inside.map(|inside| &inside[..inside.len().min(longest)]);
        begin.is_some_and(|begin| decoded(begin).starts_with(with))
    }

    /// A number, if it is finite.
    pub(crate) fn number(self) -> Option<f64> {
        let number: f64 = std::str::from_utf8(self.0).ok()?.parse().ok()?;
        number.is_finite().then_some(number)
    }

    /// A whole number; 0 for anything else.
    pub(crate) fn count(self) -> u64 {
        std::str::from_utf8(self.0).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// The items of a list; none of any other value.
    pub(crate) fn items(self) -> impl Iterator<Item = Field<'a>> {
        self.items_and([]).map(|(item, [])| item)
    }

    /// The items of a list, each with its fields of these names: all are found in one pass.
    pub(crate) fn items_and<const N: usize>(
        self,
        names: [&str; N],
    ) -> impl Iterator<Item = (Field<'a>, [Field<'a>; N])> {
        let bytes = self.0;
        let mut at = (bytes.first() == Some(&b'[')).then_some(1);
        std::iter::from_fn(move || {
            let start = after_blanks(bytes, at?);
            let (found, end) = fields_at(bytes, start, names);
            let end = end.or_else(|| value_end(bytes, start))?;
            at = behind_comma(bytes, end);
            Some((Field(&bytes[start..end]), found))
        })
    }

    /// Its JSON, without the blanks between its parts. What [`text`](Field::text) replaces is replaced
    /// here too.
    pub(crate) fn json(self) -> String {
        // As programs write it, nothing is to be changed.
        if fast_json::is_record(self.0)
            && memchr_iter(b'\\', self.0).all(|at| self.0.get(at + 1) != Some(&b'u'))
            && let Ok(json) = std::str::from_utf8(self.0)
        {
            return json.to_owned();
        }
        let mut json = String::with_capacity(self.0.len());
        let mut at = 0;
        while let Some(&byte) = self.0.get(at) {
            let end = match byte {
                b'"' => string_end(self.0, at).map_or(self.0.len(), |(end, _)| end),
                _ => memchr(b'"', &self.0[at..]).map_or(self.0.len(), |quote| at + quote),
            };
            let part = utf8(&self.0[at..end]);
            match byte {
                b'"' if part.contains("\\u") => {
                    let text = Field(&self.0[at..end]).text().unwrap_or_default();
                    json.push_str(&serde_json::Value::from(text).to_string());
                }
                b'"' => json.push_str(&part),
                _ => json.extend(part.chars().filter(|c| !c.is_ascii_whitespace())),
            }
            at = end;
        }
        json
    }
}

/// The fields of these names in the object at `start`, up to a fault in it; and the end of the object, if
/// it has none. Nothing is gone through for no names.
#[inline]
fn fields_at<'a, const N: usize>(
    bytes: &'a [u8],
    start: usize,
    names: [&str; N],
) -> ([Field<'a>; N], Option<usize>) {
    let mut found = [Field::default(); N];
    if N == 0 {
        return (found, None);
    }
    let end = members(bytes, start, |name, start| {
        let end = value_end(bytes, start)?;
        if let Some(at) = names.iter().position(|wanted| is_name(name, wanted)) {
            found[at] = Field(&bytes[start..end]);
        }
        Some(end)
    });
    (found, end)
}

/// Goes through the object at `start`, up to a fault in it. `value` gets each name and the start of its
/// value, and returns the value's end. Returns the end of the object, if it has no fault.
#[inline]
fn members(
    bytes: &[u8],
    start: usize,
    mut value: impl FnMut(&[u8], usize) -> Option<usize>,
) -> Option<usize> {
    if bytes.get(start) != Some(&b'{') {
        return None;
    }
    let mut at = after_blanks(bytes, start + 1);
    if bytes.get(at) == Some(&b'}') {
        return Some(at + 1);
    }
    loop {
        let (end, is_escaped) = string_end(bytes, at)?;
        let name = &bytes[at + 1..end - 1];
        let colon = after_blanks(bytes, end);
        if bytes.get(colon) != Some(&b':') {
            return None;
        }
        let start = after_blanks(bytes, colon + 1);
        let end = match is_escaped {
            true => value(decoded(name).as_bytes(), start)?,
            false => value(name, start)?,
        };
        at = after_blanks(bytes, end);
        match bytes.get(at)? {
            b',' => at = after_blanks(bytes, at + 1),
            b'}' => return Some(at + 1),
            _ => return None,
        }
    }
}

/// Whether `line` is one object by its brackets and strings, blanks around it left aside. A line that is
/// less than that, or more, never is.
pub(crate) fn is_one_object(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    fast_json::is_record(line)
        || line.first() == Some(&b'{') && orderly_end(line, 0) == Some(line.len())
}

#[inline]
fn is_name(found: &[u8], wanted: &str) -> bool {
    // Most names differ in their lengths or their first characters already.
    found.len() == wanted.len()
        && found.first() == wanted.as_bytes().first()
        && found == wanted.as_bytes()
}

fn after_blanks(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Where the next part of a list or an object begins, if one follows.
fn behind_comma(bytes: &[u8], end: usize) -> Option<usize> {
    let comma = after_blanks(bytes, end);
    (bytes.get(comma) == Some(&b',')).then_some(comma + 1)
}

/// The end of the value that begins at `start`.
fn value_end(bytes: &[u8], start: usize) -> Option<usize> {
    match bytes.get(start)? {
        b'"' => string_end(bytes, start).map(|(end, _)| end),
        b'{' | b'[' => brackets_end(bytes, start),
        b',' | b':' | b'}' | b']' => None,
        _ => {
            let ends = |byte: &u8| b",:}]{[\"".contains(byte) || byte.is_ascii_whitespace();
            let length = bytes[start..].iter().position(ends);
            Some(length.map_or(bytes.len(), |length| start + length))
        }
    }
}

/// The end of the list or object whose bracket is at `start`, where all strings stand as they may.
fn orderly_end(bytes: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut depth) = (start, 0);
    loop {
        match bytes.get(at)? {
            b'"' => {
                (at, _) = string_end(bytes, at)?;
                // Behind the string that was cut off by the next record stands a name of that record.
                if !b":,}]".contains(bytes.get(after_blanks(bytes, at))?) {
                    return None;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

/// The text; what is not UTF-8 becomes U+FFFD.
fn utf8(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// The text in a string, without its quotes.
fn decoded(inside: &[u8]) -> Cow<'_, str> {
    let Some(first) = memchr(b'\\', inside) else { return utf8(inside) };
    let mut text = Vec::with_capacity(inside.len() + 16);
    text.extend_from_slice(&inside[..first]);
    let mut rest = &inside[first..];
    while let [_, sign, ..] = rest {
        let (character, length) = match sign {
            b'n' => ('\n', 2),
            b't' => ('\t', 2),
            b'r' => ('\r', 2),
            b'b' => ('\u{8}', 2),
            b'f' => ('\u{c}', 2),
            b'u' => escaped(rest),
            b'"' | b'\\' | b'/' => (char::from(*sign), 2),
            // No escape: what follows stands for itself.
            _ => (char::REPLACEMENT_CHARACTER, 1),
        };
        match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() => text.push(byte),
            _ => text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = &rest[length..];
        rest = &rest[copy_plain(rest, &mut text)..];
    }
    let text = String::from_utf8(text);
    Cow::Owned(text.unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

/// The character of the `\uXXXX` that begins `bytes`, or of two, and how many bytes it takes.
fn escaped(bytes: &[u8]) -> (char, usize) {
    let unit = |at: usize| {
        let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        let digits = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
        u16::from_str_radix(digits, 16).ok()
    };
    let Some(first) = unit(0) else { return (char::REPLACEMENT_CHARACTER, 2) };
    let units = [Some(first), unit(6)];
    let mut characters = char::decode_utf16(units.into_iter().flatten());
    match characters.next() {
        Some(Ok(character)) => (character, 6 * character.len_utf16()),
        _ => (char::REPLACEMENT_CHARACTER, 6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_costs_its_field_alone() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for odd in ["1e999", "\"\\ud83d\"", "nul", "{\"a\":{}}", "[[1,\"]\"],{}]", "-", &deep] {
            let line =
                format!(" {{\"x\" : {odd} , \"kind\":\"user\",\"x\":{odd},\"text\":\"a\"}} \r");
            let [kind, text] = Field::of(line.as_bytes()).fields(["kind", "text"]);
            assert_eq!((kind.is("user"), text.text().unwrap().as_ref()), (true, "a"), "{odd:.30}");
            assert!(is_one_object(line.as_bytes()), "{odd:.30}");
        }
        let last = Field::of(br#"{"a":1,"\u0061":2,"b":null,"c":true}"#);
        assert_eq!(last.get("a").number(), Some(2.0));
        assert!(last.get("b").is_null() && !last.get("b").is_some() && last.get("c").is_true());
        assert!(last.get("d") == Field::default() && last.get("a").get("b") == Field::default());
        assert!(last.has("a") && last.has("c") && !last.has("b") && !last.has("d"));
        assert_eq!(Field::of(b"1e999").number(), None);
        for part in ["", "{", "{}{}", "{\"a\":\"{}", "[]", "{\"a\":[1}", "x", "{} x"] {
            assert!(!is_one_object(part.as_bytes()), "{part}");
        }
    }

    #[test]
    fn what_is_within_a_field_is_found_in_the_same_pass() {
        for (line, a, b, z) in [
            (r#"{"in":{"a":1,"b":[{}]},"z":2}"#, "1", "[{}]", "2"),
            (r#"{ "z":2, "in" : { "a" : 1 , "b" : "}" } }"#, "1", "\"}\"", "2"),
            (r#"{"in":{"a":1,"b":3},"in":{"b":{}},"z":2}"#, "", "{}", "2"),
            (r#"{"in":{"a":1,"b":3},"in":7,"z":2}"#, "", "", "2"),
            (r#"{"in":{"a":1 "b":3},"z":2}"#, "1", "", "2"),
            (r#"{"in":{},"z":2}"#, "", "", "2"),
            (r#"{"\u0069n":{"\u0061":1},"z":2}"#, "1", "", "2"),
            (r#"{"in":["a",1],"z":2}"#, "", "", "2"),
        ] {
            let record = Field::of(line.as_bytes());
            let ([z_found, within], inner) = record.fields_and(["z", "in"], "in", ["a", "b"]);
            assert_eq!(
                [z_found, inner[0], inner[1]].map(|one| one.0),
                [z, a, b].map(str::as_bytes)
            );
            assert_eq!((within, inner), (record.get("in"), within.fields(["a", "b"])), "{line}");
        }
    }

    #[test]
    fn texts_are_decoded_as_far_as_they_can_be() {
        let of = |json: &[u8]| Field::of(json).text().map(Cow::into_owned);
        for (json, text) in [
            (&br#""a\n\t\"\\\/\b\f\r\u00e9\ud83d\ude00""#[..], "a\n\t\"\\/\u{8}\u{c}\ré😀"),
            (br#""\ud83d""#, "\u{fffd}"),
            (br#""\ud83dx\ude00\ud83d\n""#, "\u{fffd}x\u{fffd}\u{fffd}\n"),
            (br#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (br#""\u12""#, "\u{fffd}12"),
            (br#""\u+123""#, "\u{fffd}+123"),
            (b"\"a\xffb\"", "a\u{fffd}b"),
            (b"\"\xff\\n\xe9\\\"\"", "\u{fffd}\n\u{fffd}\""),
            (b"\"\"", ""),
        ] {
            assert_eq!(of(json).as_deref(), Some(text), "{}", json.escape_ascii());
        }
        for (json, begins) in [
            (&br#""<a \"b\"> and""#[..], true),
            (br#""\u003c\u0061\u0020\u0022\u0062\u0022\u003E\ud83d\ude00""#, true),
            (br#""<a \"b\"""#, false),
            (br#""x<a""#, false),
            (b"\"", false),
            (b"7", false),
        ] {
            let found = Field::of(json).begins("<a \"b\">");
            assert_eq!(found, begins, "{}", json.escape_ascii());
        }
        for json in ["7", "null", "\"a", "\"", "[\"a\"]", ""] {
            assert_eq!(of(json.as_bytes()), None, "{json}");
        }
    }

    #[test]
    fn a_part_is_given_as_the_json_it_is() {
        let json = r#"{ "a" : [ 1, "x  \" y", "\ud83d" ] , "b":1e999}"#;
        let plain = "{\"a\":[1,\"x  \\\" y\",\"\u{fffd}\"],\"b\":1e999}";
        assert_eq!(Field::of(json.as_bytes()).json(), plain);
        let items = Field::of(b"[1, [2,3] ,\"]\" ]");
        assert_eq!(items.items().map(Field::json).collect::<Vec<_>>(), ["1", "[2,3]", "\"]\""]);
        let list = br#"[7, {"a":"]","b":[{}]} ,{"a":{"a":1} "b":2},{"a":1,"a":3}]"#;
        let items: Vec<_> = Field::of(list).items_and(["b", "a"]).collect();
        assert_eq!(items.len(), 4);
        for (item, fields) in items {
            assert_eq!(fields, item.fields(["b", "a"]), "{}", item.json());
        }
        assert_eq!(Field::of(b"{}").items().count() + Field::of(b"[]").items().count(), 0);
    }
}
