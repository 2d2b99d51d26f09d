//! The end of a usage limit is waited for, and a prompt goes on behind it.

use crate::agents::{Agent, Kind};
use crate::run::run;
use crate::turns::subscribed;

fn resets(agent: Agent) {
    let stage = subscribed(agent);
    let began = aimax::internal::now_ms();
    stage.paste("LIMIT:6 x");
    let (status, record) = stage.waits();
    println!("    {record}");
    assert_eq!((status, record["reason"].as_str()), (Some(1), Some("usage_limit")), "{record}");
    let wait = ["wait", "t", "--until", "reset", "--timeout", "30"];
    let waited = run(&stage.home, "flag", &wait);
    println!("    {waited:?}");
    // 2.1.197 writes the time of day alone.
    if agent.kind == Kind::Claude && !agent.since("2.1.330") {
        assert_eq!(waited.status, Some(1), "{waited:?}");
        assert!(waited.said.contains("does not say when"), "{waited:?}");
        return;
    }
    assert_eq!(waited.status, Some(0), "{waited:?}");
    assert!(aimax::internal::now_ms() >= began + 5_000, "the wait ended too soon");
    let pasted = run(&stage.home, "paste", &["t", "--when", "reset", "-p", "go on"]);
    println!("    {pasted:?}");
    let verdict = pasted.record()["verdict"].as_str().expect("a verdict").to_owned();
    assert!(["submitted", "queued"].contains(&verdict.as_str()), "{verdict}");
}

on_agents!(resets: claude_old, claude_new, codex_old, codex_new);
