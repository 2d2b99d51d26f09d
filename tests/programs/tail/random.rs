//! Whatever is written in whatever pieces, cut, replaced, or damaged.

use std::{
    fs,
    ops::ControlFlow,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use aimax::{
    EventKind, Start,
    internal::{Backend, Follow, Ledger, Lines, Once, Seen, suspects, validate_record},
};
use serde_json::Value;

use super::{Home, append, fixtures, run, text, versions};

/// The same numbers in every run for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % end.max(1)
    }

    fn bytes(&mut self) -> Vec<u8> {
        let longest = [2, 50, 3000, 200_000][self.below(4)];
        let mut bytes = Vec::new();
        for _ in 0..self.below(12) {
            let length = self.below(longest);
            bytes.extend((0..length).map(|n| b"ab\r\0{\"\xff"[(n * 31 + length) % 7]));
            bytes.push(b'\n');
        }
        let rest = self.below(5);
        bytes.extend(vec![b'x'; rest]);
        bytes
    }
}

type Record = (u64, u64, Vec<u8>);

/// The whole lines of `text`, cut in the plainest way.
fn plainly(text: &[u8], mut offset: u64) -> Vec<Record> {
    let mut found = Vec::new();
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let next = offset + line.len() as u64;
        if let Some(line) = line.strip_suffix(b"\n") {
            found.push((offset, next, line.to_vec()));
        }
        offset = next;
    }
    found
}

/// Takes in what is there; what a new beginning makes void is dropped.
fn take_in(follow: &mut Follow, got: &mut Vec<Record>) {
    loop {
        let seen = follow
            .read_new(|line| {
                // What holds the same lines goes on where it was; all else begins anew.
                if line.offset == 0 {
                    got.clear();
                }
                got.push((line.offset, line.next, line.bytes.to_vec()));
                Ok(ControlFlow::Continue(()))
            })
            .unwrap();
        match seen {
            Seen::Truncated | Seen::Replaced => got.clear(),
            Seen::Same | Seen::Removed => {}
            _ => return,
        }
    }
}

#[test]
fn any_writes_cuts_and_replacements_give_the_records_of_the_final_file() {
    let home = Home::new();
    let path = home.proj().join("a");
    for seed in 0..60 {
        let mut random = Random(seed);
        let _ = fs::remove_file(&path);
        let mut follow = Follow::open(&path, Start::Offset(0)).unwrap();
        let mut got = Vec::new();
        for _ in 0..25 {
            match random.below(9) {
                0 => {
                    let size = fs::metadata(&path).map_or(0, |data| data.len());
                    let file = fs::OpenOptions::new().create(true).append(true).open(&path);
                    file.unwrap().set_len(random.below(size as usize + 1) as u64).unwrap();
                }
                1 => {
                    let other = home.proj().join("b");
                    fs::write(&other, random.bytes()).unwrap();
                    fs::rename(&other, &path).unwrap();
                }
                2 => drop(fs::remove_file(&path)),
                _ => append(&path, random.bytes()),
            }
            take_in(&mut follow, &mut got);
        }
        append(&path, b"end\n");
        take_in(&mut follow, &mut got);
        assert!(got == plainly(&fs::read(&path).unwrap(), 0), "seed {seed}");
    }
}

#[test]
fn raw_from_an_offset_is_what_tail_gives() {
    let home = Home::new();
    let path = home.proj().join("a");
    for seed in 0..25 {
        let mut random = Random(seed);
        let mut bytes = random.bytes();
        bytes.push(b'\n');
        fs::write(&path, &bytes).unwrap();
        let ends: Vec<usize> = memchr::memchr_iter(b'\n', &bytes).map(|at| at + 1).collect();
        let from = *ends.get(random.below(ends.len() + 1)).unwrap_or(&0);
        let ours = run(&home, &["--raw", "--from", &from.to_string(), text(&path)]);
        let mut gnu = Command::new("tail");
        let theirs =
            gnu.args(["-c", &format!("+{}", from + 1)]).arg(&path).output().unwrap().stdout;
        assert!(ours.out == theirs, "seed {seed} from {from}: {}", ours.notes);
    }
}

/// Also those lines that hold escapes, and text beyond ASCII.
#[test]
fn what_the_real_agents_write_is_proven_quickly() {
    for path in versions::all().flat_map(fixtures) {
        let bytes = fs::read(&path).unwrap();
        assert!(suspects(&bytes).is_empty(), "{}", path.display());
        // Enough for two threads, with bad lines in both halves.
        let many = bytes.repeat(1 + 200_000 / bytes.len());
        let all = [b"{}x\n", &many[..], b"\xff\n", &many, b"{ }\n"].concat();
        assert_eq!(suspects(&all), [0, 4 + many.len(), 6 + 2 * many.len()]);
    }
}

/// For so long as `AIMAX_FUZZ_SECONDS` says: `try_one` with the transcripts of the real agents.
fn fuzz(what: &str, mut try_one: impl FnMut(&[Vec<u8>], &mut Random)) {
    let seconds = std::env::var("AIMAX_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(2));
    let seeds: Vec<Vec<u8>> = versions::all()
        .flat_map(fixtures)
        .map(|path: std::path::PathBuf| fs::read::<&Path>(&path).unwrap())
        .collect();
    let clock = Instant::now();
    let mut round = 0;
    while round == 0 || Instant::now() < end {
        round += 1;
        try_one(&seeds, &mut Random(round));
    }
    eprintln!("{round} {what} in {:?}", clock.elapsed());
}

/// Damaged transcripts: nothing panics, nothing hangs, and every line is found where it is.
#[test]
fn damaged_transcripts_are_read_to_their_end() {
    fuzz("damaged transcripts", |seeds, random| {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        damage(&mut bytes, seeds, random);
        cut(&bytes, random);
        let mut ledger = Ledger::default();
        for line in bytes.split(|&byte| byte == b'\n') {
            let is_record = validate_record(line).is_ok();
            let proven = suspects(&[line, b"\n"].concat()).is_empty();
            assert!(is_record || !proven, "{}", line.escape_ascii());
            let parsed = serde_json::from_slice::<Value>(line);
            // A value is built up to a depth; a check goes to any.
            assert!(parsed.is_err() || is_record == parsed.is_ok_and(|value| value.is_object()));
            for backend in [Backend::Claude, Backend::Codex, Backend::of_line(line)] {
                for event in backend.agent().parse_line(line) {
                    ledger.note(&event);
                }
            }
        }
    });
}

/// One event as it is told: its kind and text.
type Told = (EventKind, String);

/// What each line tells.
fn told(lines: &[String]) -> Vec<Vec<Told>> {
    let mut once = Once::default();
    let mut line = |line: &String| {
        let events = Backend::of_line(line.as_bytes()).agent().parse_line(line.as_bytes());
        let tell = |event: aimax::Event| match once.repeats(&event) {
            true => (EventKind::Other, String::new()),
            false => (event.kind, event.text.trim().to_owned()),
        };
        events.into_iter().map(tell).collect()
    };
    lines.iter().map(&mut line).collect()
}

/// Whatever happens to a field of a record, the other records tell what they told; but a record that
/// says the same as the damaged one tells it in its place.
#[test]
fn damaged_transcripts_lose_nothing_beside_the_field() {
    fuzz("fields", |seeds, random| {
        let text = std::str::from_utf8(&seeds[random.below(seeds.len())]).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let before = told(&lines);
        let at = random.below(lines.len());
        lines[at] = with_odd_field(&lines[at], random);
        assert_eq!(validate_record(lines[at].as_bytes()), Ok(()), "{}", lines[at]);
        let after = told(&lines);
        let said = [&before[at][..], &after[at]].concat();
        let is_other = |told: &Told| told.0 == EventKind::Other;
        for (n, (before, after)) in before.iter().zip(&after).enumerate().filter(|(n, _)| *n != at)
        {
            assert_eq!(before.len(), after.len(), "line {n} beside {}", lines[at]);
            for (before, after) in
                before.iter().zip(after).filter(|(before, after)| before != after)
            {
                let twin = if is_other(before) { after } else { before };
                let is_end = |told: &Told| matches!(told.0, EventKind::TurnEnd | EventKind::Error);
                let is_said = said.contains(twin) || is_end(twin) && said.iter().any(is_end);
                assert!(
                    (is_other(before) || is_other(after)) && is_said,
                    "line {n}: {before:?} {after:?} beside {}",
                    lines[at]
                );
            }
        }
    });
}

/// The record with one field, somewhere in it, that is odd or there twice.
fn with_odd_field(line: &str, random: &mut Random) -> String {
    let mut record: Value = serde_json::from_str(line).unwrap();
    let mut place = &mut record;
    while let Some(fields) = place.as_object().filter(|fields| !fields.is_empty()) {
        let name = fields.keys().nth(random.below(fields.len())).unwrap().clone();
        let inside = &mut place[&name];
        if !inside.is_object() || random.below(3) == 0 {
            let was = inside.to_string();
            *inside = "\u{1}".into();
            let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
            let odd =
                ["null", "7", "1e999", "-0.0", "\"\\ud83d\"", "[]", "{}", "\"x\"", "true", &deep];
            let odd = odd[random.below(odd.len())];
            let now = match random.below(3) {
                0 => format!("{was},\"{name}\":{odd}"),
                1 => format!("{odd},\"{name}\":{was}"),
                _ => odd.to_owned(),
            };
            return record.to_string().replacen("\"\\u0001\"", &now, 1);
        }
        place = &mut place[&name];
    }
    line.to_owned()
}

fn damage(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    const ODD: &[u8] = b"\"\\{}[]:,0-.eu \n\t\0\x80\xc3\xff1";
    for _ in 0..random.below(40) {
        let at = random.below(bytes.len() + 1);
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, ODD[random.below(ODD.len())]),
            2 => drop(bytes.drain(at..bytes.len().min(at + random.below(200)))),
            3 => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len());
                let piece = &other[from..other.len().min(from + random.below(500))];
                bytes.splice(at..at, piece.iter().copied());
            }
            _ if at < bytes.len() => bytes[at] = ODD[random.below(ODD.len())],
            _ => {}
        }
    }
}

/// Put into the cutter in random pieces, the bytes come out as the plainest way cuts them.
fn cut(bytes: &[u8], random: &mut Random) {
    let offset = random.below(1000) as u64;
    let mut lines = Lines::from(offset);
    let mut got = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let room = lines.room();
        let count = (1 + random.below(20_000)).min(rest.len()).min(room.len());
        room[..count].copy_from_slice(&rest[..count]);
        lines.filled(count);
        rest = &rest[count..];
        while let Some(block) = lines.next() {
            got.extend(block.lines().map(|l| (l.offset, l.next, l.bytes.to_vec())));
        }
        if random.below(3) == 0 {
            lines.pause();
        }
    }
    assert!(got == plainly(bytes, offset));
}
