//! A model on the loopback interface that does what the prompt's own words say.
//!
//! It speaks the Anthropic Messages and the OpenAI Responses streams well enough that Claude Code
//! and Codex complete whole turns, tool calls included. What it can be told to do is in
//! [`directive::Directive`]. It keeps what it got, so that a test can compare a prompt with what
//! the model really received.

mod answer;
pub(crate) mod directive;
mod http;
mod messages;
mod responses;

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use http::Connection;

/// One request that the model got.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// `messages` or `responses`.
    pub(crate) api: &'static str,
    /// Whether the agent asked for itself: a title, a summary, a warm-up.
    pub(crate) side: bool,
    /// Which conversation it belongs to: the agent's own id of it.
    pub(crate) conversation: String,
    /// The user's text blocks after the model's last words, exactly as they came.
    pub(crate) texts: Vec<String>,
    /// The whole request.
    pub(crate) body: Value,
    /// When it had come in.
    pub(crate) at: Instant,
}

/// A request, read: what of it the answer depends on.
struct Ask {
    api: &'static str,
    side: bool,
    conversation: String,
    /// The newest prompt after the model's last words, if there is one.
    fresh: Option<String>,
    texts: Vec<String>,
    /// Every prompt of the whole history.
    prompts: Vec<String>,
    /// What the tool that was called last said.
    result: Option<String>,
    /// Whether the agent offers a tool that asks the user a question.
    can_ask: bool,
}

/// A tool call that the model makes.
enum Call {
    Shell {
        command: String,
        escalate: bool,
    },
    /// A shell command that outlives the turn.
    Background(String),
    /// A prompt for a sub-agent.
    Agent(String),
    Question,
    /// A tool of the agent's own, by its name, and its input (only Claude Code's).
    Own(String, Value),
}

/// One API's way of streaming an answer.
trait Speaker {
    fn begin(&mut self) -> io::Result<()>;
    fn text(&mut self, delta: &str) -> io::Result<()>;
    fn call(&mut self, call: &Call) -> io::Result<()>;
    fn end(&mut self, called: bool) -> io::Result<()>;
    /// Ends the answer for this reason, `None` for no reason.
    fn stop(&mut self, reason: Option<&str>) -> io::Result<()>;
    /// Breaks off.
    fn cut(&mut self) -> io::Result<()>;
}

#[derive(Default)]
struct Inner {
    seen: Vec<Seen>,
    prompts: Vec<String>,
    /// The prompts of each conversation's newest request, to tell which ones are new.
    history: HashMap<String, Vec<String>>,
    ended: Vec<Instant>,
    errors: HashMap<String, u32>,
    strays: Vec<String>,
    failures: Vec<String>,
    streams: Vec<TcpStream>,
    released: u64,
    /// How long an answer to a prompt without a directive takes.
    pace: Duration,
    /// How many answers are being streamed now.
    speaking: usize,
    stopped: bool,
}

struct Shared {
    inner: Mutex<Inner>,
    changed: Condvar,
}

/// The running server. It stops when dropped.
pub(crate) struct Model {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Model {
    /// Starts a model on a free port of 127.0.0.1.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free loopback port");
        let address = listener.local_addr().expect("the port's number");
        let shared =
            Arc::new(Shared { inner: Mutex::new(Inner::default()), changed: Condvar::new() });
        let server = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if server.lock().stopped {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let server = Arc::clone(&server);
                thread::spawn(move || server.serve(stream));
            }
        });
        Model { shared, address }
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end and without `/v1`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests of the conversations themselves, in order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.lock().seen.iter().filter(|seen| !seen.side).cloned().collect()
    }

    /// All requests, those of the agents for themselves included.
    pub(crate) fn all(&self) -> Vec<Seen> {
        self.shared.lock().seen.clone()
    }

    /// Waits until `pred` holds for the conversations' requests; false when `within` is over first.
    pub(crate) fn wait(&self, within: Duration, mut pred: impl FnMut(&[Seen]) -> bool) -> bool {
        self.wait_on(within, |inner| {
            let main: Vec<Seen> = inner.seen.iter().filter(|seen| !seen.side).cloned().collect();
            pred(&main)
        })
    }

    /// Waits until the model has `prompt`, exactly and whole; false when `within` is over first.
    pub(crate) fn wait_prompt(&self, within: Duration, prompt: &str) -> bool {
        self.wait_on(within, |inner| inner.prompts.iter().any(|got| got == prompt))
    }

    /// Waits until the model has `count` prompts; false when `within` is over first.
    pub(crate) fn wait_prompts(&self, within: Duration, count: usize) -> bool {
        self.wait_on(within, |inner| inner.prompts.len() >= count)
    }

    /// Waits until `count` turns have ended; false when `within` is over first.
    pub(crate) fn wait_turns(&self, within: Duration, count: usize) -> bool {
        self.wait_on(within, |inner| inner.ended.len() >= count)
    }

    fn wait_on(&self, within: Duration, mut pred: impl FnMut(&Inner) -> bool) -> bool {
        let (guard, timeout) = self
            .shared
            .changed
            .wait_timeout_while(self.shared.lock(), within, |inner| !pred(inner))
            .unwrap_or_else(PoisonError::into_inner);
        drop(guard);
        !timeout.timed_out()
    }

    /// The user's prompts as the model got them, in order, each once though it is sent again with
    /// every request. What the agents add of their own is left out.
    pub(crate) fn prompts(&self) -> Vec<String> {
        self.shared.lock().prompts.clone()
    }

    /// When the last byte of each final answer (one that calls no tool) was out.
    pub(crate) fn turn_ended_at(&self) -> Vec<Instant> {
        self.shared.lock().ended.clone()
    }

    /// Requests for something that the model does not have, as `METHOD path`.
    pub(crate) fn strays(&self) -> Vec<String> {
        self.shared.lock().strays.clone()
    }

    /// From now on, an answer to a prompt without a directive takes so long.
    pub(crate) fn set_pace(&self, pace: Duration) {
        self.shared.lock().pace = pace;
    }

    /// Waits until an answer is being streamed; false when `within` is over first.
    pub(crate) fn wait_speaking(&self, within: Duration) -> bool {
        self.wait_on(within, |inner| inner.speaking > 0)
    }

    /// Lets every `HANG` that hangs now go on, and every slow answer end.
    pub(crate) fn release(&self) {
        self.shared.lock().released += 1;
        self.shared.changed.notify_all();
    }

    /// Panics with what went wrong inside the server, if anything did.
    pub(crate) fn check(&self) {
        let failures = self.shared.lock().failures.clone();
        assert!(failures.is_empty(), "in the model: {failures:#?}");
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        let mut inner = self.shared.lock();
        inner.stopped = true;
        for stream in inner.streams.drain(..) {
            // The client may have closed it already.
            let _ = stream.shutdown(Shutdown::Both);
        }
        drop(inner);
        self.shared.changed.notify_all();
        // Wakes the accepting thread, so that it sees that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    /// The state, also after a panic: [`Model::check`] is there to report that.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: TcpStream) {
        if let Ok(copy) = stream.try_clone() {
            self.lock().streams.push(copy);
        }
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
            let mut connection = Connection::new(stream)?;
            while let Some(request) = connection.request()? {
                self.answer(&mut connection, &request)?;
            }
            io::Result::Ok(())
        }));
        // An I/O error is a client that went away, as an interrupted agent does.
        if let Err(panic) = outcome {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            self.lock().failures.push(text.unwrap_or_else(|| "a panic without a text".to_owned()));
            self.changed.notify_all();
        }
    }
}

/// The text in a tool's result, however it is wrapped.
fn flat(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            items.iter().filter_map(|item| item["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        other => other["output"].as_str().unwrap_or_default().to_owned(),
    }
}

/// An id that no other answer of this process has.
fn fresh_id(kind: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{kind}_mock{:06}", NEXT.fetch_add(1, Ordering::Relaxed))
}
