//! The directives in a prompt's lines, and the tool that runs.

use std::{
    collections::VecDeque,
    io::{self, PipeReader, Read},
    os::{
        fd::{AsFd, AsRawFd, RawFd},
        unix::process::CommandExt,
    },
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use crate::{
    sys,
    time::{self, Deadline},
};

/// A turn with nothing to do takes this long, so that busy is seen.
const THINK: Duration = Duration::from_millis(20);

/// How much of a tool's output is kept.
const OUTPUT_MAX: usize = 30_000;

/// A line of a prompt that makes the turn do something before its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Directive {
    /// `:slow MS`: works for this long.
    Wait(Duration),
    /// `:hang`: the model says nothing, until Escape.
    Hang,
    /// `!COMMAND`: runs it as a tool.
    Run(String),
    /// `:ask [COMMAND]`: asks first.
    Ask(String),
    /// `:error STATUS`: the API fails for good.
    Fail(u16),
    /// `:limit MS`: a usage limit is reached; so much later the agent goes on by itself.
    Limit(Duration),
    /// `:exit STATUS`: the program ends.
    Exit(i32),
    /// `:die`: the program kills itself.
    Die,
    /// `:long BYTES`: the answer is this much longer.
    Pad(usize),
}

/// The directives of a prompt. Any other line is only text; so is a directive with a bad value.
/// Blanks before `!` and `:` do not matter: a driver may put one there.
pub(crate) fn directives(prompt: &str) -> Vec<Directive> {
    prompt.lines().filter_map(|line| directive(line.trim())).collect()
}

fn directive(line: &str) -> Option<Directive> {
    if let Some(command) = line.strip_prefix('!') {
        return (!command.is_empty()).then(|| Directive::Run(command.to_owned()));
    }
    let (name, value) = line.split_once(' ').unwrap_or((line, ""));
    match (name, value.trim()) {
        (":slow", ms) => ms.parse().ok().map(Duration::from_millis).map(Directive::Wait),
        (":hang", "") => Some(Directive::Hang),
        (":ask", "") => Some(Directive::Ask("true".to_owned())),
        (":ask", command) => Some(Directive::Ask(command.to_owned())),
        (":error", status) => status.parse().ok().map(Directive::Fail),
        (":limit", ms) => ms.parse().ok().map(Duration::from_millis).map(Directive::Limit),
        (":exit", status) => status.parse().ok().map(Directive::Exit),
        (":die", "") => Some(Directive::Die),
        (":long", bytes) => bytes.parse().ok().map(Directive::Pad),
        _ => None,
    }
}

/// A turn that runs.
#[derive(Debug)]
pub(crate) struct Turn {
    /// The directives still to follow before the answer.
    pub(crate) directives: VecDeque<Directive>,
    /// The prompts that the turn answers.
    pub(crate) heard: Vec<String>,
    /// The model has not said a word: an interruption leaves no trace.
    pub(crate) mute: bool,
    /// How much longer the answer is.
    pub(crate) padding: usize,
    /// When the next directive may be followed.
    pub(crate) wake: Deadline,
    /// The tool that runs.
    pub(crate) tool: Option<Tool>,
    /// The tool use that waits for permission: its id and its command.
    pub(crate) asked: Option<(String, String)>,
    /// The id of the last prompt's entry.
    pub(crate) prompt_id: String,
    /// When it began.
    pub(crate) since_ms: u64,
}

impl Turn {
    /// The turn that answers `prompts`; `prompt_id` is the id of the last one's entry.
    pub(crate) fn new(prompts: Vec<String>, prompt_id: String) -> Self {
        Turn {
            directives: prompts.iter().flat_map(|prompt| directives(prompt)).collect(),
            heard: prompts,
            mute: false,
            padding: 0,
            wake: Deadline::after(THINK),
            tool: None,
            asked: None,
            prompt_id,
            since_ms: time::now_ms(),
        }
    }

    /// The text at its end.
    pub(crate) fn answer(&self) -> String {
        let mut lines: Vec<_> = self.heard.iter().map(|text| format!("echo: {text}")).collect();
        if self.padding > 0 {
            lines.push("x".repeat(self.padding));
        }
        lines.join("\n")
    }
}

/// A shell command that runs in a process group of its own, which is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Tool {
    /// The tool use in the transcript.
    pub(crate) id: String,
    child: Child,
    pipe: PipeReader,
    output: Vec<u8>,
    ended: bool,
}

impl Tool {
    /// Runs `command` for the tool use `id`.
    pub(crate) fn start(id: String, command: &str) -> io::Result<Self> {
        let (pipe, writer) = io::pipe()?;
        sys::set_nonblocking(pipe.as_fd())?;
        let child = Command::new("sh")
            .args(["-c", command])
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .process_group(0)
            .spawn()?;
        Ok(Tool { id, child, pipe, output: Vec::new(), ended: false })
    }

    /// The descriptor to wait for. `None` once the output has ended: it would end every wait at
    /// once.
    pub(crate) fn fd(&self) -> Option<RawFd> {
        (!self.ended).then(|| self.pipe.as_raw_fd())
    }

    /// Reads the output that is there; beyond [`OUTPUT_MAX`] it is thrown away.
    pub(crate) fn read(&mut self) {
        let room = OUTPUT_MAX - self.output.len();
        let read = self.pipe.by_ref().take(room as u64).read_to_end(&mut self.output);
        let read = read.and_then(|_| io::copy(&mut self.pipe, &mut io::sink()));
        self.ended = read.err().is_none_or(|e| e.kind() != io::ErrorKind::WouldBlock);
    }

    /// The command's status, once it has ended.
    pub(crate) fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// All its output, once it has ended.
    pub(crate) fn output(&mut self) -> String {
        self.read();
        String::from_utf8_lossy(&self.output).trim_end().to_owned()
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        if self.status().is_none() {
            if let Ok(pid) = i32::try_from(self.child.id()) {
                // It may end by itself just now.
                let _ = sys::kill(-pid, libc::SIGKILL);
            }
            let _ = self.child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_direct_the_turn() {
        let prompt = "hello\n!echo a b\n :slow 50\n:error 500\n:limit 9\n:ask\n:ask rm x\n:exit 3\n:die\n\
                      :long 10\n:slow soon\n:unknown\n!\nmid !x";
        let expected = [
            Directive::Run("echo a b".into()),
            Directive::Wait(Duration::from_millis(50)),
            Directive::Fail(500),
            Directive::Limit(Duration::from_millis(9)),
            Directive::Ask("true".into()),
            Directive::Ask("rm x".into()),
            Directive::Exit(3),
            Directive::Die,
            Directive::Pad(10),
        ];
        assert_eq!(directives(prompt), expected);
    }

    #[test]
    fn the_answer_is_an_echo() {
        let mut turn = Turn::new(vec!["a".into(), "b".into()], String::new());
        assert_eq!(turn.answer(), "echo: a\necho: b");
        turn.padding = 3;
        assert_eq!(turn.answer(), "echo: a\necho: b\nxxx");
    }
}
