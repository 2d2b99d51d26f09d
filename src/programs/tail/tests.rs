use std::{
    cell::RefCell,
    fs::{self, OpenOptions},
    io::{self, BufRead, BufReader, Read, Write},
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    rc::Rc,
    thread,
};

use super::*;
use crate::{agent::Backend, cli::option::Given};

/// A file name of its own for a test, removed at its end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str, text: &[u8]) -> Place {
        let name = format!("aimax-tail-{}-{name}", std::process::id());
        let place = Place(std::env::temp_dir().join(name));
        fs::write(&place.0, text).unwrap();
        place
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn append(path: &Path, text: &[u8]) {
    OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text).unwrap();
}

/// Notes each write by itself.
#[derive(Clone, Default)]
struct Writes(Rc<RefCell<Vec<Vec<u8>>>>);

impl Write for Writes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().push(bytes.to_vec());
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Options as they are given, without the parser.
fn args(options: &[(&str, &str)]) -> Args {
    let mut args = Args::default();
    for (long, value) in options {
        let opt = Tail::OPTS.iter().find(|opt| opt.doc.long == *long).unwrap();
        let given = opt.doc.value.map_or(Given::On, |_| Given::Value(value.into()));
        (opt.set)(&mut args, given).unwrap();
    }
    args
}

struct Ran {
    result: Result<Exit>,
    text: String,
    notes: Vec<String>,
}

fn run(place: &Place, session: Option<&str>, options: &[(&str, &str)]) -> Ran {
    let (writes, mut notes) = (Writes::default(), Vec::new());
    let mut out = Output::to(Box::new(writes.clone()));
    let mut note = |note: &str| notes.push(note.replace(place.0.to_str().unwrap(), "FILE"));
    let args = args(options);
    let plan = Plan::new(&args, vec![place.0.clone().into()]).map(|mut plan| {
        let session = session.map(str::to_owned);
        plan.streams[0].source = record::RecordSource::new(session, Some(Backend::Claude));
        plan
    });
    let result = plan.and_then(|plan| print_plan(plan, &args, &mut out, &mut note, None).0);
    let text = String::from_utf8(writes.0.borrow().concat()).unwrap();
    Ran { result, text, notes }
}

const FIVE: &[u8] = b"{\"n\":0}\n{\"n\":1}\n{ \"n\" :2}\n{\"n\":3}\n{\"n\":4}\n{\"half\":";

#[test]
fn records_leave_as_they_are() {
    let place = Place::new("as-they-are", FIVE);
    let whole = std::str::from_utf8(&FIVE[..FIVE.len() - 8]).unwrap();
    for (options, want) in [
        (&[][..], whole),
        (&[("from", "8")], &whole[8..]),
        (&[("from", " {\"primary\":8,\"sub\":{}}")], &whole[8..]),
        (&[("lines", "2")], "{\"n\":3}\n{\"n\":4}\n"),
        (&[("lines", "0")], ""),
        (&[("lines", "1000")], whole),
        (&[("max", "1")], "{\"n\":0}\n"),
        (&[("max", "0")], ""),
        (&[("raw", "")], whole),
    ] {
        let ran = run(&place, None, options);
        assert_eq!((ran.result, ran.text.as_str()), (Ok(Exit::Done), want), "{options:?}");
        assert!(ran.notes.is_empty());
    }
}

#[test]
fn offsets_wrap_the_same_bytes() {
    let place = Place::new("wrap", FIVE);
    let ran = run(&place, Some("de\"mo"), &[("offsets", ""), ("from", "16"), ("max", "1")]);
    let want = format!(
        r#"{{"sessionId":"de\"mo","backend":"tmux-claude-code","host":"{}","#,
        crate::sys::host()
    ) + r#""offset":16,"next":26,"entry":{ "n" :2}}"#;
    assert_eq!(ran.text, want + "\n");
    let ran = run(&place, None, &[("offsets", ""), ("lines", "1")]);
    assert_eq!(ran.text, "{\"sessionId\":null,\"offset\":34,\"next\":42,\"entry\":{\"n\":4}}\n");
}

#[test]
fn what_is_no_record_is_named_and_left_out() {
    let place = Place::new("faults", b"{}\n\nnull\n{\"a\":\"\xff\"}\n\0\n{\"b\":1}\n");
    let ran = run(&place, None, &[("max", "2")]);
    assert_eq!((ran.result, ran.text.as_str()), (Ok(Exit::Done), "{}\n{\"b\":1}\n"));
    assert_eq!(
        ran.notes,
        [
            "FILE: offset 3: skipped: it is blank",
            "FILE: offset 4: skipped: it is not a JSON object",
            "FILE: offset 9: skipped: it is not UTF-8 at its byte 6",
            "FILE: offset 19: skipped: it holds NUL bytes",
        ]
    );
    let place = Place::new("faults-raw", b"\nx\n");
    assert_eq!(run(&place, None, &[("raw", "")]).text, "\nx\n");
}

#[test]
fn what_is_refused() {
    let place = Place::new("refused", FIVE);
    for options in [
        &[("from", "0"), ("lines", "1")][..],
        &[("raw", ""), ("offsets", "")],
        &[("timeout", "1")],
        &[("events", ""), ("text", "")],
        &[("raw", ""), ("events", "")],
        &[("all", "")],
        &[("from", "3")],
        &[("from", "1000"), ("follow", "")],
    ] {
        assert_eq!(run(&place, None, options).result.unwrap_err().kind, Kind::Usage);
    }
    fs::remove_file(&place.0).unwrap();
    assert_eq!(run(&place, None, &[]).result.unwrap_err().kind, Kind::Missing);
    for bad in ["-1", "x", "{}", "{\"primary\":1.5}", ""] {
        assert!(offset(bad).is_err(), "{bad}");
    }
    let of = |session: Option<&str>, operands: &[&str]| {
        let args = Args {
            target: crate::programs::options::target::Target::named(session),
            ..Args::default()
        };
        let plan = Plan::new(&args, operands.iter().map(Into::into).collect());
        plan.map(|plan| plan.streams[0].reader.paths().next().unwrap().to_owned())
    };
    assert_eq!(of(None, &["a"]), Ok("a".into()));
    assert_eq!(of(None, &[]).unwrap_err().kind, Kind::Usage);
    assert_eq!(of(None, &["a", "b"]).unwrap_err().kind, Kind::Usage);
    assert_eq!(of(Some("s"), &["a"]).unwrap_err().kind, Kind::Usage);
}

#[test]
fn a_follow_ends_with_its_deadline() {
    let place = Place::new("deadline", FIVE);
    let ran = run(&place, None, &[("follow", ""), ("lines", "1"), ("timeout", "0.05")]);
    assert_eq!((ran.result, ran.text.as_str()), (Ok(Exit::Timeout), "{\"n\":4}\n"));
}

/// How a run ended, and its notes.
type Ended = thread::JoinHandle<(Result<Exit>, Vec<String>)>;

/// Follows `path` into a pipe in a thread; the reading end, and how the run ended.
fn follow(path: &Path, options: &'static [(&str, &str)]) -> (BufReader<io::PipeReader>, Ended) {
    let (from, to) = io::pipe().unwrap();
    let path = path.to_owned();
    let thread = thread::spawn(move || {
        let reader = to.as_raw_fd();
        let mut out = Output::to(Box::new(to));
        let mut args = args(options);
        args.follow = true;
        let mut notes = Vec::new();
        let mut note = |note: &str| notes.push(note.to_owned());
        let plan = Plan::new(&args, vec![path.into()]).unwrap();
        (print_plan(plan, &args, &mut out, &mut note, Some(reader)).0, notes)
    });
    (BufReader::new(from), thread)
}

fn line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    line
}

#[test]
fn a_follow_waits_for_the_file_and_for_its_lines() {
    let place = Place::new("waits", b"");
    fs::remove_file(&place.0).unwrap();
    let (mut from, thread) = follow(&place.0, &[("max", "5")]);
    append(&place.0, b"{\"n\":0}\n{\"n\"");
    assert_eq!(line(&mut from), "{\"n\":0}\n");
    append(&place.0, b":1}\n");
    assert_eq!(line(&mut from), "{\"n\":1}\n");
    fs::write(&place.0, "{}\n").unwrap();
    assert_eq!(line(&mut from), "{}\n");
    let other = Place::new("waits-other", b"{\"other\":1}\n");
    fs::rename(&other.0, &place.0).unwrap();
    assert_eq!(line(&mut from), "{\"other\":1}\n");
    fs::remove_file(&place.0).unwrap();
    append(&place.0, b"{\"again\":1}\n");
    let mut rest = String::new();
    from.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "{\"again\":1}\n");
    let (result, notes) = thread.join().unwrap();
    assert_eq!(result, Ok(Exit::Done));
    assert!(notes.iter().any(|note| note.contains("truncated")), "{notes:?}");
    assert!(notes.iter().any(|note| note.contains("was replaced")), "{notes:?}");
}

#[test]
fn a_silent_follow_ends_when_its_reader_goes() {
    let place = Place::new("silent", FIVE);
    let (mut from, thread) = follow(&place.0, &[("lines", "1")]);
    assert_eq!(line(&mut from), "{\"n\":4}\n");
    drop(from);
    assert_eq!(thread.join().unwrap().0, Ok(Exit::Done));
}

/// Any division of the bytes into writes gives the records that the whole file gives.
#[test]
fn any_division_into_writes_gives_the_same_records() {
    for seed in 0..8u64 {
        let mut state = seed;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % below
        };
        let mut text = Vec::new();
        for n in 0..50 {
            let fill = "\u{e9}".repeat(random(if n == 7 { 200_000 } else { 300 }));
            writeln!(text, "{{\"n\":{n},\"fill\":\"{fill}\"}}").unwrap();
        }
        let place = Place::new(&format!("division-{seed}"), &text);
        let want = run(&place, None, &[("offsets", "")]).text;
        fs::remove_file(&place.0).unwrap();

        let (mut from, thread) = follow(&place.0, &[("offsets", ""), ("max", "50")]);
        let mut rest = &text[..];
        let writer = {
            let path = place.0.clone();
            let mut pieces = Vec::new();
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.len().min(1 + random(2_000)));
                pieces.push(piece.to_vec());
                rest = after;
            }
            thread::spawn(move || pieces.iter().for_each(|piece| append(&path, piece)))
        };
        let mut got = String::new();
        from.read_to_string(&mut got).unwrap();
        assert!(got == want, "seed {seed}");
        writer.join().unwrap();
        assert_eq!(thread.join().unwrap().0, Ok(Exit::Done));
    }
}

/// Each record is one write when following, and whole lines in large pieces when catching up.
#[test]
fn a_write_holds_whole_lines() {
    let text: Vec<u8> =
        (0..100_000).flat_map(|n| format!("{{\"n\":{n}}}\n").into_bytes()).collect();
    let place = Place::new("whole", &text);
    let writes = Writes::default();
    let mut out = Output::to(Box::new(writes.clone()));
    let args = args(&[]);
    let plan = Plan::new(&args, vec![place.0.clone().into()]).unwrap();
    print_plan(plan, &args, &mut out, &mut |_| {}, None).0.unwrap();
    let writes = writes.0.borrow();
    assert!(writes.len() < 20, "{}", writes.len());
    assert!(writes.iter().all(|write| write.ends_with(b"\n") || write.is_empty()));
    assert_eq!(writes.concat(), text);
}
