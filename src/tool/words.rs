//! The options that give a prompt, the same in `aimax-spawn` and `aimax-paste`.

use std::{
    fs::File,
    io::{self, IsTerminal, Read},
    os::unix::fs::FileTypeExt,
    path::PathBuf,
};

use crate::{
    agent::Agent,
    cli::option::{Complete, Opt, OptDoc, ValueDoc},
    error::{At, Error, Result},
    session::Prompt,
};

/// What `-p` and `-f` say.
#[derive(Clone, Debug, Default)]
pub struct Words {
    prompt: Option<Vec<u8>>,
    file: Option<PathBuf>,
}

/// Arguments with [`Words`] among them.
pub trait Worded {
    /// The words.
    fn words(&mut self) -> &mut Words;
}

/// `-p`.
pub(super) const fn prompt<A: Worded>() -> Opt<A> {
    Opt {
        doc: OptDoc {
            short: Some('p'),
            long: "prompt",
            negated: None,
            value: Some(ValueDoc { name: "TEXT", complete: Complete::Nothing }),
            brief: "The prompt",
            full: "The prompt, as it is to reach the model.",
        },
        set: |args, given| {
            use std::os::unix::ffi::OsStringExt;
            args.words().prompt = Some(given.os().into_vec());
            Ok(())
        },
    }
}

/// `-f`.
pub(super) const fn prompt_file<A: Worded>() -> Opt<A> {
    Opt {
        doc: OptDoc {
            short: Some('f'),
            long: "prompt-file",
            negated: None,
            value: Some(ValueDoc { name: "FILE", complete: Complete::File }),
            brief: "A file that holds the prompt; `-` is stdin",
            full: "\
A file that holds the prompt; `-` is standard input. Without `-p` and
`-f`, a pipe or a file on standard input is read.",
        },
        set: |args, given| {
            args.words().file = Some(given.path());
            Ok(())
        },
    }
}

impl Words {
    /// The prompt, if one is given, checked for `agent`.
    pub(super) fn read(self, agent: &dyn Agent) -> Result<Option<Prompt>> {
        let stdin = || {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes).at("stdin").map(|_| bytes)
        };
        let bytes = match (self.prompt, self.file) {
            (Some(_), Some(_)) => {
                return Err(Error::usage("prompt", "given by --prompt and by --prompt-file"));
            }
            (Some(text), None) => Some(text),
            (None, Some(file)) if file.as_os_str() == "-" => Some(stdin()?),
            (None, Some(file)) => Some(std::fs::read(&file).map_err(|e| {
                Error::usage(file.display(), format!("the prompt cannot be read: {e}"))
            })?),
            // Standard input that holds nothing gives no prompt: cron and the like leave it empty.
            (None, None) if is_piped()? => Some(stdin()?).filter(|bytes| !bytes.is_empty()),
            (None, None) => None,
        };
        bytes.map(|bytes| Prompt::new(bytes, agent)).transpose()
    }
}

/// Whether standard input is a pipe or a file: something that was meant to be read, and ends.
fn is_piped() -> Result<bool> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Ok(false);
    }
    use std::os::fd::AsFd;
    let Ok(copy) = stdin.as_fd().try_clone_to_owned() else { return Ok(false) };
    let kind = File::from(copy).metadata().at("stdin")?.file_type();
    Ok(kind.is_fifo() || kind.is_file())
}
