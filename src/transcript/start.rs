//! Where to begin in a file: always at the start of a line.

use std::{fs::File, io, path::Path};

use super::lines;
use crate::error::{At, Error, Result};

/// Where to begin in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At this offset, which must be a line boundary.
    Offset(u64),
    /// This many whole lines before the end.
    Last(u64),
}

impl Start {
    /// The offset in `file`, whose name is `path`; refuses an offset inside a line.
    pub fn offset(self, file: &File, path: &Path) -> Result<u64> {
        match self {
            Start::Offset(offset) => {
                check_boundary(file, path, offset)?;
                Ok(offset)
            }
            Start::Last(count) => {
                let size = file.metadata().at(path)?.len();
                lines::last(file, size, count).at(path)
            }
        }
    }
}

/// Refuses an offset inside a line, and names the nearest line boundaries.
fn check_boundary(file: &File, path: &Path, offset: u64) -> Result<()> {
    let size = file.metadata().at(path)?.len();
    if offset > size {
        let last = lines::boundary_before(file, size).at(path)?;
        return Err(Error::usage(
            path.display(),
            format!("offset {offset} is past the end, {size}"),
        )
        .advise(format!("the last line boundary is {last}")));
    }
    if begins_line(file, offset).at(path)? {
        return Ok(());
    }
    let before = lines::boundary_before(file, offset).at(path)?;
    let advice = match lines::boundary_after(file, offset).at(path)? {
        Some(after) => format!("the nearest line boundaries are {before} and {after}"),
        None => format!("the nearest line boundary is {before}; that line is not finished"),
    };
    Err(Error::usage(path.display(), format!("offset {offset} is inside a line")).advise(advice))
}

/// Whether a line begins at `offset`: at 0, or just after a newline.
pub(crate) fn begins_line(file: &File, offset: u64) -> io::Result<bool> {
    let Some(before) = offset.checked_sub(1) else { return Ok(true) };
    let mut byte = [0];
    Ok(lines::read_at(file, &mut byte, before)? == 1 && byte == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_inside_a_line_are_refused_with_the_nearest_boundaries() {
        let path = std::env::temp_dir().join(format!("aimax-start-{}", std::process::id()));
        std::fs::write(&path, "one\ntwo\nthr").unwrap();
        let file = File::open(&path).unwrap();
        let error = |offset| {
            let error = Start::Offset(offset).offset(&file, &path).err().unwrap();
            assert_eq!(error.kind, crate::error::Kind::Usage);
            format!("{}: {}", error.cause, error.advice)
        };
        for offset in [0, 4, 8] {
            assert_eq!(Start::Offset(offset).offset(&file, &path), Ok(offset));
        }
        let between = "the nearest line boundaries are 4 and 8";
        assert_eq!(error(5), format!("offset 5 is inside a line: {between}"));
        assert_eq!(error(7), format!("offset 7 is inside a line: {between}"));
        assert!(error(10).contains("boundary is 8; that line is not finished"));
        assert_eq!(error(12), "offset 12 is past the end, 11: the last line boundary is 8");
        assert_eq!(Start::Last(1).offset(&file, &path), Ok(4));
        std::fs::remove_file(&path).unwrap();
    }
}
