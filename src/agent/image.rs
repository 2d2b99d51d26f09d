//! Images in prompts: which files are some, how one is typed, and what a record shows of it.
//! See claude/FACTS.md, "Images", and codex/FACTS.md, "Images".

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

/// What a transcript has in the place of an image, with a number behind it, and `]`.
const MARK: &str = "[Image #";

/// The endings of the names of images, and how a file of that kind begins.
const KINDS: [(&[&str], &[u8]); 4] = [
    (&["png"], b"\x89PNG"),
    (&["jpg", "jpeg"], b"\xff\xd8\xff"),
    (&["gif"], b"GIF8"),
    (&["webp"], b"RIFF"),
];

/// Whether a path has the name of an image.
pub(crate) fn is_named_so(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    KINDS.iter().any(|(endings, _)| endings.contains(&&*ending.to_ascii_lowercase()))
}

/// Whether a file is an image, by its name and its beginning.
pub(crate) fn is_image(path: &Path) -> bool {
    let mut begin = [0; 4];
    let read = |mut file: File| file.read_exact(&mut begin);
    // Some agents take any image under any of the names. To open a FIFO would wait for a writer.
    is_named_so(path)
        && path.metadata().is_ok_and(|found| found.is_file())
        && File::open(path).and_then(read).is_ok()
        && KINDS.iter().any(|(_, magic)| begin.starts_with(magic))
}

/// A path as a terminal types it when a file is dropped on it: what a shell would read otherwise stands
/// behind a backslash.
pub(crate) fn typed(path: &str) -> String {
    let mut text = String::new();
    for c in path.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() && !"/._-+,:@%".contains(c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

/// The path that a text is, which may be in quotes or have backslashes.
pub(crate) fn path_in(text: &str) -> PathBuf {
    let text = text.trim();
    let quoted = ['\'', '"']
        .iter()
        .find_map(|&quote| text.strip_prefix(quote)?.strip_suffix(quote).map(str::to_owned));
    quoted
        .unwrap_or_else(|| {
            let mut escaped = false;
            let keep = |c: &char| {
                escaped = *c == '\\' && !escaped;
                !escaped
            };
            text.chars().filter(keep).collect()
        })
        .into()
}

/// What follows `count` images in a recorded text; `None` when fewer stand at its beginning.
pub(crate) fn behind(text: &str, count: usize) -> Option<&str> {
    (0..count).try_fold(text, |rest, _| {
        let (number, rest) = rest.trim_start().strip_prefix(MARK)?.split_once(']')?;
        (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(rest)
    })
}

/// How many images stand at the beginning of a recorded text.
pub(crate) fn count(text: &str) -> usize {
    (1..).take_while(|&count| behind(text, count).is_some()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_for_a_path_is_read_as_that_path() {
        for path in ["/a/b.png", "/a/it's (1)&.png", "/é/a b.jpg", "/a/\\.gif", "/a/$x`y\".png"] {
            assert_eq!(path_in(&typed(path)), Path::new(path));
        }
        assert_eq!(path_in(" '/a b.png' "), Path::new("/a b.png"));
        assert_eq!(path_in("\"/a b.png\""), Path::new("/a b.png"));
    }

    #[test]
    fn images_stand_before_the_text() {
        assert_eq!(behind("[Image #1] [Image #12]what", 2), Some("what"));
        assert_eq!(behind("[Image #1] what", 2), None);
        assert_eq!(behind("[Image #x]what", 1), None);
        assert_eq!(behind("what", 0), Some("what"));
        assert_eq!((count("[Image #1] [Image #2] [x]"), count("a [Image #1]")), (2, 0));
    }

    #[test]
    fn a_file_is_an_image_by_its_name_and_its_beginning() {
        let folder = std::env::temp_dir().join(format!("aimax-image-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (name, bytes, is) in [
            ("a.png", &b"\x89PNG\r\n"[..], true),
            ("a.JPEG", b"\xff\xd8\xff\xe0", true),
            ("a.gif", b"\x89PNG\r\n", true),
            ("b.png", b"hello", false),
            ("c.png", b"", false),
            ("a.txt", b"\x89PNG\r\n", false),
        ] {
            std::fs::write(folder.join(name), bytes).unwrap();
            assert_eq!(is_image(&folder.join(name)), is, "{name}");
        }
        assert!(!is_image(&folder.join("none.png")));
        crate::sys::make_fifo(&folder.join("fifo.png")).unwrap();
        assert!(!is_image(&folder.join("fifo.png")));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
