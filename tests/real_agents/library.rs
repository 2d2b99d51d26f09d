//! The library on the real agents: a session from its start to its end, and its stream beside it.

use std::path::Path;
use std::thread;

use aimax::{Config, Event, EventKind, Interruption, Request, Start};

use crate::agents::{Agent, Trust};
use crate::run::run;
use crate::util::model::Model;
use crate::util::wait::PATIENCE;

/// The prompts among the records of a stream, until there are `count`.
fn prompts(stream: aimax::ThoughtStream, count: usize) -> Vec<String> {
    let records = stream.map(|record| record.expect("a record"));
    let events = records.flat_map(|record| record.events());
    let prompts = events.filter(|event: &Event| event.kind == EventKind::Prompt);
    prompts.map(|event| event.text).take(count).collect()
}

fn whole_session(agent: Agent) {
    let model = Model::start();
    let mut home = agent.home(&model, Trust::Seeded);
    home.add_path(Path::new(env!("CARGO_BIN_EXE_aimax")).parent().expect("a folder"));
    let vars = home.env().into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    let backend =
        Config::from_vars(vars).and_then(|config| aimax::get_with(agent.backend(), config));
    let backend = backend.expect("a backend");
    let idle = || {
        run(&home, "flag", &["wait", "s", "--until", "idle", "--timeout", "60"]).record().clone()
    };

    let request = Request::new("s", "first").in_folder(home.proj());
    let created = backend.create(&request).expect("a session");
    assert!(created.agent_session_id.is_some() && created.jsonl_path.is_some());
    let stream = backend.thought_stream("s", Start::Offset(0)).expect("a stream");
    let reader = thread::spawn(move || prompts(stream, 2));
    idle();
    assert!(backend.is_job_goal_accomplished("s").expect("an answer"));
    backend.queue(&Request::new("s", "second")).expect("a prompt");
    assert_eq!(reader.join().expect("the reader"), ["first", "second"]);
    idle();
    backend.queue(&Request::new("s", "HANG here")).expect("a prompt");
    assert!(model.wait_prompt(PATIENCE, "HANG here"));
    assert!(backend.is_working("s").expect("an answer"));
    assert_eq!(backend.pause("s").expect("a proof"), Interruption::Interrupted);
    assert!(backend.is_failed("s").expect("an answer"));

    let now = backend.thought_stream("s", Start::Last(0)).expect("a stream");
    let stopper = now.stopper();
    let reader = thread::spawn(move || now.count());
    stopper.stop();
    reader.join().expect("the reader ends");
    let history = backend.history("s", None).expect("a history");
    assert_eq!(history.entries.last().expect("a record").next, history.sentinel);
    assert!(backend.terminate("s").expect("an end").killed);
    assert!(!backend.is_alive("s").expect("an answer"));
    model.check();
}

on_agents!(whole_session: claude_old, claude_new, codex_old, codex_new);
