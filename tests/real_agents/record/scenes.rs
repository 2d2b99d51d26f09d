//! What is recorded, as data: how each transcript and each screen comes about. The tables of
//! `tests/fixtures/README.md` say the same, and a test compares the names.
//!
//! A scene that a version does not play gets a `since` or a `before`, and a comment that says why:
//! what cannot be recorded is never made up.

use crate::agents::{Agent, Kind};

/// One start of an agent, and what is done and recorded from then on.
pub(super) struct Scene {
    kind: Option<Kind>,
    since: &'static str,
    before: &'static str,
    /// What is different from a start in a trusted folder with all permissions.
    pub(super) setup: &'static [Setup],
    pub(super) steps: &'static [Step],
}

/// What is different about a start.
pub(super) enum Setup {
    /// The agent has never seen the folder.
    Unseen,
    /// The folder is a repository.
    Repository,
    /// `HOME` is the folder.
    InHome,
    /// A file below the home.
    HomeFile(&'static str, &'static str),
    /// A file below the project.
    ProjFile(&'static str, &'static str),
    /// A file below the home is not there.
    Missing(&'static str),
    /// A field of Claude Code's settings is not there, by its JSON pointer's parent and name.
    Unset(&'static str, &'static str),
    /// A line of Codex's configuration that begins with the first is the second.
    Config(&'static str, &'static str),
    /// Codex's configuration goes on with this.
    ConfigMore(&'static str),
    /// A variable of the environment.
    Env(&'static str, &'static str),
    /// More arguments.
    Args(&'static [&'static str]),
    /// In place of the last argument, the one that permits all.
    Permissions(&'static [&'static str]),
    /// Words before the command.
    Before(&'static [&'static str]),
}

/// What is done next.
pub(super) enum Step {
    /// Waits; each wait has a deadline.
    Until(Sign),
    /// Pastes a prompt as the agent takes it, and presses Enter.
    Send(&'static str),
    /// The same with Tab, which makes Codex keep it for later.
    SendLater(&'static str),
    /// Pastes a prompt and leaves it in the input box.
    Draft(&'static str),
    /// Takes all text out of the input box.
    Clear,
    /// Types a command of the agent's own and presses Enter.
    Command(&'static str),
    /// Presses a key.
    Key(&'static str),
    /// Presses the key that stops a turn while its answer streams.
    Interrupt,
    /// Lets the model's slow answers end.
    Release,
    /// Starts the agent on the same conversation in a second pane, and goes on there.
    OpenAgain,
    /// Records the screen under this name.
    Screen(&'static str),
    /// Records the newest transcript under this name.
    Transcript(&'static str),
    /// Records the oldest transcript under this name.
    OldTranscript(&'static str),
}

/// What is waited for.
#[derive(Clone, Copy)]
pub(super) enum Sign {
    /// The agent says that it is idle, and its input box is empty.
    Ready,
    /// So many turns of the newest transcript are over, and the agent is ready.
    Over(usize),
    /// The same, but the input box may hold the prompt again.
    Stopped(usize),
    /// So many tool calls are in the newest transcript.
    Called(usize),
    /// A text in the newest transcript.
    Recorded(&'static str),
    /// A text on the screen, in small or capital letters.
    Text(&'static str),
    /// This dialog, by the screen profile's name for it.
    Dialog(&'static str),
    /// The program has ended.
    Ended,
    /// The first frame with an input box, before the agent says that it is idle.
    FirstFrame,
}

use Setup::{
    Args, Before, Config, ConfigMore, Env, HomeFile, InHome, Missing, Permissions, ProjFile,
    Repository, Unseen, Unset,
};
use Sign::{Called, Dialog, Ended, FirstFrame, Over, Ready, Recorded, Stopped, Text};
use Step::{
    Clear, Command, Draft, Interrupt, Key, OldTranscript, OpenAgain, Release, Screen, Send,
    SendLater, Transcript, Until,
};

impl Scene {
    const fn both(setup: &'static [Setup], steps: &'static [Step]) -> Self {
        Scene { kind: None, since: "", before: "", setup, steps }
    }

    const fn of(kind: Kind, setup: &'static [Setup], steps: &'static [Step]) -> Self {
        Scene { kind: Some(kind), ..Self::both(setup, steps) }
    }

    const fn claude(setup: &'static [Setup], steps: &'static [Step]) -> Self {
        Self::of(Kind::Claude, setup, steps)
    }

    const fn codex(setup: &'static [Setup], steps: &'static [Step]) -> Self {
        Self::of(Kind::Codex, setup, steps)
    }

    const fn since(self, version: &'static str) -> Self {
        Scene { since: version, ..self }
    }

    const fn before(self, version: &'static str) -> Self {
        Scene { before: version, ..self }
    }

    /// Whether this version of this agent plays it.
    pub(super) fn concerns(&self, agent: Agent) -> bool {
        let version = number(agent.version);
        self.kind.is_none_or(|kind| kind == agent.kind)
            && number(self.since) <= version
            && (self.before.is_empty() || version < number(self.before))
    }

    /// What it records.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.steps.iter().filter_map(Step::name)
    }
}

impl Step {
    /// What it records, if it does.
    pub(super) fn name(&self) -> Option<&'static str> {
        match self {
            Screen(name) | Transcript(name) | OldTranscript(name) => Some(name),
            _ => None,
        }
    }
}

/// A version's parts, to tell which of two is newer.
pub(super) fn number(version: &str) -> Vec<u32> {
    version.split('.').map_while(|part| part.parse().ok()).collect()
}

const PASTE: &str = "\
line 1 of a long paste, with some words in it that make it longer than a thousand characters
line 2 of a long paste, with some words in it that make it longer than a thousand characters
line 3 of a long paste, with some words in it that make it longer than a thousand characters
line 4 of a long paste, with some words in it that make it longer than a thousand characters
line 5 of a long paste, with some words in it that make it longer than a thousand characters
line 6 of a long paste, with some words in it that make it longer than a thousand characters
line 7 of a long paste, with some words in it that make it longer than a thousand characters
line 8 of a long paste, with some words in it that make it longer than a thousand characters
line 9 of a long paste, with some words in it that make it longer than a thousand characters
line 10 of a long paste, with some words in it that make it longer than a thousand characters
line 11 of a long paste, with some words in it that make it longer than a thousand characters
line 12 of a long paste, with some words in it that make it longer than a thousand characters";

const LOOP: &str = "TOOL:for i in 1 2 3 4 5 6 7 8; do sleep 0.5; done; echo done";
const LONG_LOOP: &str = "TOOL:for i in 1 2 3 4 5 6 7 8 9; do sleep 1; done";
const UNKNOWN_ID: &str = "01a20000-0000-7000-8000-000000000000";

/// The scenes of both agents, then those of each.
pub(super) const SCENES: &[Scene] = &[
    Scene::both(
        &[],
        &[
            Until(Ready),
            Screen("ready"),
            Send("Say hello to the fixture"),
            Until(Over(1)),
            Screen("idle-after-turn"),
            Transcript("plain"),
            Draft("a draft that nobody sent"),
            Until(Text("a draft that nobody sent")),
            Screen("draft"),
            Clear,
            Draft(PASTE),
            Until(Text("[Pasted ")),
            Screen("draft-collapsed"),
            Clear,
            Send(PASTE),
            Until(Over(2)),
            Transcript("collapsed-paste"),
        ],
    ),
    Scene::both(
        &[],
        &[
            Until(Ready),
            Send("TOOL:echo made by $((40 + 2))"),
            Until(Over(1)),
            Transcript("tool"),
            Send("SLOW:30000"),
            Until(Text("slow 3")),
            Interrupt,
            Until(Over(2)),
            Screen("interrupted"),
            Transcript("interrupt"),
            Send(LONG_LOOP),
            Until(Called(2)),
            Key("Escape"),
            Until(Stopped(3)),
            Transcript("interrupt-tool"),
        ],
    ),
    Scene::both(
        &[],
        &[
            Until(Ready),
            Send("ERROR:400"),
            Until(Over(1)),
            Screen("api-error"),
            Transcript("api-error"),
        ],
    ),
    Scene::claude(
        &[],
        &[
            Until(Ready),
            Send("SLOW:6000 first"),
            Until(Text("slow 3")),
            Screen("working"),
            Send("the queued one"),
            Until(Text("the queued one")),
            Screen("working-queued"),
            Release,
            Until(Over(2)),
            Transcript("queued-while-streaming"),
        ],
    ),
    Scene::codex(
        &[],
        &[
            Until(Ready),
            Send("SLOW:5000 first"),
            Until(Text("slow 3")),
            Screen("working"),
            Send("the steering one"),
            Until(Text("the steering one")),
            Screen("working-steer"),
            Release,
            Until(Over(1)),
            Transcript("steer-while-streaming"),
        ],
    ),
    Scene::codex(
        &[],
        &[
            Until(Ready),
            Send("SLOW:4000 first"),
            Until(Text("slow 3")),
            SendLater("the queued one"),
            Until(Text("the queued one")),
            Screen("working-queued"),
            Release,
            Until(Over(2)),
            Transcript("queued-while-streaming"),
        ],
    ),
    Scene::claude(
        &[],
        &[
            Until(Ready),
            Send(LOOP),
            Until(Called(1)),
            Until(Text("esc to interrupt")),
            Screen("working-tool"),
            Send("queued during the tool"),
            Until(Over(1)),
            Transcript("queued-during-tool"),
        ],
    ),
    Scene::codex(
        &[],
        &[
            Until(Ready),
            Send(LOOP),
            Until(Called(1)),
            Until(Text("esc to interrupt")),
            Screen("working-tool"),
            Send("sent during the tool"),
            Until(Over(1)),
            Transcript("steer-during-tool"),
        ],
    ),
    Scene::claude(
        &[],
        &[
            Until(Ready),
            Send("ERROR:500x3 now"),
            Until(Text("retrying in")),
            Screen("retrying"),
            Until(Over(1)),
            Transcript("api-retry"),
        ],
    ),
    Scene::codex(
        &[],
        &[
            Until(Ready),
            Send("ERROR:500x7 now"),
            Until(Text("reconnecting")),
            Screen("retrying"),
            Until(Over(1)),
            Transcript("api-retry"),
        ],
    ),
    Scene::claude(
        &[],
        &[
            Until(Ready),
            Send("before the summary"),
            Until(Over(1)),
            Send("LONG:3000 and a second prompt"),
            Until(Over(2)),
            Command("/compact"),
            Until(Recorded("compact_boundary")),
            Until(Ready),
            Send("after the summary"),
            Until(Over(3)),
            Transcript("compact"),
            Command("/clear"),
            Until(Recorded("<command-name>/clear")),
            Until(Ready),
            Send("after the clear"),
            Until(Over(1)),
            OldTranscript("clear-before"),
            Transcript("clear-after"),
        ],
    ),
    Scene::codex(
        &[],
        &[
            Until(Ready),
            Send("before the summary"),
            Until(Over(1)),
            Command("/compact"),
            Until(Over(2)),
            Send("after the summary"),
            Until(Over(3)),
            Transcript("compact"),
            Command("/clear"),
            Until(Ready),
            Send("after the clear"),
            Until(Recorded("after the clear")),
            Until(Over(1)),
            OldTranscript("clear-before"),
            Transcript("clear-after"),
        ],
    ),
    Scene::claude(
        &[Permissions(&["--permission-mode", "default"])],
        &[
            Until(Ready),
            Screen("ready-ask"),
            Send("TOOL:touch made-by-the-tool"),
            Until(Dialog("permission")),
            Screen("permission"),
            Transcript("permission-open"),
            Key("Escape"),
            Until(Over(1)),
            Transcript("permission-denied"),
        ],
    ),
    Scene::codex(
        &[Permissions(&["-a", "on-request"])],
        &[
            Until(Ready),
            Screen("ready-ask"),
            Send("ESCALATE:touch made-by-the-tool"),
            Until(Dialog("approval")),
            Screen("approval"),
            Transcript("approval-open"),
            Key("Escape"),
            Until(Over(1)),
            Transcript("approval-denied"),
        ],
    ),
    Scene::claude(
        &[],
        &[Until(Ready), Send("ASK me"), Until(Dialog("question")), Screen("question")],
    ),
    Scene::claude(
        &[],
        &[
            Until(Ready),
            Send("one prompt to rewind"),
            Until(Over(1)),
            Key("Escape"),
            Key("Escape"),
            Until(Dialog("rewind")),
            Screen("rewind"),
        ],
    ),
    Scene::claude(&[Unseen], &[Until(Dialog("trust")), Screen("trust")]),
    Scene::codex(&[Unseen, Repository], &[Until(Dialog("trust")), Screen("trust")]),
    Scene::claude(&[Unseen, InHome], &[Until(Dialog("trust")), Screen("trust-home")]),
    Scene::claude(
        &[Unseen, ProjFile(".claude/settings.json", r#"{"permissions":{"allow":["Bash(ls:*)"]}}"#)],
        &[Until(Dialog("trust")), Screen("trust-preapproves")],
    ),
    Scene::claude(
        &[Env("ANTHROPIC_API_KEY", "sk-ant-made-up-for-the-loopback-model")],
        &[Until(Dialog("api-key")), Screen("api-key")],
    ),
    Scene::claude(
        &[Unset("", "skipDangerousModePermissionPrompt")],
        &[Until(Dialog("bypass-permissions")), Screen("bypass")],
    ),
    Scene::claude(
        &[HomeFile(".claude.json", "{")],
        &[Until(Dialog("configuration-error")), Screen("config-error")],
    ),
    Scene::codex(
        &[HomeFile(".codex/config.toml", "model =\n")],
        &[Until(Ended), Screen("config-error")],
    ),
    Scene::claude(
        &[ProjFile("CLAUDE.md", "@../outside.md\n"), ProjFile("../outside.md", "# From outside\n")],
        &[Until(Dialog("external-imports")), Screen("external-imports")],
    ),
    Scene::claude(
        &[
            Permissions(&[]),
            ProjFile(".mcp.json", r#"{"mcpServers":{"foo":{"command":"cat","args":[]}}}"#),
        ],
        &[Until(Dialog("mcp-server")), Screen("mcp")],
    ),
    Scene::claude(&[Args(&["--resume", UNKNOWN_ID])], &[Until(Ended), Screen("no-conversation")]),
    Scene::codex(&[Args(&["resume", UNKNOWN_ID])], &[Until(Ended), Screen("no-such-session")]),
    Scene::claude(
        &[Unset("/env", "ANTHROPIC_AUTH_TOKEN")],
        &[Until(Ready), Screen("not-logged-in")],
    ),
    // Either start leads there with either version.
    Scene::claude(
        &[Missing(".claude.json")],
        &[
            Until(Dialog("onboarding")),
            Screen("onboarding"),
            Key("Enter"),
            Until(Dialog("security-notes")),
            Screen("security-notes"),
        ],
    )
    .before("2.1.330"),
    Scene::claude(
        &[HomeFile(".claude.json", r#"{"hasCompletedOnboarding":false}"#)],
        &[
            Until(Dialog("onboarding")),
            Screen("onboarding"),
            Key("Enter"),
            Until(Dialog("security-notes")),
            Screen("security-notes"),
        ],
    )
    .since("2.1.330"),
    Scene::claude(
        &[Args(&["--resume", "not-a-uuid"])],
        &[Until(Dialog("resume-picker")), Screen("resume-picker")],
    ),
    Scene::claude(&[Env("IS_SANDBOX", "0")], &[Until(Ended), Screen("root-refused")]),
    Scene::claude(
        &[ProjFile("bad.json", "{\"hooks\":"), Args(&["--settings", "bad.json"])],
        &[Until(Dialog("settings-error")), Screen("settings-error")],
    ),
    Scene::claude(
        &[
            ProjFile("odd.json", r#"{"hooks":{"NoSuchEvent":[]}}"#),
            Args(&["--settings", "odd.json"]),
        ],
        &[Until(Dialog("settings-warning")), Screen("settings-warning")],
    ),
    // 2.1.197 adds the folder without a question.
    Scene::claude(
        &[Args(&["--add-dir", "/tmp"])],
        &[Until(Dialog("add-directory")), Screen("add-dir")],
    )
    .since("2.1.330"),
    Scene::codex(
        &[ConfigMore(
            "\n[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = \"command\"\ncommand = \"true\"\n",
        )],
        &[Until(Dialog("hooks-review")), Screen("hooks-review")],
    ),
    Scene::codex(&[HomeFile(".codex/config.toml", "")], &[Until(Dialog("login")), Screen("login")]),
    Scene::codex(
        &[Config("model =", "model = \"gpt-5.2\"")],
        &[Until(Dialog("model-migration")), Screen("model-migration")],
    )
    .before("0.169.0"),
    Scene::codex(
        &[Config("model =", "model = \"gpt-5.5\"")],
        &[Until(Dialog("model-migration")), Screen("model-migration")],
    )
    .since("0.169.0"),
    Scene::codex(
        &[
            Config("check_for_update_on_startup", "check_for_update_on_startup = true"),
            HomeFile(
                ".codex/version.json",
                r#"{"latest_version":"9.9.9","last_checked_at":"2099-01-01T00:00:00Z"}"#,
            ),
            Env("CODEX_MANAGED_BY_NPM", "1"),
        ],
        &[Until(Dialog("update")), Screen("update")],
    ),
    // 0.142.5 has no command center, asks nothing about the terminal, and opens a conversation twice.
    Scene::codex(
        &[],
        &[Until(Ready), Key("Left"), Until(Dialog("command-center")), Screen("command-center")],
    )
    .since("0.169.0"),
    Scene::codex(
        &[Before(&["env", "TERM=dumb"])],
        &[Until(Dialog("terminal")), Screen("dumb-terminal")],
    )
    .since("0.169.0"),
    Scene::codex(&[], &[Until(FirstFrame), Screen("false-ready")]).since("0.169.0"),
    Scene::codex(
        &[],
        &[
            Until(Ready),
            Send("hello"),
            Until(Over(1)),
            OpenAgain,
            Until(Dialog("open-elsewhere")),
            Screen("open-elsewhere"),
        ],
    )
    .since("0.169.0"),
];
