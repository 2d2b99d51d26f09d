//! Hooks of the user's own, on the real agents: slow ones, some that object, and none at all.

use std::fs;
use std::thread;
use std::time::Duration;

use aimax::internal::now_ms;
use serde_json::{Value, json};

use crate::agents::{Agent, Kind, Trust};
use crate::run::run;
use crate::truth::Stage;
use crate::util::home::Home;
use crate::util::model::Model;
use crate::util::wait::{PATIENCE, wait_until};

/// How long a slow hook takes: in CI so many seconds, or as `AIMAX_HOOK_SECONDS` says.
fn seconds(else_seconds: u64) -> u64 {
    let chosen = std::env::var("AIMAX_HOOK_SECONDS");
    chosen.map_or(else_seconds, |chosen| chosen.parse().expect("AIMAX_HOOK_SECONDS is a number"))
}

/// A session whose user has a hook for `event`: a shell script, which runs in the session's folder.
fn hooked(agent: Agent, event: &str, script: &str) -> Stage {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let command = format!("sh {}", home.write("hook.sh", script).display());
    let hook = json!([{"hooks": [{"type": "command", "command": command, "timeout": 300}]}]);
    let hooks = json!({ event: hook });
    let mut args = vec!["-b", agent.backend(), "-s", "t"];
    if agent.kind == Kind::Claude {
        set(&home, "hooks", hooks);
    } else {
        home.write(".codex/hooks.json", json!({ "hooks": hooks }).to_string());
        args.extend(["--", "--dangerously-bypass-hook-trust"]);
    }
    run(&home, "spawn", &args).record();
    Stage { model, home }
}

/// Sets `key` of Claude Code's settings.
fn set(home: &Home, key: &str, value: Value) {
    let path = home.home().join(".claude/settings.json");
    let text = fs::read(&path).expect("settings");
    let mut settings: Value = serde_json::from_slice(&text).expect("JSON");
    settings[key] = value;
    fs::write(path, settings.to_string()).expect("settings");
}

/// How long `running.flag` stays after the agent's own word that its turn ended, in milliseconds, with
/// none of our programs waiting.
fn falls_after(agent: Agent, stage: &Stage) -> u64 {
    let mut gone = now_ms();
    wait_until(PATIENCE + Duration::from_secs(seconds(0)), "no running.flag", || {
        gone = now_ms();
        !stage.is_running()
    });
    gone.saturating_sub(agent.turn_ended_at(&stage.home, &stage.listed()))
}

/// A hook at the turn's end takes its time, or begins the turn anew, once.
fn slow_end(agent: Agent) {
    let script =
        "cat >/dev/null; test -e again && exit 0; touch again; echo 'once more' >&2; exit 2";
    let slow = format!("cat >/dev/null; sleep {}", seconds(14));
    for script in [slow.as_str(), script] {
        let stage = hooked(agent, "Stop", script);
        stage.paste("one");
        assert!(stage.model.wait_turns(PATIENCE, 1), "the answer");
        let waits = script.contains("sleep");
        if waits {
            thread::sleep(Duration::from_secs(1));
            assert!(stage.is_running(), "the turn has not ended");
        }
        let took = falls_after(agent, &stage);
        let what = if waits { format!("of {} s", seconds(14)) } else { "that objects once".into() };
        println!("{agent}, a Stop hook {what}: the flag fell {took} ms after the agent's word");
        assert!(took < 1000, "{took} ms");
        assert_eq!(run(&stage.home, "flag", &["check", "t"]).status, Some(0));
        assert!(waits || stage.home.proj().join("again").exists());
        run(&stage.home, "kill", &["t"]).record();
    }
}

/// The user has switched all hooks off, ours too.
fn switched_off(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    set(&home, "disableAllHooks", true.into());
    run(&home, "spawn", &["-b", agent.backend(), "-s", "t"]).record();
    let stage = Stage { model, home };
    let mut took: Vec<u64> = (0..9)
        .map(|n| {
            stage.paste(&format!("turn {n}"));
            falls_after(agent, &stage)
        })
        .collect();
    took.sort_unstable();
    println!("    {agent:?}: the flag fell after {took:?} ms");
    assert!(took[4] < 300, "{took:?}");
    stage.works("SLOW:30000 x");
    assert!(stage.model.wait(PATIENCE, |seen| !seen.is_empty()));
    stage.key("Escape");
    wait_until(PATIENCE, "the end of the turn", || !stage.is_running());
    let failed = fs::read_to_string(stage.home.proj().join(".imac/flags/t/failed.flag"));
    assert!(failed.expect("failed.flag").contains("reason=interrupted"));
    stage.model.release();
    run(&stage.home, "kill", &["t"]).record();
}

const OBJECTS: &str = "grep -q BAD || exit 0; echo ran >>ran; echo 'not this one' >&2; exit 2";

/// A hook refuses a prompt: told at once, after one Enter, and the box is empty.
fn objects(agent: Agent) {
    let stage = hooked(agent, "UserPromptSubmit", OBJECTS);
    for times in 1..3 {
        let ran = run(&stage.home, "paste", &["-s", "t", "-p", "a BAD one"]);
        println!("    {agent:?}: {}", ran.said);
        assert_eq!((ran.status, &ran.records[0]["verdict"]), (Some(3), &"blocked".into()));
        assert!(ran.said.contains("a UserPromptSubmit hook refused the prompt"), "{ran:#?}");
        assert!(agent.kind == Kind::Codex || ran.said.contains("not this one"), "{ran:#?}");
        let ran = fs::read_to_string(stage.home.proj().join("ran")).expect("the hook ran");
        assert_eq!(ran.lines().count(), times, "one Enter");
        assert!(!stage.is_running());
    }
    stage.paste("a good one");
    assert_eq!(stage.waits().0, Some(0));
    assert_eq!(stage.model.prompts(), ["a good one"]);
    run(&stage.home, "kill", &["t"]).record();
}

/// A hook takes longer than a sender waits, or not so long, and then lets the prompt through, or
/// refuses it.
fn slow_begin(agent: Agent) {
    let takes = seconds(3);
    for (prompt, ends, told) in [("LATE one", 0, "submitted"), ("LATE and BAD", 1, "blocked")] {
        let script = format!(
            "input=$(cat); echo ran >>ran; sleep {takes}; \
             case $input in *BAD*) echo 'not this one' >&2; exit 2 ;; esac"
        );
        let stage = hooked(agent, "UserPromptSubmit", &script);
        let paste = |timeout| {
            let args = ["-s", "t", "--replace-draft", "-p", prompt, "--timeout", timeout];
            let ran = run(&stage.home, "paste", &args);
            let verdict = ran.records[0]["verdict"].as_str().expect("a verdict").to_owned();
            println!(
                "{agent}, a prompt hook of {takes} s, {timeout} s for it, {prompt}: {verdict}"
            );
            let lines = fs::read_to_string(stage.home.proj().join("ran")).expect("the hook ran");
            (ran.status, verdict, lines.lines().count())
        };
        assert_eq!(paste("2"), (Some(4), "unproven".into(), 1));
        assert_eq!(run(&stage.home, "flag", &["check", "t"]).status, Some(124));
        let (ended, record) = stage.waits();
        println!("{agent}, a prompt hook of {takes} s, {prompt}: {}", record["state"]);
        assert_eq!(ended, Some(ends), "{record}");
        let given = usize::from(ends == 0);
        assert_eq!(stage.model.prompts().len(), given);
        let patient = paste(&(takes + 20).to_string());
        assert_eq!(patient, (Some(3 * ends), told.into(), 2));
        assert!(ends > 0 || stage.waits().0 == Some(0), "the turn ended");
        assert_eq!(stage.model.prompts().len(), 2 * given);
        run(&stage.home, "kill", &["t"]).record();
    }
}

/// A hook refuses a prompt that comes while text streams: told at once, after one Enter.
fn objects_meanwhile(agent: Agent) {
    let stage = hooked(agent, "UserPromptSubmit", OBJECTS);
    stage.works("SLOW:8000 x");
    for times in 1..3 {
        let ran = run(&stage.home, "paste", &["-s", "t", "-p", "a BAD one"]);
        println!("    {agent:?}: {:?} {}", ran.status, ran.said);
        let lines = fs::read_to_string(stage.home.proj().join("ran")).expect("the hook ran");
        assert_eq!(lines.lines().count(), times, "one Enter");
        assert!(times > 1 || ran.said.contains("a UserPromptSubmit hook refused the prompt"));
        assert_eq!(ran.records[0]["verdict"], "blocked", "{ran:#?}");
    }
    assert_eq!(stage.waits().0, Some(0));
    assert_eq!(stage.model.prompts(), ["SLOW:8000 x"]);
    run(&stage.home, "kill", &["t"]).record();
}

on_agents!(slow_end, objects, slow_begin: claude_old, claude_new, codex_old, codex_new);

// An older Claude Code queues such a prompt, and has the hook refuse it later.
on_agents!(objects_meanwhile: claude_new);

on_agents!(switched_off: claude_old, claude_new);
