//! Our programs, run as a person would run them.

use std::io::Write;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::util::{home::Home, schema, wait::ended};

/// What a program did.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Its exit status.
    pub(crate) status: Option<i32>,
    /// Its records.
    pub(crate) records: Vec<Value>,
    /// What it said on standard error.
    pub(crate) said: String,
}

impl Ran {
    /// The only record of a program that succeeded.
    pub(crate) fn record(&self) -> &Value {
        assert_eq!((self.status, self.records.len()), (Some(0), 1), "{self:#?}");
        assert_eq!(self.said, "", "success is silent");
        &self.records[0]
    }
}

/// `aimax-NAME ARGS` in this home, not started yet.
pub(crate) fn command(home: &Home, name: &str, args: &[&str]) -> Command {
    let path = match name {
        "spawn" => env!("CARGO_BIN_EXE_aimax-spawn"),
        "paste" => env!("CARGO_BIN_EXE_aimax-paste"),
        "tail" => env!("CARGO_BIN_EXE_aimax-tail"),
        "flag" => env!("CARGO_BIN_EXE_aimax-flag"),
        "ls" => env!("CARGO_BIN_EXE_aimax-ls"),
        "kill" => env!("CARGO_BIN_EXE_aimax-kill"),
        other => panic!("no program aimax-{other}"),
    };
    let mut command = home.command(path);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs `aimax-NAME ARGS` to its end.
#[track_caller]
pub(crate) fn run(home: &Home, name: &str, args: &[&str]) -> Ran {
    end(command(home, name, args).spawn().expect("the program starts"))
}

/// The same with `input` on standard input.
#[track_caller]
pub(crate) fn run_with(home: &Home, name: &str, args: &[&str], input: &str) -> Ran {
    let mut child =
        command(home, name, args).stdin(Stdio::piped()).spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("its input");
    stdin.write_all(input.as_bytes()).expect("it reads its input");
    drop(stdin);
    end(child)
}

/// What a program did that is to end.
#[track_caller]
pub(crate) fn end(child: Child) -> Ran {
    read(ended(child, "a program of ours"))
}

/// Every line of standard output must be a record, also after a failure.
fn read(output: Output) -> Ran {
    let text = String::from_utf8(output.stdout).expect("records are UTF-8");
    assert!(text.is_empty() || text.ends_with('\n'), "half a record: {text:?}");
    schema::check("", text.as_bytes());
    Ran {
        status: output.status.code(),
        records: text.lines().map(|line| serde_json::from_str(line).expect(line)).collect(),
        said: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
