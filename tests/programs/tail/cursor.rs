//! A place that is kept over runs, whatever ends them.

use std::{
    fs,
    process::Stdio,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use super::{Home, append, run, tail, text};

fn numbers(out: &[u8]) -> Vec<u64> {
    let lines = out.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    let number = |line: &[u8]| {
        let record: serde_json::Value = serde_json::from_slice(line).ok()?;
        record["n"].as_u64()
    };
    lines.map(|line| number(line).unwrap()).collect()
}

#[test]
fn killed_at_any_moment_it_loses_nothing_and_repeats_one_record_at_most() {
    let home = Home::new();
    let (path, place) = (home.proj().join("a.jsonl"), home.proj().join("place"));
    append(&path, "");
    const ALL: u64 = 3000;
    let over = AtomicBool::new(false);
    let mut seen: Vec<u64> = Vec::new();
    let mut kills = 0;
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..ALL {
                let line = format!("{{\"n\":{n},\"fill\":\"{}\"}}\n", "x".repeat(n as usize % 700));
                // Torn now and then, as real writers do.
                let (head, rest) = line.split_at(line.len() * (n as usize % 3) / 2);
                append(&path, head);
                append(&path, rest);
                if n % 20 == 0 {
                    thread::sleep(Duration::from_millis(5));
                }
            }
            over.store(true, Ordering::SeqCst);
        });
        let mut state = 11u64;
        while seen.last() != Some(&(ALL - 1)) {
            let last = over.load(Ordering::SeqCst);
            let out = home.proj().join("out");
            let mut command = tail(&home, &["-f", "--cursor", text(&place), text(&path)]);
            command.stdout(fs::File::create(&out).unwrap()).stderr(Stdio::inherit());
            let mut child = command.spawn().unwrap();
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // A moment that nothing announces: that is what is tested.
            let span = if last { 2000 } else { (state >> 33) % 60 };
            thread::sleep(Duration::from_millis(span));
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            let out = fs::read(&out).unwrap();
            // A kill can make the kernel leave a write to a file unfinished. What has no newline is
            // no record, and comes again.
            let whole = out.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
            let got = numbers(&out[..whole]);
            let Some(&first) = got.first() else { continue };
            let next = seen.last().map_or(0, |last| last + 1);
            assert!(first == next || first + 1 == next, "{first} after {next}");
            seen.extend(got.iter().skip_while(|&&n| n < next));
        }
    });
    assert!(seen.iter().copied().eq(0..ALL), "after {kills} kills");
    let said = run(&home, &["--cursor", text(&place), text(&path)]);
    assert!(numbers(&said.out).len() <= 1, "all was read");
}

#[test]
fn another_file_in_its_place_is_noticed_by_what_stands_in_it() {
    let home = Home::new();
    let (path, place) = (home.proj().join("a.jsonl"), home.proj().join("place"));
    let words = ["--cursor", text(&place), text(&path)];
    append(&path, "{\"n\":1}\n{\"n\":2}\n");
    assert_eq!(numbers(&run(&home, &words).out), [1, 2]);
    let kept: serde_json::Value = serde_json::from_slice(&fs::read(&place).unwrap()).unwrap();
    assert_eq!((kept["path"].as_str(), kept["offset"].as_u64()), (path.to_str(), Some(16)));
    assert!(kept["device"].is_u64() && kept["inode"].is_u64() && kept["hash"].is_string());
    append(&path, "{\"n\":3}\n");
    // A copy is the same transcript.
    fs::copy(&path, home.proj().join("copy")).unwrap();
    fs::rename(home.proj().join("copy"), &path).unwrap();
    let said = run(&home, &words);
    assert_eq!((numbers(&said.out), said.notes.as_str()), (vec![3], ""));
    // Rewritten in place, and replaced.
    for (n, replaced) in [(4, false), (5, true)] {
        let file = if replaced { home.proj().join("other") } else { path.clone() };
        fs::write(&file, format!("{{\"n\":{n}}}\n").repeat(9)).unwrap();
        if replaced {
            fs::rename(&file, &path).unwrap();
        }
        let said = run(&home, &words);
        assert_eq!(numbers(&said.out), [n; 9]);
        let why = if replaced { "another file took its place" } else { "was rewritten" };
        assert!(said.notes.contains(why) && said.notes.lines().count() == 1, "{}", said.notes);
    }
    fs::write(&path, "").unwrap();
    assert!(run(&home, &words).notes.contains("was rewritten"));
    let other = home.proj().join("b.jsonl");
    append(&other, "{}\n");
    assert_eq!(run(&home, &["--cursor", text(&place), text(&other)]).status, Some(2));
    fs::write(&place, "{").unwrap();
    assert_eq!(run(&home, &words).status, Some(2));
}
