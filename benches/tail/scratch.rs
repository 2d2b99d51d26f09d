//! A folder for the files that are measured; it goes with the value.

use std::{
    fs::{self, File},
    io::{BufWriter, Seek, SeekFrom, Write},
    path::PathBuf,
};

use crate::versions;

pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Scratch {
        let name = format!("aimax-bench-{}", std::process::id());
        // Not in /tmp, which is memory on many a machine.
        let folder = std::env::var_os("AIMAX_BENCH_DIR").map(PathBuf::from);
        let path = folder.unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into()).join(name);
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A transcript of an agent's, of so many bytes at least; how many lines it has.
    ///
    /// Its lines are those that real agents wrote for a prompt, a tool and an answer, with results of
    /// the size that tools have at work: the fixtures' own are a few words long.
    pub(crate) fn transcript(&self, agent: &str, bytes: usize) -> (PathBuf, usize) {
        let path = self.path(&format!("{agent}.jsonl"));
        let mut file = BufWriter::new(File::create(&path).unwrap());
        let turn = turn(agent);
        let (mut written, mut lines) = (0, 0);
        while written < bytes {
            file.write_all(&turn).unwrap();
            written += turn.len();
            lines += memchr::memchr_iter(b'\n', &turn).count();
        }
        file.flush().unwrap();
        (path, lines)
    }

    /// A transcript of Claude Code's with one record of so many bytes between two short ones.
    pub(crate) fn long_line(&self, bytes: usize) -> PathBuf {
        let path = self.path("long-line.jsonl");
        let mut file = BufWriter::new(File::create(&path).unwrap());
        let record = |content: &str| {
            let message = format!("{{\"role\":\"user\",\"content\":\"{content}\"}}");
            let time = "2026-11-27T01:02:03.000Z";
            format!("{{\"type\":\"user\",\"message\":{message},\"timestamp\":\"{time}\"}}\n")
        };
        let (short, line) = (record("short"), "a line of \\\"text\\\"\\n".repeat(1_000));
        let long = record("*");
        let (begin, end) = long.split_once('*').unwrap();
        write!(file, "{short}{begin}").unwrap();
        (0..bytes / line.len()).for_each(|_| file.write_all(line.as_bytes()).unwrap());
        write!(file, "{end}{short}").unwrap();
        file.flush().unwrap();
        path
    }

    /// A file that is as large as `bytes` says, with a few lines at its end and nothing before.
    pub(crate) fn sparse(&self, name: &str, bytes: u64) -> PathBuf {
        let path = self.path(name);
        let mut file = File::create(&path).unwrap();
        let end: String =
            (0..40).map(|n| format!("\n{{\"n\":{n},\"text\":\"{n:0200}\"}}")).collect();
        file.seek(SeekFrom::Start(bytes - end.len() as u64 - 1)).unwrap();
        writeln!(file, "{end}").unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is in the folder for temporary files anyway.
        drop(fs::remove_dir_all(&self.0));
    }
}

fn turn(agent: &str) -> Vec<u8> {
    let mut turn = Vec::new();
    for version in versions::of(agent) {
        let text = fs::read_to_string(version.fixtures().join("tool.jsonl")).unwrap();
        let source = "fn main() {\\n    println!(\\\"made by {}\\\", 40 + 2); // line\\n}\\n";
        let text = text.replace("made by 42", &format!("made by 42\\n{}", source.repeat(60)));
        turn.extend_from_slice(text.as_bytes());
    }
    turn
}
