//! How turns end on the real agents, one by one, and what they leave behind: done, or failed for a reason of
//! its own. Nothing is interrupted here, so nothing may be told so.

use std::fs::{self, OpenOptions};
use std::io::Write;

use serde_json::{Value, json};

use crate::agents::{Agent, Kind, Trust};
use crate::run::run;
use crate::truth::Stage;
use crate::util::home::Home;
use crate::util::model::Model;
use crate::util::wait::{PATIENCE, wait_until};

/// A session in a home with these settings of Claude Code's.
fn with_settings(agent: Agent, change: impl FnOnce(&mut Value)) -> Stage {
    let model = Model::start();
    let mut home = agent.home(&model, Trust::Seeded);
    home.set("CLAUDE_CODE_MAX_RETRIES", "1");
    let path = home.home().join(".claude/settings.json");
    let mut settings: Value =
        serde_json::from_slice(&fs::read(&path).expect("settings")).expect("JSON");
    change(&mut settings);
    fs::write(path, settings.to_string()).expect("settings");
    let stage = Stage { model, home };
    run(&stage.home, "spawn", &["-b", agent.backend(), "-s", "t"]).record();
    stage
}

/// That the job ended so: done where `reason` is empty. The files, the programs and the events agree.
#[track_caller]
fn ends(stage: &Stage, prompt: &str, reason: &str) -> Value {
    stage.paste(prompt);
    let (status, record) = stage.waits();
    println!("    {prompt}: {record}");
    let expected = if reason.is_empty() { (Some(0), "done") } else { (Some(1), "failed") };
    assert_eq!(
        (status, record["state"].as_str()),
        (expected.0, Some(expected.1)),
        "{prompt}: {record}"
    );
    assert!(!stage.is_running(), "{prompt}");
    let said = record["reason"].as_str().unwrap_or_default();
    assert!(said.contains(reason) && said != "interrupted", "{prompt}: {record}");
    wait_until(PATIENCE, "the agent's rest", || stage.listed()["state"] != "working");
    let state = if reason.is_empty() { "idle" } else { "failed" };
    assert_eq!(stage.listed()["state"], state, "{prompt}");
    let tail = run(&stage.home, "tail", &["-s", "t", "--events"]);
    let is_end = |event: &&Value| {
        let kind = event["kind"].as_str().expect("a kind");
        matches!(kind, "turn_end" | "error" | "interrupted")
    };
    let last = tail.records.iter().rfind(is_end).expect("an end");
    // An older Codex only says that there was no answer.
    let kinds = if reason.is_empty() || said == NO_ANSWER { "turn_end" } else { "error" };
    assert_eq!(last["kind"], kinds, "{prompt}: {last}");
    record
}

const NO_ANSWER: &str = "the turn ended without an answer";

/// For whatever reason the model stops.
fn stops(agent: Agent) {
    let stage = Stage::new(agent);
    let both: &[(&str, &str)] = &[("hello", "")];
    let own: &[(&str, &str)] = match agent.kind {
        Kind::Claude => &[
            ("STOP:stop x", ""),
            ("STOP:pause_turn x", ""),
            ("STOP:null x", ""),
            ("STOP:something_new x", ""),
            ("STOP:max_tokens x", ""),
            ("STOP:model_context_window_exceeded x", ""),
            ("STOP:refusal x", if agent.since("2.1.330") { "" } else { "Usage Policy" }),
        ],
        Kind::Codex if agent.since("0.155.0") => {
            &[("STOP:max_output_tokens x", "max_output_tokens")]
        }
        Kind::Codex => &[],
    };
    for (prompt, reason) in [both, own, both].concat() {
        ends(&stage, prompt, reason);
    }
    run(&stage.home, "kill", &["t"]).record();
}

/// What the network and the service do.
fn fails(agent: Agent) {
    let stage = Stage::new(agent);
    let old = agent.kind == Kind::Codex && !agent.since("0.155.0");
    for (prompt, reason) in [
        ("ERROR:429 x", "429"),
        ("ERROR:401 x", "401"),
        ("ERROR:413 x", if agent.kind == Kind::Claude { "too large" } else { "413" }),
    ] {
        ends(&stage, prompt, if old { NO_ANSWER } else { reason });
    }
    if agent.kind == Kind::Codex {
        ends(&stage, "CUT x", if old { NO_ANSWER } else { "stream disconnected" });
    }
    // While a request is tried again, the listing tells.
    stage.paste("ERROR:529x9 x");
    let mut shown = Value::Null;
    wait_until(PATIENCE, "a request that is tried again", || {
        shown = stage.listed();
        shown["retrying"] == true
    });
    assert_eq!(shown["state"], "working", "{shown}");
    println!("    {}", shown["shows"]);
    assert!(shown["shows"].as_str().is_some_and(|shows| shows.len() > 10), "{shown}");
    run(&stage.home, "paste", &["-s", "t", "--interrupt"]).record();
    run(&stage.home, "kill", &["t"]).record();
}

/// A session whose account may have usage limits.
pub(crate) fn subscribed(agent: Agent) -> Stage {
    match agent.kind {
        Kind::Codex => Stage::new(agent),
        // Only a subscription has such limits.
        Kind::Claude => with_settings(agent, |settings| {
            let env = settings["env"].as_object_mut().expect("an environment");
            env.remove("ANTHROPIC_AUTH_TOKEN");
            env.insert("CLAUDE_CODE_OAUTH_TOKEN".into(), "sk-ant-oat01-made-up".into());
        }),
    }
}

/// A usage limit is told with its end.
fn limited(agent: Agent) {
    let stage = subscribed(agent);
    let before = aimax::internal::now_ms();
    stage.paste("LIMIT:7200 x");
    let (status, record) = stage.waits();
    println!("    {record}");
    assert_eq!((status, record["reason"].as_str()), (Some(1), Some("usage_limit")), "{record}");
    let message = record["message"].as_str().expect("the agent's words");
    println!("    {message}");
    // 2.1.197 writes the time of day alone.
    if agent.kind == Kind::Codex || agent.since("2.1.330") {
        let until = record["resetsAt"].as_u64().expect("when it ends");
        let expected = before + 7_200_000;
        assert!(until.abs_diff(expected) < 120_000, "{until}, not about {expected}");
    }
    run(&stage.home, "kill", &["t"]).record();
}

/// A hook of the user's stops the turn, in its own words.
fn hooked(agent: Agent) {
    for (event, prompt, reason) in [
        ("PostToolUse", "TOOL:echo hi", "enough for now"),
        ("UserPromptSubmit", "hello", "enough for now"),
        ("Stop", "hello", ""),
    ] {
        let answer = json!({"continue": false, "stopReason": "enough for now"});
        let command = format!("cat >/dev/null; echo '{answer}'");
        let hook = json!([{"hooks": [{"type": "command", "command": command}]}]);
        let stage = with_settings(agent, |settings| settings["hooks"] = json!({event: hook}));
        ends(&stage, prompt, reason);
        run(&stage.home, "kill", &["t"]).record();
    }
}

/// A transcript that ends badly: the session is resumed, prompts are proven, and the damage is named.
fn damaged(agent: Agent) {
    for way in ["half", "nulls", "newline"] {
        let stage = Stage::new(agent);
        ends(&stage, "first", "");
        let known = stage.listed();
        run(&stage.home, "kill", &["t"]).record();
        let path = known["jsonlPath"].as_str().expect("a transcript");
        let whole = fs::read(path).expect("the transcript");
        let mut file = OpenOptions::new().append(true).open(path).expect("the transcript");
        let lines = whole.trim_ascii_end();
        let last = lines.iter().rposition(|byte| *byte == b'\n').expect("a line") + 1;
        match way {
            "half" => file.write_all(&whole[last..last + 60]),
            "nulls" => file.write_all(&[0; 300]),
            _ => file.set_len(whole.len() as u64 - 1),
        }
        .expect("damage");
        let id = known["agentSessionId"].as_str().expect("an id");
        run(&stage.home, "spawn", &["-b", agent.backend(), "-s", "t", "--resume", id]).record();
        ends(&stage, "second", "");
        ends(&stage, "third", "");
        let tail = run(&stage.home, "tail", &["-s", "t", "--events"]);
        let told = |kind: &str| tail.records.iter().filter(|event| event["kind"] == kind).count();
        assert_eq!((told("prompt"), told("text"), told("turn_end")), (3, 3, 3), "{way}");
        let named = format!("offset {}: skipped", whole.len());
        assert_eq!(tail.said.contains(&named), way != "newline", "{way}: {}", tail.said);
        run(&stage.home, "kill", &["t"]).record();
    }
}

/// What would keep the agent from writing a transcript is switched off, or refused by its name.
fn kept(agent: Agent) {
    let off =
        |settings: &mut Value| settings["env"]["CLAUDE_CODE_SKIP_PROMPT_HISTORY"] = "1".into();
    let stage = with_settings(agent, off);
    ends(&stage, "hello", "");
    run(&stage.home, "kill", &["t"]).record();

    let model = Model::start();
    let home: Home = agent.home(&model, Trust::Seeded);
    let path = home.home().join(".claude/settings.json");
    let mut settings: Value =
        serde_json::from_slice(&fs::read(&path).expect("settings")).expect("JSON");
    settings["cleanupPeriodDays"] = 0.into();
    fs::write(path, settings.to_string()).expect("settings");
    let refused = run(&home, "spawn", &["-b", agent.backend(), "-s", "t"]);
    assert_eq!(refused.status, Some(5), "{refused:#?}");
    assert!(refused.said.contains("settings-error"), "{}", refused.said);
}

on_agents!(stops, fails, limited, damaged: claude_old, claude_new, codex_old, codex_new);
on_agents!(hooked, kept: claude_old, claude_new);
