//! The job's account is the truth, and the flags are what everyone sees of it: whatever becomes of the
//! files in the agent's folder.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{fs, io::Write as _};

use crate::{
    desk::{Desk, GATE, gone, told},
    records::{Job, Listed, Proven, Ready, Spawned},
    util::wait::{PATIENCE, wait_until},
};

/// What an earlier session, or another program, may leave in the folder.
const LEFT: [(&str, &str); 4] = [
    ("failed.flag", "session=one\nfailedAt=2025-01-01T00:00:00.000Z\nreason=long ago\n"),
    (
        "running.flag",
        "session=one\nstartedAt=2025-01-01T00:00:00.000Z\ntranscript=/no/such\noffset=9\n",
    ),
    ("running.flag", "session=one\npid=1\nstartedAt=2025-01-01T00:00:00.000Z\n"),
    ("running.flag", ""),
];

impl Desk {
    fn checks(&self, name: &str) -> Option<i32> {
        self.run("aimax-flag", &["check", name]).code()
    }

    fn put(&self, name: &str, flag: &str, text: &str) {
        fs::create_dir_all(self.flags(name)).unwrap();
        fs::write(self.flags(name).join(flag), text).unwrap();
    }
}

#[test]
fn a_running_flag_that_the_agent_removes_comes_back() {
    let desk = Desk::new();
    desk.spawn("one", GATE);
    let waiting = desk.start("aimax-flag", &["wait", "one"]);
    for _ in 0..2 {
        let before = fs::read(desk.flags("one").join("running.flag")).unwrap();
        fs::remove_dir_all(desk.home.proj().join(".imac")).expect("nobody disturbs a removal");
        assert_eq!(desk.checks("one"), Some(124), "the turn runs");
        wait_until(PATIENCE, "the flag again", || desk.is_running("one"));
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let began = |text: String| {
            text.lines().find(|line| line.starts_with("startedAt")).map(str::to_owned)
        };
        let now = fs::read(desk.flags("one").join("running.flag")).unwrap();
        assert_eq!(began(text(now)), began(text(before)), "the same job");
        assert!(desk.home.proj().join(".imac/.gitignore").exists());
    }
    desk.open_gate();
    assert_eq!(waiting.end().record::<Job>().state, "done");
    assert!(!desk.is_running("one") && desk.failure("one").is_none());

    desk.paste("one", ":error 500");
    desk.run("aimax-flag", &["wait", "one"]).fails_with::<Job>(1, "one: the job failed");
    fs::remove_dir_all(desk.home.proj().join(".imac")).unwrap();
    assert_eq!(desk.checks("one"), Some(1));
    assert_eq!(desk.failure("one").as_deref(), Some("API Error: 500 practice error"));
}

#[test]
fn what_another_session_left_says_nothing() {
    let desk = Desk::new();
    for (flag, text) in LEFT {
        desk.put("one", flag, text);
        desk.ready("one");
        assert_eq!(fs::read_dir(desk.flags("one")).unwrap().count(), 0, "{flag} {text}");
        let listed: Listed = desk.run("aimax-ls", &["one"]).record();
        assert_eq!((listed.state.as_str(), desk.checks("one")), ("idle", Some(0)), "{flag} {text}");
        // A commit that is checked out brings it back.
        desk.put("one", flag, text);
        assert_eq!(desk.checks("one"), Some(0), "{flag} {text}");
        assert_eq!(fs::read_dir(desk.flags("one")).unwrap().count(), 0, "{flag} {text}");
        desk.paste("one", "hello");
        desk.done("one");
        desk.put("one", flag, text);
        assert_eq!(desk.run("aimax-flag", &["wait", "one"]).record::<Job>().state, "done");
        desk.run("aimax-kill", &["one"]).record::<crate::records::Killed>();
    }
}

#[test]
fn a_crash_that_took_the_last_records_says_nothing_about_the_next_session() {
    let desk = Desk::new();
    let spawned = desk.spawn("one", "first");
    desk.done("one");
    let whole = fs::read(&spawned.jsonl_path).unwrap();
    desk.paste("one", GATE);
    desk.tmux().run(["kill-server"]);
    gone(spawned.pid);
    let half = whole.iter().take(whole.len() / 2).rposition(|&byte| byte == b'\n').unwrap() + 1;
    fs::write(&spawned.jsonl_path, &whole[..half]).unwrap();
    wait_until(PATIENCE, "the end", || desk.checks("one") == Some(1));
    assert!(desk.failure("one").unwrap().starts_with("the agent ended"));
    let args = ["-b", "tmux-practice", "-s", "one", "--resume", &spawned.agent_session_id];
    desk.run("aimax-spawn", &args).record::<Ready>();
    assert_eq!((desk.checks("one"), desk.failure("one")), (Some(0), None));
    desk.paste("one", "second");
    desk.done("one");
}

/// A program that knows nothing of accounts speaks by the flags alone.
#[test]
fn another_programs_flags_count_when_they_are_newer() {
    let desk = Desk::new();
    desk.ready("one");
    let now = || aimax::internal::rfc3339(aimax::internal::now_ms());
    for has_account in [true, false] {
        if !has_account {
            fs::remove_file(desk.made_for("one").join("job.json")).unwrap();
        }
        desk.put("one", "running.flag", &format!("session=one\npid=1\nstartedAt={}\n", now()));
        assert_eq!(desk.checks("one"), Some(124), "{has_account}");
        fs::remove_file(desk.flags("one").join("running.flag")).unwrap();
        assert_eq!(desk.checks("one"), Some(0), "{has_account}");
        let failed = format!("session=one\nfailedAt={}\nreason=theirs\n", now());
        desk.put("one", "failed.flag", &failed);
        assert_eq!(desk.checks("one"), Some(1), "{has_account}");
        let listed: Listed = desk.run("aimax-ls", &["one"]).record();
        assert_eq!(listed.reason.as_deref(), Some("theirs"), "{has_account}");
        fs::remove_file(desk.flags("one").join("failed.flag")).unwrap();
        assert_eq!(desk.checks("one"), Some(0), "{has_account}");
    }
}

/// The agent's own word is the removal of the file, not of all that is in its folder.
#[test]
fn an_agent_that_has_the_last_word_may_clean_its_folder() {
    let desk = Desk::new();
    let done = ["-b", "tmux-practice", "-s", "a", "--done", "agent", "-p", "!rm -r .imac"];
    let spawned: Spawned = desk.run("aimax-spawn", &done).record();
    told(&spawned.jsonl_path, "turn_duration");
    assert_eq!((desk.checks("a"), desk.is_running("a")), (Some(124), true));
    let fail = "!printf 'failedAt=2999-01-01T00:00:00Z\\nreason=mine\\n' >.imac/flags/a/failed.flag; \
                rm .imac/flags/a/running.flag";
    desk.run("aimax-paste", &["-s", "a", "--done", "agent", "-p", fail]).record::<Proven>();
    let ran = desk.run("aimax-flag", &["wait", "a", "--timeout", "60"]);
    assert_eq!(ran.fails_with::<Job>(1, "a: the job failed: mine").state, "failed");
}

/// A sender was killed right after it had noted where the transcript ends: what the agent writes of the
/// turn before is not the end of the new job, so the next sender waits for the text that may come.
#[test]
fn a_late_record_of_the_turn_before_ends_no_job() {
    let desk = Desk::new();
    let spawned = desk.spawn("one", "hello");
    desk.done("one");
    let path = spawned.jsonl_path.display();
    let offset = fs::metadata(&spawned.jsonl_path).unwrap().len();
    let at = aimax::internal::now_ms();
    let account = format!(
        r#"{{"transcript":"{path}","conversation":null,"offset":{offset},"prompts":0,"sending":true,"doneBy":"turn","at":{at},"ended":null}}"#
    );
    fs::write(desk.made_for("one").join("job.json"), account).unwrap();
    let late = r#"{"type":"system","subtype":"turn_duration","durationMs":7,"uuid":"u"}"#;
    let mut transcript = fs::OpenOptions::new().append(true).open(&spawned.jsonl_path).unwrap();
    writeln!(transcript, "{late}").unwrap();
    assert_eq!(desk.checks("one"), Some(124), "its text may still come");
    let ran = desk.run("aimax-flag", &["wait", "one", "--timeout", "60"]);
    let job: Job = ran.fails_with(1, "one: the job failed");
    assert_eq!(job.reason.unwrap(), "the sender ended before the prompt was proven");
}
