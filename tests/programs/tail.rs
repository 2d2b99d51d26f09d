//! `aimax-tail` as its users run it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod cursor;
mod each;
mod random;
mod sessions;

use std::{
    fs::{self, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::Value;

use crate::util::{
    events::{GOLDEN, brief},
    home::Home,
    versions::{self, Version},
};

/// What the program said in a run that ended.
struct Said {
    status: Option<i32>,
    out: Vec<u8>,
    notes: String,
}

impl Said {
    fn records(&self) -> Vec<Value> {
        let lines = self.out.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    }
}

fn tail(home: &Home, words: &[&str]) -> Command {
    let mut command = home.command(env!("CARGO_BIN_EXE_aimax-tail"));
    command.args(words).stdin(Stdio::null());
    command
}

fn run(home: &Home, words: &[&str]) -> Said {
    let output = tail(home, words).output().unwrap();
    let notes = String::from_utf8(output.stderr).unwrap();
    Said { status: output.status.code(), out: output.stdout, notes }
}

/// A run that goes on; it ends with the value.
struct Following {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Following {
    fn start(mut command: Command) -> Following {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Following { child, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.lines.read_line(&mut line).unwrap() > 0, "it ended");
        line
    }

    fn record(&mut self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        // One that has ended is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn append(path: &Path, bytes: impl AsRef<[u8]>) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(bytes.as_ref()).unwrap();
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The transcripts of a version.
fn fixtures(version: Version) -> Vec<PathBuf> {
    let entries = fs::read_dir(version.fixtures()).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "jsonl")).collect();
    found.sort();
    found
}

#[test]
fn events_of_real_transcripts() {
    let home = Home::new();
    for version in versions::all() {
        for path in fixtures(version) {
            let file = text(&path);
            let said = run(&home, &["--events", file]);
            assert_eq!((said.status, said.notes.as_str()), (Some(0), ""), "{file}");
            let events = said.records();
            let mut next = 0;
            for event in &events {
                let (offset, after) =
                    (event["offset"].as_u64().unwrap(), event["next"].as_u64().unwrap());
                assert!(offset == next || after == next, "{file}: {event}");
                next = after;
                assert!(event["sessionId"].is_null() && event["text"].is_string(), "{event}");
                assert!(!event["type"].as_str().unwrap().is_empty(), "{event}");
            }
            assert_eq!(next, fs::metadata(&path).unwrap().len(), "{file}");
            // The shape of the lines tells the agent as well as the option does.
            let agent = if version.agent == "claude" { "claude-code" } else { "codex" };
            let named = run(&home, &["--events", "-b", &format!("tmux-{agent}"), file]);
            assert!(named.out == said.out, "{file}");
            let name = path.file_stem().unwrap().to_str().unwrap();
            if !GOLDEN.contains(&name) {
                continue;
            }
            let found: String = events.iter().map(|event| brief(event) + "\n").collect();
            let golden = path.with_extension("events");
            if std::env::var_os("AIMAX_BLESS").is_some_and(|value| value == "1") {
                fs::write(&golden, &found).unwrap();
            }
            let expected = fs::read_to_string(&golden).unwrap_or_default();
            assert_eq!(found, expected, "{}; AIMAX_BLESS=1 rewrites it", golden.display());
        }
    }
}

#[test]
fn unknown_records_are_other() {
    let home = Home::new();
    let path = home.proj().join("a.jsonl");
    append(
        &path,
        "{\"type\":\"new\"}\n{}\n{\"type\":\"x\",\"payload\":{\"type\":\"y\"}}\n{\"type\":7}\n",
    );
    let events = run(&home, &["--events", text(&path)]).records();
    let kinds: Vec<_> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["other"; 4]);
    assert_eq!((&events[0]["type"], &events[2]["type"]), (&"new".into(), &"x/y".into()));
}

#[test]
fn what_was_said_for_people() {
    let home = Home::new();
    for version in versions::all() {
        let path = fixtures(version).into_iter().find(|path| path.ends_with("tool.jsonl")).unwrap();
        let said = String::from_utf8(run(&home, &["--text", text(&path)]).out).unwrap();
        assert!(said.contains("> TOOL:echo made by $((40 + 2))\n"), "{said}");
        assert!(
            said.contains("* ") && said.contains("  | ") && said.contains("made by 42"),
            "{said}"
        );
        assert!(!said.contains('\x1b'), "colours without a terminal");
    }
}

#[test]
fn a_long_line_is_bounded() {
    let home = Home::new();
    let path = home.proj().join("a.jsonl");
    append(&path, "{\"a\":1}\n");
    append(&path, format!("{{\"b\":\"{}\"}}\n{{\"c\":1}}\n", "x".repeat(300_000)));
    let said = run(&home, &["--max-line", "200000", text(&path)]);
    assert_eq!((said.status, said.out.as_slice()), (Some(74), &b"{\"a\":1}\n"[..]));
    assert!(said.notes.contains("offset 8: a line of more than 200000 bytes"), "{}", said.notes);
    assert_eq!(run(&home, &["--max-line", "300010", text(&path)]).status, Some(0));
    // Also one whose end has not come.
    let path = home.proj().join("b.jsonl");
    append(&path, "x".repeat(100));
    let said = run(&home, &["--max-line", "50", "--raw", "-f", "--timeout", "30", text(&path)]);
    assert!(said.status == Some(74) && said.notes.contains("offset 0:"), "{}", said.notes);
}

/// What is passed on as it is comes in pieces when it is long, but as the same bytes.
#[test]
fn a_very_long_line_is_passed_on_or_refused() {
    let home = Home::new();
    let path = home.proj().join("a.jsonl");
    let long = |end: &str| format!("{{\"b\":\"{}é{end}", "x".repeat(3_000_000));
    let good = ["{\"a\":1}\n", &long("\"}\n"), "{\"c\":1}\n"].concat();
    append(&path, &good);
    append(&path, format!("{{\"half\":\"{}", "x".repeat(2_000_000)));
    for words in [&[][..], &["--raw"], &["--max-line", "3000010"]] {
        let said = run(&home, &[words, &[text(&path)]].concat());
        assert_eq!(said.status, Some(0), "{words:?}: {}", said.notes);
        assert!(said.out == good.as_bytes(), "{words:?}: {} bytes", said.out.len());
    }
    let said = run(&home, &["--offsets", text(&path)]);
    let wrapped = good.lines().scan(0, |offset, entry| {
        let next = *offset + entry.len() + 1;
        let at = std::mem::replace(offset, next);
        let place = format!("\"offset\":{at},\"next\":{next}");
        Some(format!("{{\"sessionId\":null,{place},\"entry\":{entry}}}\n"))
    });
    assert!(said.out == wrapped.collect::<String>().as_bytes(), "{}", said.notes);
    let said = run(&home, &["--max-line", "3000009", text(&path)]);
    assert_eq!((said.status, said.out.as_slice()), (Some(74), &b"{\"a\":1}\n"[..]));
    assert!(said.notes.contains("offset 8: a line of more than"), "{}", said.notes);
    let half = good.len().to_string();
    let said = run(&home, &["--max-line", "2000000", "--from", &half, text(&path)]);
    assert!(said.status == Some(74) && said.notes.contains(&half), "{}", said.notes);

    // One that is damaged is told of, and what stands behind the damage is read.
    let path = home.proj().join("b.jsonl");
    let odd = [&long("{\"type\":\"user\"}\n"), "{\"c\":1}\n"].concat();
    append(&path, &odd);
    let said = run(&home, &[text(&path)]);
    assert_eq!(said.out, b"{\"type\":\"user\"}\n{\"c\":1}\n", "{}", said.notes);
    assert!(said.notes.contains("offset 0: skipped"), "{}", said.notes);
    assert!(run(&home, &["--raw", text(&path)]).out == odd.as_bytes());
}

/// What must be understood is not held either: the long strings are left out, and the event says so.
#[test]
fn a_very_long_record_is_told_without_its_long_strings() {
    let home = Home::new();
    let path = home.proj().join("a.jsonl");
    let prompt = |text: &str| {
        let message = format!("{{\"role\":\"user\",\"content\":\"{text}\"}}");
        let time = "2026-11-27T01:02:03.000Z";
        format!("{{\"type\":\"user\",\"message\":{message},\"timestamp\":\"{time}\"}}\n")
    };
    let long = prompt(&"é日\\n".repeat(500_000));
    append(&path, prompt("first") + &long + &prompt("last"));
    let told = |said: &Said| {
        assert_eq!(said.status, Some(0), "{}", said.notes);
        let of = |event: &Value| {
            assert_eq!((&event["kind"], event["time"].is_string()), (&"prompt".into(), true));
            (event["text"].as_str().unwrap().to_owned(), event["cut"].as_u64().unwrap_or(0))
        };
        said.records().iter().map(of).collect::<Vec<_>>()
    };
    for (limit, most) in [(None, 1024 * 1024), (Some("100000"), 100_000), (Some("300"), 300)] {
        let words: Vec<_> =
            limit.map(|limit| ["--max-line", limit]).into_iter().flatten().collect();
        let said = run(&home, &[&["--events", text(&path)], &words[..]].concat());
        let [first, (kept, cut), last] = &told(&said)[..] else { panic!("{}", said.notes) };
        assert_eq!((&*first.0, first.1, &*last.0, last.1), ("first", 0, "last", 0));
        assert!(
            kept.starts_with("é日\n") && "é日\n".repeat(500_000).starts_with(kept),
            "{limit:?}"
        );
        assert!(long.len() as u64 - 1 - cut <= most && kept.len() as u64 > most / 4, "{limit:?}");
        assert_eq!(said.records()[2]["offset"], said.records()[1]["next"]);
    }
    let whole = told(&run(&home, &["--events", "--max-line", "9000000", text(&path)]));
    assert_eq!(whole[1], ("é日\n".repeat(500_000), 0));

    let said = run(&home, &["--text", text(&path)]);
    assert!(said.notes.contains("bytes of a long record are left out"), "{}", said.notes);
    assert!(said.out.starts_with("> first\n> é日\n".as_bytes()) && said.out.ends_with(b"> last\n"));

    // Across runs that keep the place, and while it is followed and comes in pieces.
    let place = home.proj().join("place");
    for want in ["first", "é", "last"] {
        let words = ["--events", "--cursor", text(&place), "--max", "1", text(&path)];
        assert!(told(&run(&home, &words))[0].0.starts_with(want), "{want}");
    }
    let mut following = Following::start(tail(&home, &["--events", "-f", "-n", "1", text(&path)]));
    assert_eq!(following.record()["text"], "last");
    long.as_bytes().chunks(300_000).for_each(|piece| append(&path, piece));
    append(&path, prompt("end"));
    assert!(following.record()["cut"].as_u64().unwrap() > 1_000_000);
    assert_eq!(following.record()["text"], "end");

    // One that is no record is told of as ever.
    let path = home.proj().join("b.jsonl");
    append(&path, long.trim_end().trim_end_matches('}').to_owned() + "\n" + &prompt("last"));
    let said = run(&home, &["--events", text(&path)]);
    assert_eq!(told(&said), [("last".to_owned(), 0)]);
    assert!(said.notes.contains("offset 0: skipped"), "{}", said.notes);
}

/// Large pieces are written behind the reader's back: in order, and what fails is told.
#[test]
fn a_large_transcript_is_whole() {
    let home = Home::new();
    let file = home.root().join("large.jsonl");
    let lines = (0..40_000).map(|n| format!("{{\"n\":{n},\"text\":\"{n:0100}\"}}\n"));
    let want = lines.collect::<String>().into_bytes();
    let lines = want.split_inclusive(|&byte| byte == b'\n').enumerate();
    let (mut damaged, mut faults) = (Vec::new(), Vec::new());
    for (n, line) in lines {
        if n % 3_000 == 1_500 {
            faults.push(format!("offset {}: skipped", damaged.len()));
            damaged.extend_from_slice(b"no record\n");
        }
        damaged.extend_from_slice(line);
    }
    append(&file, damaged);
    let said = run(&home, &[text(&file)]);
    assert_eq!(said.status, Some(0));
    assert!(said.out == want, "{} bytes of {}", said.out.len(), want.len());
    let notes: Vec<_> = said.notes.lines().collect();
    assert_eq!(notes.len(), faults.len(), "{}", said.notes);
    assert!(notes.iter().zip(&faults).all(|(note, fault)| note.contains(fault)), "{}", said.notes);

    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = tail(&home, &[text(&file)]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(74));
    assert!(String::from_utf8_lossy(&output.stderr).contains("stdout: No space left"));
}

/// Two threads understand a large transcript; what they tell is what one tells.
#[test]
fn events_of_a_large_transcript_are_those_of_its_lines() {
    let home = Home::new();
    for agent in ["claude", "codex"] {
        let path = home.root().join(format!("{agent}.jsonl"));
        let fixtures = fixtures(versions::newest(agent));
        let turns: Vec<u8> = fixtures.iter().flat_map(|path| fs::read(path).unwrap()).collect();
        let odd = format!(
            "no record\n{{\"half\":{{\"type\":\"user\"}}\n{{\"b\":\"{}\"}}\n",
            "x".repeat(2_000_000)
        );
        append(
            &path,
            [&turns.repeat(2_000_000 / turns.len() + 1)[..], odd.as_bytes()].concat().repeat(2),
        );
        let whole = run(&home, &["--events", text(&path)]);
        // A number that may be reached has them printed one by one.
        let one_by_one = run(&home, &["--events", "--max", "10000000", text(&path)]);
        assert_eq!((whole.status, one_by_one.status), (Some(0), Some(0)), "{}", whole.notes);
        assert!(whole.out == one_by_one.out, "{agent}: {} bytes", whole.out.len());
        assert_eq!(whole.notes, one_by_one.notes);
        assert_eq!(whole.notes.matches("skipped").count(), 4, "{}", whole.notes);
        let last = run(&home, &["--events", "-n", "3", text(&path)]);
        assert!(whole.out.ends_with(&last.out) && !last.out.is_empty(), "{}", last.notes);
    }
}

#[test]
fn a_packed_rollout_is_read_with_the_same_offsets() {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    let home = Home::new();
    let plain = versions::newest("codex").fixtures().join("compact.jsonl");
    let bytes = fs::read(&plain).unwrap();
    let path = home.proj().join("rollout.jsonl");
    let packed = home.proj().join("rollout.jsonl.zst");
    fs::write(&packed, compress_to_vec(&bytes[..], CompressionLevel::Fastest)).unwrap();
    for name in [&path, &packed] {
        for words in [&["--offsets"][..], &["-n", "3"], &["--events"], &["--raw"]] {
            let of = |path: &Path| run(&home, &[words, &[text(path)]].concat());
            let (got, want) = (of(name), of(&plain));
            assert_eq!(got.status, Some(0), "{}", got.notes);
            assert!(got.out == want.out, "{words:?}");
        }
    }
    fs::write(&packed, "no zstd at all").unwrap();
    let said = run(&home, &[text(&path)]);
    assert!(said.status == Some(74) && said.notes.contains("not zstd"), "{}", said.notes);
    // Packed, and unpacked again to be gone on with, while it is followed: nothing comes twice.
    fs::remove_file(&packed).unwrap();
    append(&path, "{\"n\":1}\n");
    let mut following = Following::start(tail(&home, &["-f", text(&path)]));
    assert_eq!(following.line(), "{\"n\":1}\n");
    let squeezed = compress_to_vec(&b"{\"n\":1}\n{\"n\":2}\n"[..], CompressionLevel::Fastest);
    fs::write(&packed, squeezed).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(following.line(), "{\"n\":2}\n");
    append(&home.proj().join("new"), "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
    fs::rename(home.proj().join("new"), &path).unwrap();
    assert_eq!(following.line(), "{\"n\":3}\n");
}
