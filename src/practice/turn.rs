//! What a prompt asks for, line by line, and the tool that runs.

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

/// A turn with nothing to do takes so long, so that busy is seen.
const THINK: Duration = Duration::from_millis(20);

/// How much of a tool's output is kept.
const OUTPUT_MAX: usize = 30_000;

/// What one line of a prompt makes the turn do before its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Directive {
    /// `:slow MS`: works for so long.
    Wait(Duration),
    /// `:hang`: the model says no word, until Escape.
    Hang,
    /// `!COMMAND`: runs it as a tool.
    Run(String),
    /// `:ask [COMMAND]`: asks first.
    Ask(String),
    /// `:error STATUS`: the API fails for good.
    Fail(u16),
    /// `:exit STATUS`: the program ends.
    Exit(i32),
    /// `:die`: the program kills itself.
    Die,
    /// `:long BYTES`: the answer is so much longer.
    Pad(usize),
}

/// The directives of a prompt. A line that is no directive is only text; so is a directive with a value
/// that it does not take. Blanks before `!` and `:` do not matter: a driver may put one there.
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
        (":exit", status) => status.parse().ok().map(Directive::Exit),
        (":die", "") => Some(Directive::Die),
        (":long", bytes) => bytes.parse().ok().map(Directive::Pad),
        _ => None,
    }
}

/// A turn that runs.
#[derive(Debug)]
pub(crate) struct Turn {
    /// What is left to do before the answer.
    pub(crate) directives: VecDeque<Directive>,
    /// The prompts that it answers.
    pub(crate) heard: Vec<String>,
    /// The model has not said a word yet: a stop now leaves no trace.
    pub(crate) mute: bool,
    /// How much longer its answer is.
    pub(crate) padding: usize,
    /// The next directive comes not before this.
    pub(crate) wake: Deadline,
    /// The tool that runs.
    pub(crate) tool: Option<Tool>,
    /// The tool use that waits for a permission: its id and its command.
    pub(crate) asked: Option<(String, String)>,
    /// The id of the last prompt's entry.
    pub(crate) prompt_id: String,
    /// When it began.
    pub(crate) since_ms: u64,
}

impl Turn {
    /// The turn that answers `prompts`, the last of which has the entry `prompt_id`.
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
        let echoes: Vec<String> = self.heard.iter().map(|text| format!("echo: {text}")).collect();
        let mut answer = echoes.join("\n");
        if self.padding > 0 {
            answer.push('\n');
            answer.push_str(&"x".repeat(self.padding));
        }
        answer
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

    /// The descriptor to wait for; none once the output has ended, lest the wait be no wait.
    pub(crate) fn fd(&self) -> Option<RawFd> {
        (!self.ended).then(|| self.pipe.as_raw_fd())
    }

    /// Takes the output that is there.
    pub(crate) fn read(&mut self) {
        let mut buffer = [0; 8192];
        while !self.ended {
            match self.pipe.read(&mut buffer) {
                Ok(0) => self.ended = true,
                Ok(n) => {
                    let room = OUTPUT_MAX - self.output.len();
                    self.output.extend_from_slice(&buffer[..n.min(room)]);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.ended = true,
            }
        }
    }

    /// The command's status, once it has ended.
    pub(crate) fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// All its output, after its end.
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
        let prompt = "hello\n!echo a b\n :slow 50\n:error 500\n:ask\n:ask rm x\n:exit 3\n:die\n\
                      :long 10\n:slow soon\n:unknown\n!\nmid !x";
        let expected = [
            Directive::Run("echo a b".into()),
            Directive::Wait(Duration::from_millis(50)),
            Directive::Fail(500),
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
