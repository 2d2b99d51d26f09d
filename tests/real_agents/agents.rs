//! The real agents: pinned versions, installed once, and homes in which they talk to the loopback
//! model from their first start.
//!
//! `AIMAX_AGENTS=claude@2.1.332,codex@0.164.0` has the tests run these versions instead of the
//! verified ones; an agent that it does not name keeps its own.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use crate::util::home::Home;
use crate::util::model::Model;
use crate::util::versions;

/// Which program it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Claude Code.
    Claude,
    /// Codex.
    Codex,
}

/// One version of one agent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Agent {
    /// Which program.
    pub(crate) kind: Kind,
    /// Its version, as npm knows it.
    pub(crate) version: &'static str,
}

impl fmt::Display for Agent {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} {}", self.program(), self.version)
    }
}

/// The oldest Claude Code of the verified versions.
pub(crate) fn claude_old() -> Agent {
    Agent::of(Kind::Claude).next().expect("a version")
}

/// The newest Claude Code.
pub(crate) fn claude_new() -> Agent {
    Agent::of(Kind::Claude).next_back().expect("a version")
}

/// The oldest Codex of the verified versions.
pub(crate) fn codex_old() -> Agent {
    Agent::of(Kind::Codex).next().expect("a version")
}

/// The newest Codex.
pub(crate) fn codex_new() -> Agent {
    Agent::of(Kind::Codex).next_back().expect("a version")
}

/// The newest and the oldest verified version of each agent.
pub(crate) fn all() -> Vec<Agent> {
    let mut all = vec![claude_new(), claude_old(), codex_new(), codex_old()];
    all.dedup_by_key(|agent| agent.version);
    all
}

/// Whether the agent trusts the project folder already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// It does: no dialog at the start.
    Seeded,
    /// It has never seen the folder.
    Ask,
}

impl Kind {
    /// The command's name, `claude` or `codex`.
    fn program(self) -> &'static str {
        match self {
            Kind::Claude => "claude",
            Kind::Codex => "codex",
        }
    }
}

impl Agent {
    /// The chosen versions of an agent, or else the verified ones, oldest first.
    fn of(kind: Kind) -> impl DoubleEndedIterator<Item = Agent> {
        let chosen = std::env::var("AIMAX_AGENTS").map(|words| Agent::named(&words));
        let mut agents: Vec<Agent> = chosen.unwrap_or_default();
        agents.retain(|agent| agent.kind == kind);
        if agents.is_empty() {
            let verified = versions::of(kind.program());
            agents.extend(verified.map(|version| Agent { kind, version: version.number }));
        }
        agents.into_iter()
    }

    /// The agents of a list such as `claude@2.1.332,codex@0.169.0`.
    pub(crate) fn named(words: &str) -> Vec<Agent> {
        let one = |word: &str| {
            let (program, version) = word.split_once('@').expect("AGENT@VERSION");
            let kind = match program {
                "claude" => Kind::Claude,
                "codex" => Kind::Codex,
                other => panic!("no agent {other:?}"),
            };
            Agent { kind, version: version.to_owned().leak() }
        };
        words.split(',').map(|word| one(word.trim())).collect()
    }

    /// Whether it is version `first` or a later one.
    pub(crate) fn since(self, first: &str) -> bool {
        versions::since(self.version, first)
    }

    /// Whether it heeds a key while whole lines of an answer stream. Codex before 0.155 shows no
    /// status row then, and takes an Escape only where it shows one.
    pub(crate) fn heeds_keys_while_it_streams(self) -> bool {
        self.kind == Kind::Claude || self.since("0.155.0")
    }

    /// The command's name, `claude` or `codex`.
    pub(crate) fn program(self) -> &'static str {
        self.kind.program()
    }

    /// The backend that drives it.
    pub(crate) fn backend(self) -> &'static str {
        match self.kind {
            Kind::Claude => "tmux-claude-code",
            Kind::Codex => "tmux-codex",
        }
    }

    /// The command that starts it by hand, as its docs say, with a title that tells what it does.
    pub(crate) fn argv(self) -> &'static [&'static str] {
        match self.kind {
            Kind::Claude => &["claude", "--dangerously-skip-permissions"],
            Kind::Codex => &[
                "codex",
                "-c",
                r#"tui.terminal_title=["activity","run-state","thread-id"]"#,
                "-c",
                "tui.animations=false",
                "-c",
                "features.daemon_auto_start=false",
                "--dangerously-bypass-approvals-and-sandbox",
            ],
        }
    }

    fn package(self) -> &'static str {
        match self.kind {
            Kind::Claude => "@anthropic-ai/claude-code",
            Kind::Codex => "@openai/codex",
        }
    }

    /// Installs it with npm if it is not there yet, and gives the folder that holds nothing but the
    /// agent's own program under its usual name.
    ///
    /// Fails loudly: a test of a real agent that cannot run must not look like one that passed.
    pub(crate) fn install(self) -> PathBuf {
        let folder = install_once(&format!("{}-{}", self.program(), self.version), |folder| {
            let bin = folder.join("bin");
            fs::create_dir_all(&bin).expect("a folder for the agent");
            self.npm_install(folder);
            let native = self.native(folder);
            // Relative, so that the folder may be moved.
            let below = native.strip_prefix(folder).expect("a program in the folder");
            let link = bin.join(self.program());
            std::os::unix::fs::symlink(Path::new("..").join(below), link).expect("a link");
            self.check_version(&bin.join(self.program()));
        });
        folder.join("bin")
    }

    fn npm_install(self, folder: &Path) {
        fs::write(folder.join("package.json"), "{\"private\": true}\n").expect("a package.json");
        let output = Command::new("npm")
            .args(["install", "--ignore-scripts", "--no-fund", "--no-audit", "--save-exact"])
            .arg(format!("{}@{}", self.package(), self.version))
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .expect("npm on the PATH: the real agents come from there");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "npm install {}: {errors}", self.package());
    }

    /// The native program, which npm brings in a package of its own for each platform; for versions
    /// that have none, npm's launcher.
    fn native(self, folder: &Path) -> PathBuf {
        let os = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
        let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
        let package = folder.join("node_modules").join(format!("{}-{os}-{arch}", self.package()));
        let found = match self.kind {
            Kind::Claude => Some(package.join("claude")),
            Kind::Codex => fs::read_dir(package.join("vendor")).ok().and_then(|triples| {
                let triples = triples.flatten().map(|triple| triple.path());
                let places = triples.flat_map(|at| [at.join("bin/codex"), at.join("codex/codex")]);
                places.into_iter().find(|program| program.is_file())
            }),
        };
        let launcher = folder.join("node_modules/.bin").join(self.program());
        let mut found = found.into_iter().chain([launcher]);
        let found = found.find(|program| program.is_file());
        found.unwrap_or_else(|| panic!("no native program in {}", package.display()))
    }

    fn check_version(self, program: &Path) {
        let home = Home::new();
        let output = home.command(program).arg("--version").output().expect("the agent starts");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains(self.version), "{} says {text:?}", program.display());
    }

    /// A home with this agent on its `PATH`, where it talks to `model` and needs no account.
    pub(crate) fn home(self, model: &Model, trust: Trust) -> Home {
        let mut home = Home::new();
        home.add_path(self.install());
        self.seed(&mut home, model, trust);
        home
    }

    /// Makes `home` one where this agent talks to `model`: may be called for both agents in turn.
    pub(crate) fn seed(self, home: &mut Home, model: &Model, trust: Trust) {
        match self.kind {
            Kind::Claude => seed_claude(home, model, trust),
            Kind::Codex => seed_codex(home, model, trust, self.model()),
        }
    }

    /// Its own word that it rests, if it does: since when, in epoch milliseconds. Claude Code says so
    /// in the state file of its process, Codex in its transcript.
    pub(crate) fn rests(self, home: &Home, pid: u64) -> Option<u64> {
        match self.kind {
            Kind::Claude => {
                let path = home.home().join(format!(".claude/sessions/{pid}.json"));
                let state: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
                let rests = matches!(state["status"].as_str(), Some("idle" | "shell"));
                state["statusUpdatedAt"].as_u64().filter(|_| rests)
            }
            Kind::Codex => {
                let text =
                    fs::read_to_string(newest(&home.home().join(".codex/sessions"))?).ok()?;
                let whole = &text[..=text.rfind('\n')?];
                let turn = |line: &&str| {
                    let kinds = ["task_started", "task_complete", "turn_aborted"];
                    kinds.iter().any(|kind| line.contains(&format!("\"type\":\"{kind}\"")))
                };
                let line: Value = serde_json::from_str(whole.lines().rfind(turn)?).ok()?;
                let rests = line["payload"]["type"] != "task_started";
                aimax::internal::parse_rfc3339(line["timestamp"].as_str()?).filter(|_| rests)
            }
        }
    }

    /// When its transcript says last that a turn failed, in epoch milliseconds; Codex says there when it
    /// rests, too. `session` is a record of ours of its session.
    pub(crate) fn failed_at(self, home: &Home, session: &Value) -> Option<u64> {
        match self.kind {
            Kind::Claude => {
                let text = fs::read_to_string(session["jsonlPath"].as_str()?).ok()?;
                let whole = &text[..=text.rfind('\n')?];
                let failed =
                    whole.lines().rfind(|line| line.contains("\"isApiErrorMessage\":true"))?;
                let line: Value = serde_json::from_str(failed).ok()?;
                aimax::internal::parse_rfc3339(line["timestamp"].as_str()?)
            }
            Kind::Codex => self.rests(home, session["pid"].as_u64()?),
        }
    }

    /// When it says itself that its last turn ended, in epoch milliseconds: Claude Code in the state
    /// file of its process, Codex in its transcript. `session` is a record of ours of its session.
    pub(crate) fn turn_ended_at(self, home: &Home, session: &Value) -> u64 {
        match self.kind {
            Kind::Claude => {
                let path = format!(".claude/sessions/{}.json", session["pid"]);
                let path = home.home().join(path);
                let text = fs::read_to_string(&path).expect("its state");
                let state: Value = serde_json::from_str(&text).expect("JSON");
                // Old versions do not say when; the file tells when they last said something.
                state["statusUpdatedAt"].as_u64().unwrap_or_else(|| {
                    let written = fs::metadata(&path).and_then(|file| file.modified());
                    let since = written.expect("a time").duration_since(UNIX_EPOCH);
                    since.expect("a time").as_millis().try_into().expect("a time")
                })
            }
            Kind::Codex => {
                let path = session["jsonlPath"].as_str().expect("a transcript");
                let text = fs::read_to_string(path).expect("the transcript");
                let last = text.lines().rfind(|line| line.contains("\"task_complete\""));
                let line: Value = serde_json::from_str(last.expect("an end")).expect("JSON");
                let time = line["timestamp"].as_str().expect("a time");
                aimax::internal::parse_rfc3339(time).expect("a time")
            }
        }
    }

    /// A model's name that this version starts with, without a dialog.
    fn model(self) -> &'static str {
        match self.kind {
            Kind::Codex if self.since("0.169.0") => "gpt-6-sol",
            _ => "loopback-model",
        }
    }
}

/// The folder `name` of what is installed for these tests. `make` fills it if it is not there yet.
pub(crate) fn install_once(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let agents = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("agents");
    let folder = agents.join(name);
    fs::create_dir_all(&agents).expect("a folder below target/");
    let lock = File::create(agents.join(format!("{name}.lock"))).expect("a lock file");
    lock.lock().expect("the lock");
    // The stamp is written last, so an interrupted install is seen and done again.
    let stamp = folder.join("installed");
    if !stamp.exists() {
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("an interrupted install goes away");
        }
        make(&folder);
        fs::write(&stamp, name).expect("the stamp");
    }
    folder
}

/// The last file by name below `folder`, and below its last folder: the newest rollout.
fn newest(folder: &Path) -> Option<PathBuf> {
    let last = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).max()?;
    if last.is_dir() { newest(&last) } else { Some(last) }
}

/// The files that Claude Code reads at its first start.
fn seed_claude(home: &mut Home, model: &Model, trust: Trust) {
    let project = home.proj().to_string_lossy().into_owned();
    let mut state = json!({"hasCompletedOnboarding": true, "theme": "dark", "projects": {}});
    if trust == Trust::Seeded {
        state["projects"][project] = json!({"hasTrustDialogAccepted": true});
    }
    home.write(".claude.json", state.to_string());
    let settings = json!({
        "env": {
            "ANTHROPIC_BASE_URL": model.url(),
            "ANTHROPIC_AUTH_TOKEN": "made-up-for-the-loopback-model",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_TELEMETRY": "1",
        },
        "skipDangerousModePermissionPrompt": true,
    });
    home.write(".claude/settings.json", settings.to_string());
    // Bypassed permissions are refused to root outside a sandbox.
    home.set("IS_SANDBOX", "1");
}

/// The file that Codex reads at its first start.
fn seed_codex(home: &mut Home, model: &Model, trust: Trust, name: &str) {
    let mut config = format!(
        r#"model = "{name}"
model_provider = "loopback"
check_for_update_on_startup = false

[model_providers.loopback]
name = "loopback"
base_url = "{}/v1"
env_key = "LOOPBACK_KEY"
wire_api = "responses"

[analytics]
enabled = false

[feedback]
enabled = false

[tui]
show_tooltips = false
"#,
        model.url()
    );
    if trust == Trust::Seeded {
        let project = home.proj();
        let entry = format!("\n[projects.\"{}\"]\ntrust_level = \"trusted\"\n", project.display());
        config.push_str(&entry);
    }
    home.write(".codex/config.toml", config);
    home.set("LOOPBACK_KEY", "made-up-for-the-loopback-model");
}
