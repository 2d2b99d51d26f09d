//! What each shape of record means: of those that the agents are known to write, and of damaged ones.

use std::fs;

use serde_json::Value;

use crate::util::home::Home;

/// A transcript, and its events as `kind text`, those without a text by their kind alone; `other` is left
/// out.
type Row = (&'static str, &'static [&'static str]);

/// What `aimax-tail --events` tells of the lines.
fn told(home: &Home, lines: &str) -> Vec<String> {
    let path = home.proj().join("a.jsonl");
    fs::write(&path, format!("{lines}\n")).expect("a transcript");
    let mut tail = home.command(env!("CARGO_BIN_EXE_aimax-tail"));
    let output = tail.arg("--events").arg(&path).output().expect("aimax-tail");
    let notes = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && notes.is_empty(), "{lines}: {notes}");
    let records = String::from_utf8(output.stdout).expect("UTF-8");
    let brief = |line: &str| {
        let event: Value = serde_json::from_str(line).expect("a record");
        let kind = event["kind"].as_str().expect("a kind").to_owned();
        let text = event["text"].as_str().expect("a text");
        let side = if event["sidechain"] == true { " (sidechain)" } else { "" };
        let origin = event["origin"].as_str().map(|origin| format!(" (of {origin})"));
        (kind != "other" && kind != "usage").then(|| {
            format!("{kind} {text}").trim().to_owned() + side + &origin.unwrap_or_default()
        })
    };
    records.lines().filter_map(brief).collect()
}

#[track_caller]
fn hold(rows: &[Row]) {
    let home = Home::new();
    for (lines, events) in rows {
        assert_eq!(told(&home, lines), *events, "{lines}");
    }
}

#[test]
fn what_a_user_entry_of_claude_means() {
    hold(&[
        (r#"{"type":"user","message":{"content":"a"}}"#, &["prompt a"]),
        (
            r#"{"type":"user","message":{"content":[{"type":"text","text":"a"},{"type":"image"}]}}"#,
            &["prompt a"],
        ),
        (r#"{"type":"user","message":{"content":["a","b"]}}"#, &["prompt a\nb"]),
        (r#"{"type":"user","message":{"content":null}}"#, &[]),
        (r#"{"type":"user","message":{}}"#, &[]),
        (r#"{"type":"user","message":"a"}"#, &[]),
        (r#"{"type":"user","isMeta":true,"message":{"content":"a"}}"#, &[]),
        (r#"{"type":"user","isCompactSummary":true,"message":{"content":"a"}}"#, &[]),
        (r#"{"type":"user","message":{"content":"<local-command-stdout>a"}}"#, &[]),
        (
            r#"{"type":"user","message":{"content":[{"type":"tool_result","content":"1"},{"type":"tool_result","content":[{"type":"text","text":"2"}]}]}}"#,
            &["tool_result 1", "tool_result 2"],
        ),
        (
            r#"{"type":"user","message":{"content":[{"type":"tool_result","content":null},{"type":"text","text":"b"}]}}"#,
            &["tool_result", "prompt b"],
        ),
        (
            r#"{"type":"user","message":{"content":[{"type":"text","text":"[Request interrupted by user]"}]}}"#,
            &["interrupted [Request interrupted by user]"],
        ),
        (
            r#"{"type":"user","promptSource":"typed","message":{"content":"[Request interrupted by user] was shown"}}"#,
            &["prompt [Request interrupted by user] was shown"],
        ),
        (r#"{"type":"user","isSidechain":true,"message":{"content":"a"}}"#, &[]),
        (
            r#"{"type":"attachment","attachment":{"type":"queued_command","prompt":"a"}}"#,
            &["prompt a"],
        ),
        (r#"{"type":"queue-operation","operation":"enqueue","content":"a"}"#, &["queued a"]),
    ]);
}

#[test]
fn a_turn_of_claude_that_nobody_sent_says_what_began_it() {
    let notice = "<task-notification>\\n<task-id>b1</task-id>\\n<status>completed</status>";
    let rows: [(String, &[&str]); 5] = [
        (
            format!(
                r#"{{"type":"user","promptSource":"system","origin":{{"kind":"task-notification"}},"message":{{"content":"{notice}"}}}}
{{"type":"assistant","message":{{"content":[{{"type":"text","text":"seen"}}],"stop_reason":"end_turn"}}}}
{{"type":"user","promptSource":"typed","origin":{{"kind":"human"}},"message":{{"content":"a"}}}}
{{"type":"assistant","message":{{"content":"b","stop_reason":"end_turn"}}}}"#
            ),
            &[
                "prompt <task-notification>\n<task-id>b1</task-id>\n<status>completed</status> (of task-notification)",
                "text seen (of task-notification)",
                "turn_end (of task-notification)",
                "prompt a",
                "text b",
                "turn_end",
            ],
        ),
        (
            format!(r#"{{"type":"queue-operation","operation":"enqueue","content":"{notice}"}}"#),
            &[
                "queued <task-notification>\n<task-id>b1</task-id>\n<status>completed</status> (of task-notification)",
            ],
        ),
        (
            r#"{"type":"user","isMeta":true,"promptSource":"system","scheduledTaskId":"t1","message":{"content":"look again"}}
{"type":"assistant","isApiErrorMessage":true,"message":{"content":"no"}}"#.into(),
            &["prompt look again (of schedule)", "text no (of schedule)", "error no (of schedule)"],
        ),
        (
            r#"{"type":"queue-operation","operation":"enqueue","content":"<cross-session-message from=x>hello"}
{"type":"user","isMeta":true,"promptSource":"system","origin":{"kind":"peer","from":"x"},"message":{"content":"hello"}}"#
                .into(),
            &["queued <cross-session-message from=x>hello (of peer)", "prompt hello (of peer)"],
        ),
        (
            format!(
                r#"{{"type":"user","message":{{"content":"a"}}}}
{{"type":"attachment","attachment":{{"type":"queued_command","prompt":"{notice}"}}}}
{{"type":"assistant","message":{{"content":"b","stop_reason":"end_turn"}}}}"#
            ),
            &[
                "prompt a",
                "prompt <task-notification>\n<task-id>b1</task-id>\n<status>completed</status> (of task-notification)",
                "text b",
                "turn_end",
            ],
        ),
    ];
    let home = Home::new();
    for (lines, events) in rows {
        assert_eq!(told(&home, &lines), events, "{lines}");
    }
}

#[test]
fn a_turn_of_codex_that_nobody_sent_says_what_began_it() {
    let message = |source: &str| {
        format!(
            r#"{{"type":"response_item","payload":{{"type":"message","role":"user","content":[{{"type":"input_text","text":"<codex_internal_context source=\"{source}\">go on"}}]}}}}"#
        )
    };
    let event = |payload: &str| format!(r#"{{"type":"event_msg","payload":{{"type":{payload}}}}}"#);
    let lines = [
        message("user_goal"),
        event(r#""task_started","turn_id":"a""#),
        message("goal"),
        event(r#""agent_message","message":"b""#),
        event(r#""task_complete","turn_id":"a","last_agent_message":"b""#),
        event(r#""task_started","turn_id":"c""#),
        event(r#""user_message","message":"d""#),
    ];
    let told = told(&Home::new(), &lines.join("\n"));
    let expected = [
        "turn_start",
        "prompt <codex_internal_context source=\"goal\">go on (of goal)",
        "text b (of goal)",
        "turn_end (of goal)",
        "turn_start",
        "prompt d",
    ];
    assert_eq!(told, expected);
}

#[test]
fn what_an_answer_of_claude_means() {
    hold(&[
        (
            r#"{"type":"assistant","message":{"content":[{"type":"thinking","thinking":"h"},{"type":"text","text":"a"},{"type":"tool_use","name":"B","input":{"c": 1}}]}}"#,
            &["thinking h", "text a", "tool_call B {\"c\":1}"],
        ),
        (
            r#"{"type":"assistant","message":{"content":"a","stop_reason":"end_turn"}}"#,
            &["text a", "turn_end"],
        ),
        (
            r#"{"type":"assistant","message":{"content":[],"stop_reason":"end_turn"}}"#,
            &["turn_end"],
        ),
        (
            r#"{"type":"assistant","message":{"content":null,"stop_reason":"stop_sequence"}}"#,
            &["turn_end"],
        ),
        (
            r#"{"type":"assistant","message":{"model":"<synthetic>","content":"a","stop_reason":"stop_sequence"}}"#,
            &["text a"],
        ),
        (
            r#"{"type":"assistant","isApiErrorMessage":true,"message":{"content":[{"type":"text","text":"a"}],"stop_reason":"stop_sequence"}}"#,
            &["text a", "error a"],
        ),
        (
            r#"{"type":"assistant","isSidechain":true,"message":{"content":[{"type":"text","text":"a"}],"stop_reason":"end_turn"}}"#,
            &["text a (sidechain)"],
        ),
        (
            r#"{"type":"assistant","isSidechain":true,"isApiErrorMessage":true,"message":{"content":"a"}}"#,
            &["text a (sidechain)"],
        ),
    ]);
}

/// The agent's own words for the end come behind most answers, and alone where the answer has no reason
/// that tells.
#[test]
fn a_turn_of_claude_ends_once() {
    const DURATION: &str = "\n{\"type\":\"system\",\"subtype\":\"turn_duration\"}";
    let home = Home::new();
    for reason in ["\"end_turn\"", "\"stop\"", "\"pause_turn\"", "null", "\"refusal\"", "7"] {
        let answer =
            format!(r#"{{"type":"assistant","message":{{"content":"a","stop_reason":{reason}}}}}"#);
        assert_eq!(told(&home, &format!("{answer}{DURATION}")), ["text a", "turn_end"], "{reason}");
    }
    for (line, end) in [
        (r#"{"type":"assistant","isApiErrorMessage":true,"message":{"content":"a"}}"#, "error a"),
        (
            r#"{"type":"attachment","attachment":{"type":"hook_stopped_continuation","hookEvent":"PostToolUse","message":"a"}}"#,
            "error a",
        ),
        (
            r#"{"type":"attachment","attachment":{"type":"hook_stopped_continuation"}}"#,
            "error a hook stopped the turn",
        ),
    ] {
        let lines =
            format!("{{\"type\":\"user\",\"message\":{{\"content\":\"p\"}}}}\n{line}{DURATION}");
        let events = told(&home, &lines);
        assert_eq!(events.last().map(String::as_str), Some(end), "{lines}: {events:?}");
        assert!(!events.iter().any(|event| event == "turn_end"), "{events:?}");
    }
    let stop_hook = r#"{"type":"attachment","attachment":{"type":"hook_stopped_continuation","hookEvent":"Stop"}}"#;
    assert_eq!(told(&home, &format!("{stop_hook}{DURATION}")), ["turn_end"]);
}

#[test]
fn what_codex_records_twice_is_told_once() {
    const EVENT: &str = r#"{"type":"event_msg","payload":{"type":"user_message","message":"p"}}"#;
    const ITEM: &str = r#"{"type":"event_msg","payload":{"type":"item_completed","item":{"type":"UserMessage","content":[{"type":"text","text":"p"}]}}}"#;
    const SAID: &str = r#"{"type":"event_msg","payload":{"type":"agent_message","message":"a"}}"#;
    const DONE: &str = r#"{"type":"event_msg","payload":{"type":"item_completed","item":{"type":"AgentMessage","content":[{"type":"Text","text":"a"}]}}}"#;
    const PART: &str = r#"{"type":"response_item","payload":{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]}}"#;
    let home = Home::new();
    for lines in [&[EVENT][..], &[ITEM], &[EVENT, ITEM], &[ITEM, EVENT]] {
        assert_eq!(told(&home, &lines.join("\n")), ["prompt p"], "{lines:?}");
    }
    for lines in [&[SAID][..], &[DONE], &[PART], &[SAID, PART], &[PART, SAID], &[SAID, DONE, PART]]
    {
        assert_eq!(told(&home, &lines.join("\n")), ["text a"], "{lines:?}");
    }
    assert_eq!(told(&home, &[SAID, PART, SAID, PART].join("\n")), ["text a"; 2]);
    assert_eq!(told(&home, &[EVENT, EVENT].join("\n")), ["prompt p"; 2]);
}

#[test]
fn what_a_record_of_codex_means() {
    hold(&[
        (
            r#"{"type":"event_msg","payload":{"type":"task_started","turn_id":"t"}}"#,
            &["turn_start"],
        ),
        (
            r#"{"type":"event_msg","payload":{"type":"task_complete","last_agent_message":"a"}}"#,
            &["turn_end"],
        ),
        (
            r#"{"type":"event_msg","payload":{"type":"task_complete","last_agent_message":null}}"#,
            &["turn_end"],
        ),
        (
            r#"{"type":"event_msg","payload":{"type":"task_complete","error":{"message":"a"}}}"#,
            &["error a"],
        ),
        (
            r#"{"type":"event_msg","payload":{"type":"task_complete","error":{"x":1e999}}}"#,
            &["error {\"x\":1e999}"],
        ),
        (
            r#"{"type":"event_msg","payload":{"type":"turn_aborted","reason":"interrupted"}}"#,
            &["interrupted"],
        ),
        (
            r#"{"type":"response_item","payload":{"type":"message","role":"user","content":"a"}}"#,
            &[],
        ),
        (
            r#"{"type":"response_item","payload":{"type":"message","role":"assistant","content":"a"}}"#,
            &["text a"],
        ),
        (
            r#"{"type":"response_item","payload":{"type":"reasoning","summary":[{"type":"summary_text","text":"a"}]}}"#,
            &["thinking a"],
        ),
        (
            r#"{"type":"response_item","payload":{"type":"function_call","name":"f","arguments":"{}"}}"#,
            &["tool_call f {}"],
        ),
        (
            r#"{"type":"response_item","payload":{"type":"custom_tool_call","name":"f","input":"x"}}"#,
            &["tool_call f x"],
        ),
        (
            r#"{"type":"response_item","payload":{"type":"function_call_output","output":"a"}}"#,
            &["tool_result a"],
        ),
        (
            r#"{"type":"response_item","payload":{"type":"custom_tool_call_output","output":[{"type":"input_text","text":"a"}]}}"#,
            &["tool_result a"],
        ),
        (r#"{"type":"response_item","payload":"x"}"#, &[]),
        (r#"{"type":"compacted","payload":{"type":"user_message","message":"a"}}"#, &[]),
    ]);
}

/// Whatever is wrong with a field: the kind, the text and the end of the turn are told all the same.
#[test]
fn what_is_wrong_with_a_field_costs_that_field_alone() {
    let home = Home::new();
    let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
    let odd = [
        "null",
        "7",
        "1e999",
        "\"\\ud83d\"",
        "[]",
        "{}",
        "{\"type\":1}",
        "true",
        "[null,[1]]",
        &deep,
    ];
    let no_error = |odd: &&&str| !matches!(**odd, "7" | "true" | "\"\\ud83d\"");
    let claude = [
        "timestamp",
        "isMeta",
        "isSidechain",
        "isApiErrorMessage",
        "subtype",
        "attachment",
        "promptSource",
        "isCompactSummary",
        "operation",
        "content",
        "uuid",
        "error",
        "apiErrorStatus",
    ];
    for field in claude {
        for odd in odd.iter().filter(no_error) {
            let doubled = format!("\"{field}\":false,\"{field}\":{odd}");
            let user = format!(
                r#"{{{doubled},"type":"user","message":{{"content":"a \ud83d b","stop_reason":{odd}}}}}"#
            );
            assert_eq!(told(&home, &user), ["prompt a \u{fffd} b"], "{user}");
            let answer = format!(
                r#"{{"type":"assistant","message":{{"usage":{odd},"model":{odd},"content":[{odd},{{"type":"text","text":"a","x":{odd}}}],"stop_reason":"end_turn"}},{doubled}}}"#
            );
            assert_eq!(told(&home, &answer), ["text a", "turn_end"], "{answer}");
        }
    }
    for field in ["timestamp", "turn_id", "error", "duration_ms"] {
        for odd in odd.iter().filter(|odd| field != "error" || **odd == "null") {
            let end = format!(
                r#"{{"timestamp":{odd},"payload":{{"type":"task_complete","{field}":{odd},"{field}":{odd}}},"type":"event_msg"}}"#
            );
            assert_eq!(told(&home, &end), ["turn_end"], "{end}");
        }
    }
    assert_eq!(
        told(&home, r#"{"type":null,"message":{"role":"user","content":"a"}}"#),
        ["prompt a"]
    );
    assert_eq!(
        told(&home, r#"{"type":7,"payload":{"type":"user_message","message":"a"}}"#),
        ["prompt a"]
    );
    assert_eq!(
        told(&home, r#"{"type":"x","t\u0079pe":"user","message":{"content":"a"}}"#),
        ["prompt a"]
    );
}

#[test]
fn a_call_and_a_count_are_objects() {
    let home = Home::new();
    let path = home.proj().join("a.jsonl");
    let lines = [
        r#"{"type":"assistant","message":{"usage":{"input_tokens":7},"content":[{"type":"tool_use","name":"Bash","input":{"command":"ls -l"}}],"stop_reason":"tool_use"}}"#,
        r#"{"type":"response_item","payload":{"type":"custom_tool_call","name":"patch","input":"*** Begin"}}"#,
    ];
    fs::write(&path, lines.join("\n") + "\n").expect("a transcript");
    let output = home.command(env!("CARGO_BIN_EXE_aimax-tail")).arg("--events").arg(&path).output();
    let text = String::from_utf8(output.expect("aimax-tail").stdout).expect("UTF-8");
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a record"));
    let events: Vec<Value> = events.collect();
    let of = |field: &str| -> Vec<&Value> {
        events.iter().filter_map(|event| event.get(field)).collect()
    };
    let call = serde_json::json!({"name": "Bash", "input": {"command": "ls -l"}});
    assert_eq!(of("tool"), [&call, &serde_json::json!({"name": "patch"})]);
    assert_eq!(of("usage"), [&serde_json::json!({"input_tokens": 7})]);
}
