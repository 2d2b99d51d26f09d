//! The word that was probably meant, for "did you mean".

/// The word of `words` that is nearest to `typed`, if it is at most two edits away, and fewer
/// than `typed` has characters.
pub(crate) fn nearest<'a>(typed: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let longest = typed.chars().count();
    words
        .map(|word| (distance(typed, word), word))
        .filter(|&(edits, _)| edits <= 2 && edits < longest)
        .min_by_key(|&(edits, _)| edits)
        .map(|(_, word)| word)
}

/// Levenshtein's distance: how many characters to insert, delete or replace.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("follow", "folow"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("é", "e"), 1);
    }

    #[test]
    fn only_a_near_word_is_named() {
        let words = ["follow", "from", "timeout"];
        assert_eq!(nearest("folow", words.into_iter()), Some("follow"));
        assert_eq!(nearest("form", words.into_iter()), Some("from"));
        assert_eq!(nearest("session", words.into_iter()), None);
        assert_eq!(nearest("x", ["y"].into_iter()), None);
        assert_eq!(nearest("", ["y"].into_iter()), None);
    }
}
