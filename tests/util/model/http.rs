//! As much of HTTP/1.1 as the agents speak to a model: keep-alive, bodies, server-sent events.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

/// One request, its body read whole.
pub(super) struct Request {
    /// `GET`, `POST`, …
    pub(super) method: String,
    /// The path without the query.
    pub(super) path: String,
    /// The body as JSON; null when it is empty or no JSON.
    pub(super) body: Value,
}

/// Both halves of one client's connection.
pub(super) struct Connection {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
}

impl Connection {
    /// Takes over an accepted stream.
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let writer = stream.try_clone()?;
        Ok(Connection { reader: BufReader::new(stream), writer })
    }

    /// The next request, or `None` when the client has gone.
    pub(super) fn request(&mut self) -> io::Result<Option<Request>> {
        let first = self.line()?;
        if first.is_empty() {
            return Ok(None);
        }
        let mut words = first.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let target = words.next().unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default().to_owned();
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.trim().to_ascii_lowercase();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap_or(0),
                "transfer-encoding" => chunked = value.contains("chunked"),
                "expect" => self.writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body)?;
        while chunked {
            let size = usize::from_str_radix(self.line()?.trim(), 16).map_err(io::Error::other)?;
            let mut chunk = vec![0; size];
            self.reader.read_exact(&mut chunk)?;
            body.append(&mut chunk);
            self.line()?;
            chunked = size > 0;
        }
        Ok(Some(Request { method, path, body: serde_json::from_slice(&body).unwrap_or_default() }))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.reader.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// A whole JSON answer.
    pub(super) fn json(&mut self, status: u16, body: &Value) -> io::Result<()> {
        self.json_with(status, &[], body)
    }

    /// The same with more headers.
    pub(super) fn json_with(
        &mut self,
        status: u16,
        headers: &[(&str, String)],
        body: &Value,
    ) -> io::Result<()> {
        let body = body.to_string();
        let more: String =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "HTTP/1.1 {status} Mock\r\ncontent-type: application/json\r\n{more}\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.writer.write_all(head.as_bytes())
    }

    /// Breaks the connection.
    pub(super) fn cut(&mut self) -> io::Result<()> {
        self.writer.shutdown(std::net::Shutdown::Both)
    }

    /// Begins a stream of events.
    pub(super) fn begin_events(&mut self) -> io::Result<()> {
        self.writer.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n\
              transfer-encoding: chunked\r\n\r\n",
        )
    }

    /// One event, named as its `type` says, in a chunk of its own.
    pub(super) fn event(&mut self, data: &Value) -> io::Result<()> {
        let name = data["type"].as_str().unwrap_or("message");
        let text = format!("event: {name}\ndata: {data}\n\n");
        self.writer.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())
    }

    /// Ends a stream of events; the connection stays.
    pub(super) fn end_events(&mut self) -> io::Result<()> {
        self.writer.write_all(b"0\r\n\r\n")
    }
}
