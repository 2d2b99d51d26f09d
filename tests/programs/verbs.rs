//! The front's verbs on the practice agent: their documents, their texts, their statuses.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fs,
    io::Write,
    os::{fd::OwnedFd, unix::net::UnixStream},
};

use serde_json::{Value, json};

use crate::{
    desk::{Desk, GATE, Ran, prompts},
    records::Listed,
    util::wait::{PATIENCE, wait_until},
};

const ON: [&str; 2] = ["-b", "tmux-practice"];

/// Runs a verb; with `--json` among its words it prints one document and nothing else.
fn verb(desk: &Desk, args: &[&str]) -> Ran {
    desk.run("aimax", args)
}

fn document(ran: &Ran) -> Value {
    let value: Value = serde_json::from_str(ran.text()).unwrap_or_else(|e| panic!("{e}: {ran:#?}"));
    assert_eq!(ran.text(), format!("{value:#}\n"), "indented, and nothing else");
    value
}

fn done(ran: &Ran) -> Value {
    assert_eq!((ran.code(), ran.error()), (Some(0), ""), "{ran:#?}");
    document(ran)
}

/// The names of a document's fields.
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_session_from_its_start_to_its_end() {
    let desk = Desk::new();
    let proj = desk.home.proj();
    let cwd = proj.to_str().unwrap();
    let args = ["create", ON[0], ON[1], "-s", "demo", "--cwd", cwd, "--display-name", "é"];
    let made = done(&verb(&desk, &[&args[..], &["-p", "hi", "--json"]].concat()));
    assert_eq!(keys(&made), ["sessionId", "agentSessionId", "jsonlPath", "startedAt"]);
    assert_eq!(made["sessionId"], "demo");
    let transcript = std::path::PathBuf::from(made["jsonlPath"].as_str().unwrap());
    assert_eq!(prompts(&transcript), ["hi"]);
    desk.done("demo");

    let listed: Listed = desk.run("aimax-ls", &["demo"]).record();
    assert_eq!(listed.display_name.as_deref(), Some("é"));
    let lists = done(&verb(&desk, &["list", "--json"]));
    assert_eq!((&lists["tmux-claude-code"], &lists["tmux-codex"]), (&json!([]), &json!([])));
    let window = &lists["tmux-practice"][0];
    let expected = [
        "sessionId",
        "agentSessionId",
        "pid",
        "index",
        "lastActivityMs",
        "lastActivityAt",
        "tmuxOpen",
        "paneDead",
        "paneCurrentCommand",
    ];
    assert_eq!(keys(window), expected);
    assert_eq!(window["agentSessionId"], made["agentSessionId"]);
    assert_eq!((&window["index"], &window["tmuxOpen"]), (&json!(1), &json!(true)));
    assert_eq!(lists["tmux-practice"].as_array().unwrap().len(), 1, "`_root` is no session");
    let text = verb(&desk, &["list"]);
    let row = text.text().lines().nth(1).unwrap();
    assert!(row.starts_with("demo     tmux-practice  idle   "), "{text:#?}");

    let status = done(&verb(&desk, &["status", "-s", "demo", "--json"]));
    let expected = json!({
        "sessionId": "demo", "backend": "tmux-practice", "alive": true, "working": false,
        "jobGoalAccomplished": true, "failed": false, "useProxy": false,
    });
    assert_eq!(status, expected);
    assert_eq!(
        verb(&desk, &["status", "-s", "demo"]).text(),
        "demo (tmux-practice)\n  agent  idle\n  job    done\n  proxy  no\n"
    );

    // A turn that runs, another prompt, and its end by a third.
    let sent = done(&verb(&desk, &["send", "-s", "demo", "-p", GATE, "--json"]));
    let length = GATE.chars().count();
    let first = sent["offset"].as_u64().unwrap();
    let expected = json!({
        "ok": true, "sessionId": "demo", "backend": "tmux-practice", "promptLength": length,
        "verdict": "submitted", "offset": first, "queued": false, "normalized": [],
    });
    assert_eq!(sent, expected);
    let shown = desk.run("aimax-tail", &["-s", "demo", "--from", &first.to_string(), "--max", "1"]);
    assert!(shown.text().contains("test -e gate"), "{shown:?}");
    wait_until(PATIENCE, "a working session", || {
        done(&verb(&desk, &["status", "-s", "demo", "--json"]))["working"] == true
    });
    let queued = verb(&desk, &["send", "-s", "demo", "-p", "later, é"]);
    assert_eq!(queued.text(), "✓ demo will get to it after the current turn (8 characters)\n");
    let paused = done(&verb(&desk, &["pause", "-s", "demo", "--json"]));
    assert_eq!(paused, json!({ "ok": true, "sessionId": "demo", "resentPrompt": false }));
    let again = done(&verb(&desk, &["pause", "-s", "demo", "-p", "now", "--json"]));
    assert_eq!(again, json!({ "ok": true, "sessionId": "demo", "resentPrompt": true }));
    desk.done("demo");
    let idle = verb(&desk, &["pause", "-s", "demo"]);
    assert_eq!(idle.text(), "· demo had no turn to stop\n");

    let stopped = done(&verb(&desk, &["stop", "-s", "demo", "--json"]));
    assert_eq!(stopped, json!({ "sessionId": "demo", "killed": true, "wasWorking": false }));
    desk.nothing_of("demo");
    assert_eq!(verb(&desk, &["stop", "-s", "demo"]).text(), "· demo was not running\n");
    assert_eq!(verb(&desk, &["list"]).text(), "no sessions\n");
}

#[test]
fn a_history_and_what_follows_it() {
    let desk = Desk::new();
    let spawned = desk.spawn("demo", "first");
    desk.done("demo");
    let path = spawned.jsonl_path;
    let size = fs::metadata(&path).unwrap().len();
    let history = desk.run("aimax", &["history", "-s", "demo", "--json"]);
    assert_eq!((history.code(), history.error()), (Some(0), ""));
    let told: Value = serde_json::from_str(history.text()).unwrap();
    let expected = ["entries", "total", "totalApproximate", "truncated", "sentinel"];
    assert_eq!(keys(&told), expected);
    let records: Vec<Value> = desk.run("aimax-tail", &["-s", "demo"]).records();
    assert_eq!(told["entries"], json!(records));
    assert_eq!((&told["total"], &told["truncated"]), (&json!(records.len()), &json!(false)));
    assert_eq!(told["sentinel"], json!({ "primary": size, "mobius": 0 }));
    let last = desk.run("aimax", &["history", "-s", "demo", "--tail", "1", "--json"]);
    let last: Value = serde_json::from_str(last.text()).unwrap();
    assert_eq!(last["entries"], json!([records.last().unwrap()]));
    assert_eq!(last["sentinel"], told["sentinel"]);
    let none = desk.run("aimax", &["history", "-s", "demo", "-n", "0", "--json"]);
    let none: Value = serde_json::from_str(none.text()).unwrap();
    assert_eq!((&none["entries"], &none["sentinel"]), (&json!([]), &told["sentinel"]));
    // In a pipe, the records themselves.
    assert_eq!(desk.run("aimax", &["history", "-s", "demo"]).bytes(), fs::read(&path).unwrap());

    // What is half written is not there yet, and comes once.
    let whole = fs::read(&path).unwrap();
    fs::write(&path, [&whole[..], b"{\"half\":"].concat()).unwrap();
    let half = desk.run("aimax", &["history", "-s", "demo", "--json"]);
    let half: Value = serde_json::from_str(half.text()).unwrap();
    assert_eq!((&half["sentinel"], &half["total"]), (&told["sentinel"], &told["total"]));
    fs::write(&path, whole).unwrap();

    let sentinel = told["sentinel"].to_string();
    let from = ["stream", "-s", "demo", "--json", "--max", "2", "--from-sentinel", &sentinel];
    let stream = desk.start("aimax", &from);
    // Without a sentinel, only what comes.
    let live = desk.start("aimax", &["stream", "-s", "demo", "--max", "3"]);
    desk.asleep(stream.child.id());
    desk.asleep(live.child.id());
    desk.paste("demo", "second");
    let stream = stream.end();
    let values: Vec<Value> = stream.records();
    assert_eq!(stream.code(), Some(0));
    assert_eq!((values.len(), &values[2]), (3, &json!({ "received": 2 })));
    assert_eq!(values[0]["message"]["content"], "second");
    desk.done("demo");
    let rest = &fs::read(&path).unwrap()[usize::try_from(size).unwrap()..];
    assert_eq!(live.end().bytes(), rest);

    // Everywhere, 0 records are none, and nobody waits for one.
    desk.ready("silent");
    for words in [
        &["history", "demo", "-n", "0"][..],
        &["tail", "-s", "demo", "-n", "0"],
        &["tail", "-s", "demo", "--max", "0"],
        &["tail", "-s", "demo", "--follow", "--max", "0", "--timeout", "60"],
        &["stream", "demo", "--max", "0"],
        &["stream", "silent", "--max", "0"],
    ] {
        let ran = desk.run("aimax", words);
        assert_eq!((ran.code(), ran.text(), ran.error()), (Some(0), "", ""), "{words:?}");
    }
    let counted = desk.run("aimax", &["stream", "demo", "--max", "0", "--json"]);
    assert_eq!(counted.record::<Value>(), json!({ "received": 0 }));

    // The conversation outlives the session; one without a prompt has nothing.
    desk.run("aimax", &["stop", "-s", "demo"]);
    let after = desk.run("aimax", &["history", "-s", "demo", "--json", "--tail", "1"]);
    assert_eq!(after.code(), Some(0));
    desk.run("aimax", &["history", "-s", "none"]).fails_as("aimax history", 69, "no such session");
    desk.ready("new");
    let nothing: Value =
        serde_json::from_str(desk.run("aimax", &["history", "-s", "new", "--json"]).text())
            .unwrap();
    assert_eq!(nothing["sentinel"], json!({ "primary": 0, "mobius": 0 }));
}

#[test]
fn a_signal_ends_a_stream_and_the_count_is_still_told() {
    let desk = Desk::new();
    desk.spawn("demo", "first");
    desk.done("demo");
    let stream = desk.start("aimax", &["stream", "-s", "demo", "--json"]);
    desk.asleep(stream.child.id());
    stream.signal(aimax::internal::TERMINATE);
    let ended = stream.end();
    assert_eq!(ended.signal(), Some(aimax::internal::TERMINATE));
    assert_eq!(ended.records::<Value>(), [json!({ "received": 0 })]);
}

#[test]
fn a_session_whose_agent_has_gone_is_started_again() {
    let desk = Desk::new();
    let spawned = desk.spawn("demo", "first");
    desk.done("demo");
    desk.tmux().run(["kill-window", "-t", &spawned.window_id]);
    let status = verb(&desk, &["status", "-s", "demo", "--json"]);
    assert_eq!((status.code(), &document(&status)["alive"]), (Some(1), &json!(false)));
    assert_eq!(verb(&desk, &["list"]).text(), "no sessions\n");
    let sent = verb(&desk, &["send", "-s", "demo", "-p", "second"]);
    let expected = "✓ demo was restarted and has the prompt (6 characters)\n";
    assert_eq!((sent.text(), sent.error()), (expected, ""));
    let listed: Listed = desk.run("aimax-ls", &["demo"]).record();
    assert_eq!(listed.agent_session_id, spawned.agent_session_id, "the same conversation");
    assert_eq!(prompts(&spawned.jsonl_path), ["first", "second"]);
    desk.done("demo");
    // One that was ended is not known any more, and begins anew.
    desk.run("aimax", &["stop", "-s", "demo"]);
    let gone = verb(&desk, &["send", "-s", "demo", "-p", "x"]);
    gone.fails_as("aimax send", 69, "demo: no such session");
    let no_folder = verb(&desk, &["send", ON[0], ON[1], "-s", "demo", "-p", "x"]);
    no_folder.fails_as("aimax send", 69, "demo: no such session: use --cwd to start it");
    let proj = desk.home.proj();
    let to = ["send", ON[0], ON[1], "-s", "demo", "--cwd", proj.to_str().unwrap(), "-p", "x"];
    assert_eq!(verb(&desk, &to).code(), Some(0));
    // Its conversation goes on where one asks for it, by either name of the option.
    let id = spawned.agent_session_id;
    for (option, prompt) in [("--resume", "third"), ("--agent-session-id", "fourth")] {
        let cwd = ["--cwd", proj.to_str().unwrap(), option, &id, "-p", prompt];
        let made = verb(&desk, &[&["create", ON[0], ON[1], "-s", "again"], &cwd[..]].concat());
        assert_eq!((made.code(), made.error()), (Some(0), ""), "{option}");
        assert_eq!(prompts(&spawned.jsonl_path).last().unwrap(), prompt);
        desk.run("aimax", &["stop", "-s", "again"]);
    }
}

#[test]
fn a_session_that_runs_is_not_started_twice() {
    let desk = Desk::new();
    desk.spawn("demo", "first");
    desk.done("demo");
    let create = ["create", ON[0], ON[1], "-s", "demo", "-p", "second", "--cwd"];
    let elsewhere = desk.home.root().join("data");
    let refused = verb(&desk, &[&create[..], &[elsewhere.to_str().unwrap()]].concat());
    refused.fails_as("aimax create", 3, "demo: a session of this name runs in ");
    let proj = desk.home.proj();
    let same = verb(&desk, &[&create[..], &[proj.to_str().unwrap()]].concat());
    assert!(same.text().starts_with("✓ demo was already running; it has the prompt"), "{same:#?}");
    assert_eq!(desk.windows(), ["_root", "demo"]);
}

#[test]
fn what_is_not_proven_is_said_in_the_document_and_by_the_status() {
    let desk = Desk::new();
    let ready = desk.ready_with("one", "trust=yes,swallow-enter=99");
    let ran = verb(&desk, &["send", "-s", "one", "-p", "swallowed", "--json"]);
    assert_eq!(ran.code(), Some(4), "{ran:#?}");
    let told = document(&ran);
    let expected = json!([false, "one", "swallowed".len(), "typed_not_submitted"]);
    let fields = ["ok", "sessionId", "promptLength", "verdict"].map(|field| told[field].clone());
    assert_eq!(json!(fields), expected);
    assert!(ran.error().starts_with("aimax send: one: "), "{ran:#?}");
    assert!(!ready.jsonl_path.exists());
    // Nothing is printed where nothing was done.
    verb(&desk, &["send", "-s", "one", "--json"]).fails_as(
        "aimax send",
        2,
        "prompt: none is given",
    );
    verb(&desk, &["create", "-s", "x", "-p", "x"]).fails_as("aimax create", 2, "backend: none");
    verb(&desk, &["pause", "-s", "none"]).fails_as("aimax pause", 69, "none: no such session");
    verb(&desk, &["status", "-s", "none"]).fails_as("aimax status", 69, "none: no such session");
    let none = verb(&desk, &["status", "-s", "none", "-b", "tmux-codex", "--json"]);
    assert_eq!((none.code(), &document(&none)["useProxy"]), (Some(1), &Value::Null));
}

#[test]
fn a_prompt_comes_in_every_way() {
    let desk = Desk::new();
    let path = desk.ready("one").jsonl_path;
    let piped = desk.run_with("aimax", &["send", "-s", "one", "--json"], b"by a pipe\r\n");
    assert_eq!(done(&piped)["promptLength"], "by a pipe\n".len());
    desk.done("one");
    fs::write(desk.home.proj().join("task"), "by a file").unwrap();
    assert_eq!(verb(&desk, &["send", "-s", "one", "-f", "task"]).code(), Some(0));
    desk.done("one");
    let pause =
        desk.run_with("aimax", &["pause", "-s", "one", "--json", "-f", "-"], b"and by another");
    assert_eq!(done(&pause)["resentPrompt"], true);
    desk.done("one");
    // As Node.js pipes it.
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut send = desk.command("aimax", &["send", "-s", "one"]);
    send.stdin(OwnedFd::from(theirs));
    let send = desk.started("aimax", send);
    { ours }.write_all(b"by a socket").unwrap();
    assert_eq!(send.end().code(), Some(0));
    desk.done("one");
    let nothing = desk.run_with("aimax", &["pause", "-s", "one", "--json"], b"");
    assert_eq!(done(&nothing)["resentPrompt"], false);
    let given = prompts(&path);
    assert_eq!(
        given.iter().map(|text| text.trim_end()).collect::<Vec<_>>(),
        ["by a pipe", "by a file", "and by another", "by a socket"]
    );
}

#[test]
fn a_prompt_without_an_end_is_refused() {
    let desk = Desk::new();
    let path = desk.ready("one").jsonl_path;
    let refused = "longer than 16 MiB, more than any agent takes";
    desk.run("aimax-paste", &["-s", "one", "-f", "/dev/zero"]).fails(2, refused);
    for words in [&["paste", "-s", "one", "-f", "-"][..], &["ask", "-s", "one", "-f", "-"]] {
        let mut endless = desk.command("aimax", words);
        endless.stdin(fs::File::open("/dev/zero").unwrap());
        desk.started("aimax", endless).end().fails_as(&format!("aimax {}", words[0]), 2, refused);
    }
    assert!(prompts(&path).is_empty());
}

#[test]
fn people_get_text_on_a_terminal() {
    let mut desk = Desk::new();
    desk.home.set("TERM", "xterm-256color");
    desk.spawn("demo", "first");
    desk.done("demo");
    let aimax = env!("CARGO_BIN_EXE_aimax");
    let proj = desk.home.proj();
    let pane = desk.tmux().start("person", &proj, &["sh"]);
    let see = |line: &str, text: &str| {
        desk.tmux().run(["send-keys", "-t", &pane, "-l", &line.replace("aimax", aimax)]);
        desk.tmux().keys(&pane, &["Enter"]);
        desk.tmux().wait_text(&pane, text);
        desk.tmux().capture_styled(&pane)
    };
    let said = see("clear; aimax history -s demo; echo END-$((1))", "END-1\n");
    assert!(said.contains("\u{1b}[1m\u{1b}[36m> first"), "{said}");
    assert!(said.contains("echo: first") && !said.contains("\"type\""), "{said}");
    let plain = see("clear; NO_COLOR=1 aimax history -s demo; echo END-$((2))", "END-2\n");
    assert!(plain.contains("> first") && !plain.contains("[36m"), "{plain}");
    // Progress is gone when it is over.
    let sent = see("clear; aimax send -s demo -p second; echo END-$((3))", "END-3\n");
    assert!(sent.contains("demo") && sent.contains("has the prompt"), "{sent}");
    assert!(!sent.contains(" … "), "{sent}");
    let dumb = see("clear; TERM=dumb LANG=C aimax send demo -p third; echo END-$((4))", "END-4\n");
    assert!(dumb.contains("+ demo has the prompt"), "{dumb}");
    // A narrow terminal gets fewer columns, and each row one line.
    let wide = see("clear; aimax list; echo END-$((5))", "END-5\n");
    assert!(wide.contains("BACKEND") && wide.contains("FOLDER"), "{wide}");
    desk.tmux().run(["resize-window", "-t", &pane, "-x", "40", "-y", "20"]);
    let narrow = see("clear; aimax list; echo END-$((6))", "END-6\n");
    assert!(narrow.contains("SESSION") && narrow.contains("STATE"), "{narrow}");
    assert!(!narrow.contains("FOLDER") && !narrow.contains("~/proj"), "{narrow}");
}

#[test]
fn settings_and_who_set_them() {
    let mut desk = Desk::new();
    desk.home.set("TMUX_AGENTS_CODEX_HUB", "theirs");
    desk.home
        .write(".config/aimax/config.json", r#"{"claude_hub": "mine", "run_preflight": false}"#);
    let shown = done(&verb(&desk, &["config", "show", "--json"]));
    let file = desk.home.home().join(".config/aimax/config.json");
    assert_eq!(shown["file"], json!(file));
    assert_eq!(shown["config"]["claude_hub"], "mine");
    assert_eq!(shown["sources"]["claude_hub"], json!(file));
    assert_eq!(shown["config"]["codex_hub"], "theirs");
    assert_eq!(shown["sources"]["codex_hub"], "TMUX_AGENTS_CODEX_HUB");
    assert_eq!(shown["sources"]["data_dir"], "AIMAX_DATA_DIR");
    assert_eq!(shown["sources"]["codex_home"], "default");
    assert_eq!(shown["config"]["run_preflight"], false);
    assert_eq!(shown["env_overrides"]["TMUX_AGENTS_HOME"], "home");
    let admin = desk.home.data().join("admin-settings.json");
    assert_eq!(shown["derived_paths"]["admin_settings_file"], json!(admin));
    let text = verb(&desk, &["config", "show"]);
    let row = text.text().lines().find(|line| line.starts_with("codex_hub ")).unwrap();
    assert!(row.ends_with("TMUX_AGENTS_CODEX_HUB"), "{row}");

    desk.home.write(".config/aimax/config.json", r#"{"claude_hubb": "mine"}"#);
    for args in [&["config", "show"][..], &["list"], &["create", "-s", "x", "-p", "x"]] {
        let name = format!("aimax {}", args[0]);
        verb(&desk, args).fails_as(&name, 2, "config.json: claude_hubb: no such setting");
    }
    let file = desk.home.write(".config/aimax/config.json", r#"{"backend": "tmux-vim"}"#);
    let says = format!("{}: backend \"tmux-vim\": no such backend: one of ", file.display());
    verb(&desk, &["list"]).fails_as("aimax list", 2, &says);
    // What tells how to go on needs no settings.
    assert_eq!(verb(&desk, &["help", "config"]).code(), Some(0));
    assert_eq!(done(&verb(&desk, &["version", "--json"])), json!({ "version": "0.2.0" }));
}

#[test]
fn what_an_administrator_sets_is_kept_with_all_else() {
    let desk = Desk::new();
    let file = desk.home.data().join("admin-settings.json");
    let none = json!({ "agentBackendDefaults": {
        "tmux-claude-code": { "useProxy": false }, "tmux-codex": { "useProxy": false },
    }});
    assert_eq!(done(&verb(&desk, &["admin", "show", "--json"])), none);
    fs::write(&file, r#"{"other": 1, "agentBackendDefaults": {"tmux-codex": {"more": 2}}}"#)
        .unwrap();
    let set = ["admin", "set-proxy", "-b", "tmux-codex", "--value", "on", "--json"];
    let shown = done(&verb(&desk, &set));
    assert_eq!(shown["agentBackendDefaults"]["tmux-codex"], json!({ "useProxy": true }));
    let kept: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let codex = json!({ "tmux-codex": { "more": 2, "useProxy": true } });
    assert_eq!(kept, json!({ "other": 1, "agentBackendDefaults": codex }));
    let bad = ["admin", "set-proxy", "-b", "tmux-codex", "--value", "maybe"];
    verb(&desk, &bad).fails_as("aimax admin", 2, "--value: `maybe` is neither true nor false");
    let bad = ["admin", "set-proxy", "-b", "tmux-practice", "--value", "on"];
    verb(&desk, &bad).fails_as("aimax admin", 2, "backend: no backend with defaults is given");
    fs::write(&file, r#"{"agentBackendDefaults": {"tmux-codex": {"useProxy": "x"}}}"#).unwrap();
    verb(&desk, &["admin", "show"]).fails_as(
        "aimax admin",
        2,
        "admin-settings.json: tmux-codex.useProxy: \"x\" is neither true nor false",
    );
}
