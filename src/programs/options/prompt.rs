//! The options for a prompt and its delivery, the same in all programs that deliver one.

use std::{
    ffi::OsString,
    fmt::Display,
    fs::File,
    io::{self, IsTerminal, Read},
    os::unix::{ffi::OsStringExt, fs::FileTypeExt},
    path::PathBuf,
};

use super::{Field, Has};
use crate::{
    agent::Agent,
    cli::{self, Complete, Opt, OptDoc, Tool},
    config::Config,
    error::{At, Error, Exit, Result},
    session::{DoneBy, OnceKey, Prompt, Reading},
    trace,
};

/// The prompt that `-p` or `-f` gives, and how it is to be read and delivered.
#[derive(Clone, Debug, Default)]
pub(crate) struct PromptArgs {
    prompt: Option<Vec<u8>>,
    file: Option<PathBuf>,
    reading: Reading,
    done_by: DoneBy,
    once: Option<OnceKey>,
    images: Vec<PathBuf>,
    explain: bool,
}

/// The statuses that a program which delivers a prompt can end with.
pub(crate) const ENDS: &[Exit] =
    &[Exit::Refused, Exit::Unproven, Exit::Person, Exit::Missing, Exit::Timeout];

/// `-p`.
pub(crate) const fn prompt<A: Has<PromptArgs>>() -> Opt<A> {
    OptDoc::new("prompt", "The prompt", "The prompt, exactly as the model should get it.")
        .value("TEXT", Complete::Nothing)
        .short('p')
        .sets(|args, given| args.group().prompt.set(given))
}

/// `-f`.
pub(crate) const fn prompt_file<A: Has<PromptArgs>>() -> Opt<A> {
    OptDoc::new(
        "prompt-file",
        "Read the prompt from a file; `-` is stdin",
        "\
Reads the prompt from a file; `-` is standard input. Where a prompt is
required, a pipe, a socket or a file on standard input is read without
this option.",
    )
    .value("FILE", Complete::File)
    .short('f')
    .sets(|args, given| args.group().file.set(given))
}

/// `--strip-control`.
pub(crate) const fn strip_control<A: Has<PromptArgs>>() -> Opt<A> {
    OptDoc::new(
        "strip-control",
        "Remove control characters",
        "\
Removes control characters from the prompt. Without this option they
are refused: an escape sequence could end the paste and press keys.",
    )
    .sets(|args, given| args.group().reading.strip_control.set(given))
}

/// `--command`.
pub(crate) const fn command<A: Has<PromptArgs>>() -> Opt<A> {
    OptDoc::new(
        "command",
        "The prompt is a command of the agent",
        "\
The prompt is one of the agent's own commands, such as `/compact`, or a
shell command after `!`. Without this option such a prompt is refused if
the agent would not take it as text. Codex takes commands only between
turns: during a turn they are refused, unless `--when idle` is given.",
    )
    .sets(|args, given| args.group().reading.command.set(given))
}

/// `--done`.
pub(crate) const fn done<A: Has<PromptArgs>>() -> Opt<A> {
    OptDoc::new(
        "done",
        "What ends the job: the `turn`, or the `agent`",
        "\
With `turn`, the default, `running.flag` is removed when the turn has
ended and nothing is queued. With `agent`, the agent removes it, and the
prompt should tell it to. If the agent dies, the job has failed in
either case.",
    )
    .value("WHEN", Complete::OneOf(&["turn", "agent"]))
    .sets(|args, given| {
        args.group().done_by = match given.one_of(&["turn", "agent"])? {
            "agent" => DoneBy::Agent,
            _ => DoneBy::Turn,
        };
        Ok(())
    })
}

/// `--once`.
pub(crate) const fn once<A: Has<PromptArgs>>() -> Opt<A> {
    OptDoc::new(
        "once",
        "Deliver only once for this key",
        "\
Delivers the prompt only once for each KEY, however often the command is
run: by cron, after a lost connection, after a kill. A retry types
nothing and prints the record of the first delivery, with `repeated`. A
key is 1 to 80 bytes of your choice; it belongs to the session and
outlives it. It is on disk before Enter is pressed, and the transcript
shows what a killed process had done.",
    )
    .value("KEY", Complete::Nothing)
    .sets(|args, given| {
        args.group().once = Some(given.parse()?);
        Ok(())
    })
}

/// `--attach`.
pub(crate) const fn attach<A: Has<PromptArgs>>() -> Opt<A> {
    OptDoc::new(
        "attach",
        "Send this image with the prompt",
        "\
An image (PNG, JPEG, GIF or WebP) to send with the prompt; repeat the
option for more. The proof covers the images, too. Without this option,
a line that is the path of an image is refused, because the agent would
cut it out of the prompt.",
    )
    .value("FILE", Complete::File)
    .sets(|args, given| {
        args.group().images.push(given.path());
        Ok(())
    })
}

/// `--explain`.
pub(crate) const fn explain<A: Has<PromptArgs>>() -> Opt<A> {
    OptDoc::new(
        "explain",
        "Print each step to stderr with its time",
        "\
Prints each step to standard error with its time. For a bug report, set
`AIMAX_TRACE` to a file name: it gets the steps and every tmux call.",
    )
    .sets(|args, given| args.group().explain.set(given))
}

impl PromptArgs {
    /// Begins the trace that `--explain` or `AIMAX_TRACE` asks for; the steps are printed under the
    /// name of the program `T`.
    pub(crate) fn begin_trace<T: Tool>(&self, config: &Config) -> Result<()> {
        let say: fn(f64, &str) =
            |ms, words| cli::say(T::DOC.name, &format!("{ms:8.1} ms  {words}"));
        trace::begin(config.trace.as_deref(), self.explain.then_some(say))
    }

    /// What `--once` says.
    pub(crate) fn key(&self) -> Option<&OnceKey> {
        self.once.as_ref()
    }

    /// Whether `--explain` is given.
    pub(crate) fn explains(&self) -> bool {
        self.explain
    }

    /// Who ends the job that the prompt begins.
    pub(crate) fn done_by(&self) -> DoneBy {
        self.done_by
    }

    /// Whether `-p` or `-f` is given.
    pub(crate) fn is_given(&self) -> bool {
        self.prompt.is_some() || self.file.is_some()
    }

    /// Takes an operand for the prompt.
    pub(crate) fn operand(&mut self, mut operands: Vec<OsString>) -> Result<()> {
        match (operands.pop(), operands.is_empty()) {
            (Some(_), false) => {
                return Err(Error::usage("prompt", "more than one word").advise("put it in quotes"));
            }
            (Some(_), true) if self.is_given() => {
                return Err(Error::usage("prompt", "given both by an option and as an operand"));
            }
            (Some(text), true) => self.prompt = Some(text.into_vec()),
            (None, _) => {}
        }
        Ok(())
    }

    /// The prompt, if one is given, checked for `agent`.
    pub(crate) fn read(mut self, agent: &dyn Agent) -> Result<Option<Prompt>> {
        let reading = self.reading;
        let once = self.once.take();
        let images = std::mem::take(&mut self.images);
        let prompt =
            self.bytes(false)?.map(|bytes| Prompt::new(bytes, agent, reading)).transpose()?;
        if once.is_some() && prompt.is_none() {
            return Err(Error::usage("--once", "it needs a prompt, and none is given"));
        }
        if !images.is_empty() && prompt.is_none() {
            return Err(Error::usage("--attach", "it is for a prompt, and none is given"));
        }
        prompt.map(|prompt| prompt.attach(&images)?.once(once)).transpose()
    }

    /// The prompt, which must be given, checked for `agent`.
    pub(crate) fn needed(mut self, agent: &dyn Agent) -> Result<Prompt> {
        self.prompt = self.bytes(true)?;
        self.read(agent)?.ok_or_else(|| {
            Error::usage("prompt", "none is given").advise("give -p TEXT, -f FILE, or pipe it in")
        })
    }

    /// The bytes of the prompt. Without an option, standard input is read only where a prompt `must`
    /// be given: it may belong to the caller's loop.
    fn bytes(&mut self, must: bool) -> Result<Option<Vec<u8>>> {
        let stdin = || whole(io::stdin(), "stdin");
        Ok(match (self.prompt.take(), self.file.take()) {
            (Some(_), Some(_)) => {
                return Err(Error::usage("prompt", "given by both --prompt and --prompt-file"));
            }
            (Some(text), None) => Some(text),
            (None, Some(file)) if file.as_os_str() == "-" => Some(stdin()?),
            (None, Some(file)) => {
                let open = File::open(&file).map_err(|error| unreadable(file.display(), &error))?;
                Some(whole(open, file.display())?)
            }
            // Standard input that holds nothing gives no prompt: cron and the like leave it empty.
            (None, None) if must && is_piped()? => Some(stdin()?).filter(|bytes| !bytes.is_empty()),
            (None, None) => None,
        })
    }
}

/// How many bytes are read of a prompt at most: far more than any agent takes.
const MOST: u64 = 16 << 20;

/// All of a prompt. One without an end must not fill the memory.
fn whole(input: impl Read, name: impl Display) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match input.take(MOST + 1).read_to_end(&mut bytes) {
        Ok(read) if read as u64 > MOST => {
            Err(Error::usage(name, "longer than 16 MiB, more than any agent takes"))
        }
        Ok(_) => Ok(bytes),
        Err(error) => Err(unreadable(name, &error)),
    }
}

fn unreadable(name: impl Display, error: &io::Error) -> Error {
    Error::usage(name, format!("cannot read the prompt: {error}"))
}

/// Whether standard input is a pipe, a socket or a file: something that was meant to be read, and ends.
/// A socket is what Node.js and some sshd give in place of a pipe.
fn is_piped() -> Result<bool> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Ok(false);
    }
    use std::os::fd::AsFd;
    let Ok(copy) = stdin.as_fd().try_clone_to_owned() else { return Ok(false) };
    let kind = File::from(copy).metadata().at("stdin")?.file_type();
    Ok(kind.is_fifo() || kind.is_socket() || kind.is_file())
}
