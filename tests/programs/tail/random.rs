//! Whatever is written in whatever pieces, cut, replaced, or damaged.

use std::{
    fs,
    ops::ControlFlow,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use aimax::{
    Start,
    internal::{Backend, Follow, Ledger, Lines, Seen, suspects, validate_record},
};

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

/// Damaged transcripts of the real agents, for so long as `AIMAX_FUZZ_SECONDS` says: nothing panics,
/// nothing hangs, and every line is found where it is.
#[test]
fn damaged_transcripts_are_read_to_their_end() {
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
        let mut random = Random(round);
        let mut bytes = seeds[random.below(seeds.len())].clone();
        damage(&mut bytes, &seeds, &mut random);
        cut(&bytes, &mut random);
        let mut ledger = Ledger::default();
        for line in bytes.split(|&byte| byte == b'\n') {
            let is_record = validate_record(line).is_ok();
            let proven = suspects(&[line, b"\n"].concat()).is_empty();
            assert!(is_record || !proven, "{}", line.escape_ascii());
            let parsed = serde_json::from_slice::<serde_json::Value>(line);
            // A value is built up to a depth; a check goes to any.
            assert!(parsed.is_err() || is_record == parsed.is_ok_and(|value| value.is_object()));
            for backend in [Backend::Claude, Backend::Codex, Backend::of_line(line)] {
                for event in backend.agent().parse_line(line) {
                    ledger.note(&event);
                }
            }
        }
    }
    eprintln!("{round} damaged transcripts in {:?}", clock.elapsed());
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
