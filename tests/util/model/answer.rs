//! What the model does with a request: keeps it, and answers as the prompt's words say.

use std::io;
use std::time::{Duration, Instant};

use aimax::internal::now_ms;
use serde_json::{Value, json};

use super::directive::Directive;
use super::http::{Connection, Request};
use super::{Ask, Call, Inner, Seen, Shared, Speaker, messages, responses};

/// What every request of an agent for itself gets: right as a title in JSON and as a text.
const SIDE_ANSWER: &str = r#"{"title":"Test"}"#;

impl Shared {
    pub(super) fn answer(&self, out: &mut Connection, request: &Request) -> io::Result<()> {
        let body = &request.body;
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/v1/messages") => {
                let ask = messages::parse(body);
                self.note(&ask, body);
                if body["stream"] != true {
                    let text = if ask.side { SIDE_ANSWER } else { "echo" };
                    return out.json(200, &messages::whole(body, text));
                }
                self.speak(&ask, out, body)
            }
            ("POST", "/v1/responses") => {
                let ask = responses::parse(body);
                self.note(&ask, body);
                self.speak(&ask, out, body)
            }
            ("POST", "/v1/messages/count_tokens") => out.json(200, &json!({"input_tokens": 100})),
            ("GET", "/v1/models") => {
                out.json(200, &json!({"object": "list", "data": [], "models": []}))
            }
            ("GET" | "HEAD", "/") => out.json(200, &json!({})),
            (method, path) => {
                self.lock().strays.push(format!("{method} {path}"));
                self.changed.notify_all();
                out.json(404, &messages::error(404))
            }
        }
    }

    /// Records a request, and those of its prompts that are new.
    fn note(&self, ask: &Ask, body: &Value) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        inner.seen.push(Seen {
            api: ask.api,
            side: ask.side,
            conversation: ask.conversation.clone(),
            texts: ask.texts.clone(),
            body: body.clone(),
            at: Instant::now(),
        });
        if !ask.side {
            let known = inner.history.entry(ask.conversation.clone()).or_default();
            // What an interrupt took back, or a summary replaced, is no longer in the request: new
            // is what follows the part that both have.
            let same = known.iter().zip(&ask.prompts).take_while(|(a, b)| a == b).count();
            inner.prompts.extend_from_slice(&ask.prompts[same..]);
            known.clone_from(&ask.prompts);
        }
        self.changed.notify_all();
    }

    fn speak(&self, ask: &Ask, out: &mut Connection, body: &Value) -> io::Result<()> {
        let directive = match (&ask.fresh, ask.side) {
            (Some(prompt), false) => Directive::of(prompt),
            _ => Directive::Echo,
        };
        if let Directive::Error(status, times) = directive {
            let prompt = format!("{}\n{}", ask.conversation, ask.fresh.as_deref().unwrap_or(""));
            let mut inner = self.lock();
            let so_far = inner.errors.entry(prompt).or_default();
            *so_far += 1;
            let again = times.is_none_or(|times| *so_far <= times);
            drop(inner);
            if again {
                let messages = ask.api == "messages";
                let body =
                    if messages { messages::error(status) } else { responses::error(status) };
                return out.json(status, &body);
            }
        }
        if let Directive::Limit(seconds) = directive {
            let prompt = format!("{}\n{}", ask.conversation, ask.fresh.as_deref().unwrap_or(""));
            let so_far = self.lock().errors.insert(prompt, 1);
            if so_far.is_none() {
                let until = now_ms() / 1000 + seconds;
                let messages = ask.api == "messages";
                let (headers, body) =
                    if messages { messages::limit(until) } else { responses::limit(until) };
                return out.json_with(429, &headers, &body);
            }
        }
        if directive == Directive::Hang {
            let inner = self.lock();
            let before = inner.released;
            let held = |inner: &mut Inner| inner.released == before && !inner.stopped;
            drop(self.changed.wait_while(inner, held));
        }
        let called = if ask.api == "messages" {
            self.say(ask, &directive, &mut messages::Voice::new(out, body))?
        } else {
            self.say(ask, &directive, &mut responses::Voice::new(out, body))?
        };
        if !ask.side && !called {
            self.lock().ended.push(Instant::now());
            self.changed.notify_all();
        }
        Ok(())
    }

    /// Streams the answer and says whether it calls a tool.
    fn say(&self, ask: &Ask, directive: &Directive, out: &mut dyn Speaker) -> io::Result<bool> {
        if ask.side {
            return self.answer_with(ask, directive, out);
        }
        self.lock().speaking += 1;
        self.changed.notify_all();
        let said = self.answer_with(ask, directive, out);
        self.lock().speaking -= 1;
        said
    }

    fn answer_with(
        &self,
        ask: &Ask,
        directive: &Directive,
        out: &mut dyn Speaker,
    ) -> io::Result<bool> {
        out.begin()?;
        let call = match directive {
            _ if ask.side => None,
            Directive::Tool(command) => {
                Some(Call::Shell { command: command.clone(), escalate: false })
            }
            Directive::Escalate(command) => {
                Some(Call::Shell { command: command.clone(), escalate: true })
            }
            Directive::Background(command) => Some(Call::Background(command.clone())),
            Directive::Delegate(prompt) => Some(Call::Agent(prompt.clone())),
            Directive::Call(tool, input) => Some(Call::Own(tool.clone(), input.clone())),
            Directive::Ask if ask.can_ask => Some(Call::Question),
            _ => None,
        };
        if let Some(call) = call {
            out.call(&call)?;
            out.end(true)?;
            return Ok(true);
        }
        match (directive, &ask.fresh, &ask.result) {
            _ if ask.side => out.text(SIDE_ANSWER)?,
            (_, None, Some(result)) => out.text(&format!("tool said: {result}"))?,
            (Directive::Slow(span), ..) => self.slowly(*span, out)?,
            (Directive::Long(bytes), ..) => {
                let line = "A line of a long answer, which goes on and on and on, as asked.\n";
                for at in (0..*bytes).step_by(line.len()) {
                    out.text(&line[..line.len().min(bytes - at)])?;
                }
            }
            (Directive::Stop(reason), ..) => {
                out.text("stopped")?;
                out.stop(Some(reason.as_str()).filter(|reason| *reason != "null"))?;
                return Ok(false);
            }
            (Directive::Cut, ..) => {
                out.text("cut")?;
                out.cut()?;
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            (_, fresh, _) => {
                let pace = self.lock().pace;
                if !pace.is_zero() {
                    self.slowly(pace, out)?;
                }
                let prompt = fresh.as_deref().unwrap_or("nothing new");
                out.text(&format!("echo: {}", prompt.chars().take(60).collect::<String>()))?;
            }
        }
        out.end(false)?;
        Ok(false)
    }

    /// Small deltas for `span`, unless the model is released or stopped first.
    fn slowly(&self, span: Duration, out: &mut dyn Speaker) -> io::Result<()> {
        let end = Instant::now() + span;
        let before = self.lock().released;
        let mut count = 0;
        loop {
            count += 1;
            // Codex shows whole lines only.
            out.text(&format!("slow {count}\n"))?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let pause = left.min(Duration::from_millis(50));
            let goes_on = |i: &mut Inner| !i.stopped && i.released == before;
            if let Ok((inner, _)) = self.changed.wait_timeout_while(self.lock(), pause, goes_on) {
                if inner.stopped {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
                if inner.released != before {
                    return Ok(());
                }
            }
        }
    }
}
