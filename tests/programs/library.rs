//! The library: the same sessions as the programs', from within a program.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use aimax::{
    AgentBackend, Config, EventKind, Interruption, Kind, Recorder, Request, Start, State, Verdict,
};

use crate::{
    desk::{Desk, GATE, HUB},
    util::wait::{PATIENCE, wait_until},
};

impl Desk {
    pub(crate) fn config(&self) -> Config {
        let env = self.home.env();
        Config::from_vars(env.into_iter().map(|(k, v)| (k.into(), v.into())).collect()).unwrap()
    }

    fn backend(&self) -> Box<dyn AgentBackend> {
        aimax::get_with("tmux-practice", self.config()).unwrap()
    }

    fn request(&self, prompt: &str) -> Request {
        Request::new("one", prompt).in_folder(self.home.proj())
    }
}

fn kind<T>(result: aimax::Result<T>) -> Kind {
    result.map(drop).unwrap_err().kind
}

/// The README's example, which is also a file of its own so that it can be run.
mod example {
    include!("../util/readme_example.rs");

    pub(super) fn run() -> aimax::Result<()> {
        conversation()
    }

    #[expect(dead_code, reason = "the example's own end")]
    const MAIN: fn() = main;
}

#[test]
fn the_example_in_the_readme() {
    let text = include_str!("../util/readme_example.rs");
    let readme = include_str!("../../README.md");
    assert!(readme.contains(&format!("```rust,no_run\n{text}```\n")), "{text}");
    let desk = Desk::new();
    desk.config().set();
    example::run().unwrap();
    assert!(desk.knows("archive", "demo") && !desk.knows("runtime", "demo"));
}

#[test]
fn a_whole_session() {
    let desk = Desk::new();
    let backend = desk.backend();
    assert_eq!(backend.name(), "tmux-practice");
    assert!(!backend.is_alive("one").unwrap() && !backend.is_working("one").unwrap());
    assert!(!backend.is_job_goal_accomplished("one").unwrap());
    assert_eq!(backend.list_sessions().unwrap(), []);

    let created = backend.create(&desk.request(GATE)).unwrap();
    assert_eq!((created.sent.verdict, created.sent.offset), (Verdict::Submitted, 0));
    assert!(created.sent.started && created.jsonl_path.as_ref().unwrap().is_file());
    assert!(backend.is_alive("one").unwrap() && backend.is_working("one").unwrap());
    assert!(!backend.is_job_goal_accomplished("one").unwrap());
    let queued = backend.queue(&Request::new("one", "and then")).unwrap();
    assert_eq!((queued.verdict, queued.started), (Verdict::Queued, false));
    desk.open_gate();
    desk.done("one");
    assert!(backend.is_job_goal_accomplished("one").unwrap());
    assert!(!backend.is_failed("one").unwrap() && !backend.is_working("one").unwrap());

    let listed = backend.list_sessions().unwrap();
    let [one] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((one.session_id.as_str(), one.state), ("one", State::Idle));
    assert_eq!(one.agent_session_id, created.agent_session_id);
    assert_eq!((one.use_proxy, backend.use_proxy("one").unwrap()), (Some(false), Some(false)));

    let history = backend.history("one", None).unwrap();
    assert_eq!((history.total, history.truncated), (history.entries.len(), false));
    let size = created.jsonl_path.unwrap().metadata().unwrap().len();
    assert_eq!((history.sentinel, history.entries.last().unwrap().next), (size, size));
    let events: Vec<_> = history.entries.iter().flat_map(aimax::Record::events).collect();
    assert!(events.iter().any(|event| event.kind == EventKind::Prompt && event.text == GATE));
    let last = backend.history("one", Some(2)).unwrap();
    assert_eq!((last.total, last.truncated), (history.total, true));
    assert_eq!(last.entries, history.entries[history.total - 2..]);
    assert!(last.entries.iter().all(|record| record.json().unwrap().is_object()));

    let ended = backend.terminate("one").unwrap();
    assert!(ended.killed && !ended.was_working);
    assert!(!backend.terminate("one").unwrap().killed, "it is as good");
    assert_eq!(backend.history("one", None).unwrap(), history);
    desk.nothing_of("one");
    assert_eq!(kind(backend.queue(&Request::new("one", "x"))), Kind::Missing);
    let again = backend.create(&desk.request("anew")).unwrap();
    assert_ne!(again.agent_session_id, one.agent_session_id, "a conversation of its own");
}

#[test]
fn what_goes_wrong_is_told_by_kind() {
    let desk = Desk::new();
    let backend = desk.backend();
    assert_eq!(kind(aimax::get("vim")), Kind::Usage);
    assert_eq!(kind(backend.create(&Request::new("one", "x"))), Kind::Usage);
    assert_eq!(kind(backend.create(&desk.request(""))), Kind::Usage);
    assert_eq!(kind(backend.create(&Request::new("one", "x").in_folder("/no/such"))), Kind::Usage);
    assert_eq!(kind(backend.is_alive("-one")), Kind::Usage);
    assert_eq!(kind(backend.queue(&Request::new("one", "x"))), Kind::Missing);
    assert_eq!(kind(backend.pause("one")), Kind::Missing);
    assert_eq!(kind(backend.history("one", None)), Kind::Missing);
    assert_eq!(kind(backend.thought_stream("one", Start::Last(0))), Kind::Missing);
    backend.create(&desk.request("hello")).unwrap();
    desk.done("one");
    let elsewhere = Request::new("one", "x").in_folder(desk.home.root());
    assert_eq!(kind(backend.create(&elsewhere)), Kind::Refused);
    assert_eq!(kind(backend.thought_stream("one", Start::Offset(1))), Kind::Usage);
    assert_eq!(backend.pause("one").unwrap(), Interruption::Idle);
    let nowhere = Config { path: "/nowhere".into(), ..desk.config() };
    let backend = aimax::get_with("tmux-practice", nowhere).unwrap();
    assert_eq!(kind(backend.is_alive("one")), Kind::Missing);
}

#[test]
fn a_turn_is_stopped_and_a_session_goes_on_after_its_window() {
    let desk = Desk::new();
    let backend = desk.backend();
    let created = backend.create(&desk.request(GATE)).unwrap();
    assert_eq!(backend.pause("one").unwrap(), Interruption::Interrupted);
    assert!(backend.is_failed("one").unwrap());
    backend.queue(&Request::new("one", GATE)).unwrap();
    let sent = backend.pause_and_queue(&Request::new("one", "instead")).unwrap();
    assert_eq!(sent.verdict, Verdict::Submitted);
    desk.done("one");
    assert!(!backend.is_failed("one").unwrap());

    desk.tmux().run(["kill-window", "-t", &format!("={HUB}:=one")]);
    assert!(!backend.is_alive("one").unwrap());
    assert_eq!(backend.list_sessions().unwrap()[0].state, State::Dead);
    let sent = backend.queue(&Request::new("one", "again")).unwrap();
    assert!(sent.started && sent.offset > 0, "it goes on in its conversation: {sent:?}");
    let again = backend.list_sessions().unwrap().remove(0);
    assert_eq!(again.agent_session_id, created.agent_session_id);
}

#[test]
fn a_stream_gives_what_is_there_and_what_comes_and_ends_with_the_session() {
    let desk = Desk::new();
    let backend = desk.backend();
    backend.create(&desk.request("first")).unwrap();
    desk.done("one");
    let history = backend.history("one", None).unwrap();
    let all = backend.thought_stream("one", Start::Offset(0)).unwrap();
    let new = backend.thought_stream("one", Start::Offset(history.sentinel)).unwrap();
    let now = backend.thought_stream("one", Start::Last(0)).unwrap();
    let readers = [all, new, now]
        .map(|stream| thread::spawn(move || stream.collect::<aimax::Result<Vec<_>>>().unwrap()));
    backend.queue(&Request::new("one", "second")).unwrap();
    desk.done("one");
    let whole = backend.history("one", None).unwrap().entries;
    backend.terminate("one").unwrap();
    let [all, new, now] = readers.map(|reader| reader.join().unwrap());
    assert_eq!(all, whole);
    assert_eq!(new, whole[history.total..]);
    assert_eq!(now, new);
    // Of a session that has ended there is only what was.
    let past = backend.thought_stream("one", Start::Offset(0)).unwrap();
    assert_eq!(past.collect::<aimax::Result<Vec<_>>>().unwrap(), whole);
}

#[test]
fn a_stream_is_stopped_from_another_thread() {
    let desk = Desk::new();
    let backend = desk.backend();
    backend.create(&desk.request("first")).unwrap();
    desk.done("one");
    let mut stream = backend.thought_stream("one", Start::Last(0)).unwrap();
    let stopper = stream.stopper();
    let (sender, receiver) = mpsc::channel();
    let reader = thread::spawn(move || {
        sender.send(()).unwrap();
        let none = stream.next().is_none();
        none && stream.next().is_none()
    });
    receiver.recv().unwrap();
    // Nothing comes, so it waits; and it may be stopped before it does.
    thread::sleep(Duration::from_millis(50));
    assert!(!reader.is_finished());
    stopper.stop();
    stopper.clone().stop();
    wait_until(PATIENCE, "the end of the stream", || reader.is_finished());
    assert!(reader.join().unwrap());
    assert!(backend.is_alive("one").unwrap(), "the session does not mind");

    let mut stream = backend.thought_stream("one", Start::Offset(0)).unwrap();
    assert!(stream.next().unwrap().is_ok());
    stream.stopper().stop();
    assert!(stream.next().is_none(), "though more is there");
}

#[test]
fn a_recorder_is_told_of_each_delivery() {
    let desk = Desk::new();
    let events = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&events);
    let recorder = Recorder::new(move |event| sink.lock().unwrap().push(event.clone()));
    let config = Config { recorder: Some(recorder), ..desk.config() };
    let backend = aimax::get_with("tmux-practice", config).unwrap();
    backend.create(&desk.request("héllo")).unwrap();
    let clumsy = Config { recorder: Some(Recorder::new(|_| panic!("oh"))), ..desk.config() };
    let clumsy = aimax::get_with("tmux-practice", clumsy).unwrap();
    let sent = clumsy.queue(&Request::new("one", "more")).unwrap();
    assert!(sent.unrecorded.is_some(), "the prompt is there all the same");
    backend.queue(&Request::new("one", "more words")).unwrap();
    let events = events.lock().unwrap();
    let told: Vec<_> = events.iter().map(|e| (e.session.as_str(), e.length)).collect();
    assert_eq!(told, [("one", 5), ("one", 10)]);
    assert_eq!((events[0].backend, events[0].verdict), ("tmux-practice", "submitted"));
    assert!(events[0].at_ms > 1_700_000_000_000);
}
