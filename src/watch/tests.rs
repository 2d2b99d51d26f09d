use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, Write},
    os::unix::{
        fs::{PermissionsExt, symlink},
        process::ExitStatusExt,
    },
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use super::*;

/// A folder of its own for a test, removed at its end.
struct Room(PathBuf);

impl Room {
    fn new(name: &str) -> Room {
        let path = std::env::temp_dir().join(format!("aimax-watch-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Room(path)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn append(path: &Path, text: &str) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

fn on(path: &Path) -> Watch {
    let mut watch = Watch::new().unwrap();
    watch.path(path).unwrap();
    watch
}

#[track_caller]
fn wakes(watch: &mut Watch) {
    assert_eq!(watch.wait(Deadline::after(Duration::from_secs(20))).unwrap(), Woke::Event);
}

/// Nothing is pending; events are pending before the call that causes them returns.
#[track_caller]
fn rests(watch: &mut Watch) {
    assert_eq!(watch.wait(Deadline::after(Duration::from_millis(20))).unwrap(), Woke::Deadline);
}

#[track_caller]
fn wakes_once(watch: &mut Watch) {
    wakes(watch);
    rests(watch);
}

#[test]
fn a_file_is_written_truncated_replaced_removed_and_made_again() {
    let room = Room::new("file");
    let file = room.at("f");
    fs::write(&file, "one\n").unwrap();
    let mut watch = on(&file);
    rests(&mut watch);
    append(&file, "two\n");
    append(&file, "three\n");
    wakes_once(&mut watch);
    OpenOptions::new().write(true).open(&file).unwrap().set_len(0).unwrap();
    wakes_once(&mut watch);
    for _ in 0..3 {
        fs::write(room.at("new"), "new\n").unwrap();
        rests(&mut watch);
        fs::rename(room.at("new"), &file).unwrap();
        wakes_once(&mut watch);
        append(&file, "more\n");
        wakes_once(&mut watch);
    }
    fs::remove_file(&file).unwrap();
    wakes_once(&mut watch);
    fs::write(&file, "").unwrap();
    wakes_once(&mut watch);
    append(&file, "again\n");
    wakes_once(&mut watch);
    fs::rename(&file, room.at("away")).unwrap();
    wakes_once(&mut watch);
    append(&room.at("away"), "not ours any more\n");
    rests(&mut watch);
}

#[test]
fn a_file_that_is_held_open_by_its_writer() {
    let room = Room::new("held");
    let mut writer = File::create(room.at("f")).unwrap();
    let mut watch = on(&room.at("f"));
    for _ in 0..100 {
        writer.write_all(b"x").unwrap();
        wakes(&mut watch);
    }
    rests(&mut watch);
}

#[test]
fn a_folder_made_later_removed_and_made_again() {
    let room = Room::new("folder");
    let file = room.at("a/b/c/f");
    let mut watch = on(&file);
    for round in 0..3 {
        fs::create_dir(room.at("a")).unwrap();
        rests(&mut watch);
        fs::create_dir_all(room.at("a/b/c")).unwrap();
        rests(&mut watch);
        fs::write(&file, "x").unwrap();
        wakes_once(&mut watch);
        append(&file, "y");
        wakes_once(&mut watch);
        if round == 1 {
            fs::rename(room.at("a"), room.at("gone")).unwrap();
        } else {
            fs::remove_dir_all(room.at("a")).unwrap();
        }
        wakes_once(&mut watch);
    }
    fs::create_dir_all(room.at("a/b/c")).unwrap();
    fs::write(&file, "all at once").unwrap();
    wakes_once(&mut watch);
}

#[test]
fn neighbours_do_not_wake() {
    let room = Room::new("neighbours");
    let (ours, other) = (room.at("d/ours"), room.at("d/other"));
    fs::create_dir(room.at("d")).unwrap();
    let mut watch = on(&ours);
    fs::write(&other, "x").unwrap();
    append(&other, "y");
    fs::write(room.at("beside the folder"), "x").unwrap();
    rests(&mut watch);
    fs::write(&ours, "x").unwrap();
    wakes_once(&mut watch);
    append(&other, "z");
    fs::remove_file(&other).unwrap();
    rests(&mut watch);
}

/// Not only is no wait ended: the kernel has nothing to tell.
#[track_caller]
fn hears_nothing(watch: &Watch) {
    let mut set = [Poll::readable(watch.files.fd())];
    assert!(!sys::poll(&mut set, Some(Duration::ZERO)).unwrap());
}

#[test]
fn a_busy_folder_is_not_heard() {
    let room = Room::new("busy");
    fs::create_dir(room.at("d")).unwrap();
    let file = room.at("d/f");
    fs::write(&file, "x").unwrap();
    let busy = || {
        for folder in ["", "d/"] {
            let other = room.at(&format!("{folder}other"));
            fs::write(&other, "x").unwrap();
            fs::set_permissions(&other, fs::Permissions::from_mode(0o600)).unwrap();
            fs::rename(&other, room.at("another")).unwrap();
            fs::remove_file(room.at("another")).unwrap();
        }
    };
    let mut watch = on(&file);
    busy();
    hears_nothing(&watch);
    fs::rename(room.at("d"), room.at("e")).unwrap();
    wakes_once(&mut watch);
    fs::create_dir(room.at("d")).unwrap();
    fs::write(&file, "y").unwrap();
    wakes_once(&mut watch);
    // Something was missing, so the folders told of names; now they need not.
    busy();
    hears_nothing(&watch);
    append(&file, "z");
    wakes_once(&mut watch);
    fs::write(room.at("new"), "new").unwrap();
    fs::rename(room.at("new"), &file).unwrap();
    wakes_once(&mut watch);
    fs::remove_file(&file).unwrap();
    wakes_once(&mut watch);
    fs::write(&file, "again").unwrap();
    wakes_once(&mut watch);
    // One that is missing needs the names; when it is watched no more, the other does not.
    let missing = room.at("d/missing");
    watch.path(&missing).unwrap();
    fs::write(&missing, "").unwrap();
    wakes_once(&mut watch);
    busy();
    hears_nothing(&watch);
    // One that is missing further down needs the names down there only.
    fs::create_dir_all(room.at("d/one/two")).unwrap();
    let deep = room.at("d/one/two/three/missing");
    watch.path(&deep).unwrap();
    busy();
    hears_nothing(&watch);
    fs::create_dir(room.at("d/one/two/three")).unwrap();
    fs::write(&deep, "").unwrap();
    wakes_once(&mut watch);
}

#[test]
fn a_folder_that_a_process_works_in_is_replaced_before_the_file_is_there() {
    let room = Room::new("worked-in");
    let file = room.at("d/e/f");
    fs::create_dir_all(room.at("d/e")).unwrap();
    let mut inside = Command::new("sleep").arg("60").current_dir(room.at("d/e")).spawn().unwrap();
    let mut watch = on(&file);
    fs::remove_dir_all(room.at("d")).unwrap();
    rests(&mut watch);
    fs::create_dir_all(room.at("d/e")).unwrap();
    rests(&mut watch);
    fs::write(&file, "x").unwrap();
    wakes_once(&mut watch);
    inside.kill().unwrap();
    inside.wait().unwrap();
}

#[test]
fn links_are_followed_and_watched() {
    let room = Room::new("links");
    for folder in ["one", "two"] {
        fs::create_dir(room.at(folder)).unwrap();
        fs::write(room.at(folder).join("f"), "x").unwrap();
    }
    symlink("one", room.at("current")).unwrap();
    symlink("current/../current/f", room.at("link")).unwrap();
    let mut watch = on(&room.at("link"));
    append(&room.at("two/f"), "y");
    rests(&mut watch);
    append(&room.at("one/f"), "y");
    wakes_once(&mut watch);
    symlink("two", room.at("next")).unwrap();
    fs::rename(room.at("next"), room.at("current")).unwrap();
    wakes_once(&mut watch);
    append(&room.at("one/f"), "z");
    rests(&mut watch);
    append(&room.at("two/f"), "z");
    wakes_once(&mut watch);

    symlink("loop", room.at("loop")).unwrap();
    rests(&mut on(&room.at("loop")));
}

#[test]
fn a_folder_tells_of_its_entries() {
    let room = Room::new("entries");
    let mut watch = on(&room.0);
    fs::write(room.at("f"), "x").unwrap();
    wakes_once(&mut watch);
    fs::remove_file(room.at("f")).unwrap();
    wakes_once(&mut watch);
    // The same folder also as a step on the way to a file.
    watch.path(&room.at("f")).unwrap();
    watch.forget(&room.0);
    fs::write(room.at("g"), "x").unwrap();
    rests(&mut watch);
    fs::write(room.at("f"), "x").unwrap();
    wakes_once(&mut watch);
    wakes_not_after_forget(&mut watch, &room.at("f"));
}

#[track_caller]
fn wakes_not_after_forget(watch: &mut Watch, path: &Path) {
    watch.forget(path);
    append(path, "x");
    fs::remove_file(path).unwrap();
    rests(watch);
}

#[test]
fn a_thousand_files() {
    let room = Room::new("thousand");
    let mut watch = Watch::new().unwrap();
    let file = |n: usize| room.at(&format!("{}/{n}", n % 10));
    for n in 0..1000 {
        watch.path(&file(n)).unwrap();
    }
    for n in 0..10 {
        fs::create_dir(room.at(&n.to_string())).unwrap();
    }
    rests(&mut watch);
    for n in 0..1000 {
        fs::write(file(n), "x").unwrap();
    }
    wakes_once(&mut watch);
    append(&file(777), "y");
    wakes_once(&mut watch);
    for n in 0..999 {
        watch.forget(&file(n));
    }
    append(&file(777), "y");
    rests(&mut watch);
    append(&file(999), "y");
    wakes_once(&mut watch);
}

#[test]
fn changes_of_which_the_kernel_does_not_tell_are_seen() {
    let room = Room::new("untold");
    let file = room.at("d/f");
    fs::create_dir(room.at("d")).unwrap();
    // What is put in the place of the file system's own word: nothing is told below this folder.
    let mut paths = Unheard(paths::Paths::new(|_| false));
    let id = paths.add(&file).unwrap();
    let mut sees = |change: &dyn Fn()| {
        let mut changed = Changes::default();
        assert!(!paths.look(&mut changed).unwrap(), "{changed:?}");
        change();
        assert!(paths.look(&mut changed).unwrap());
        assert_eq!(changed.paths, BTreeSet::from([id]));
        assert!(!changed.are_writes(&changed.paths));
        assert!(!paths.look(&mut changed).unwrap());
    };
    sees(&|| fs::write(&file, "one\n").unwrap());
    sees(&|| append(&file, "two\n"));
    sees(&|| File::options().write(true).open(&file).unwrap().set_len(0).unwrap());
    sees(&|| {
        fs::write(room.at("new"), "").unwrap();
        fs::rename(room.at("new"), &file).unwrap();
    });
    sees(&|| fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap());
    sees(&|| fs::rename(room.at("d"), room.at("away")).unwrap());
    sees(&|| {
        fs::create_dir(room.at("d")).unwrap();
        symlink("../away/f", &file).unwrap();
    });
    sees(&|| append(&room.at("away/f"), "behind the link\n"));
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_only_written_to_is_known_to_be_the_same_file() {
    let room = Room::new("same");
    let file = room.at("f");
    let mut watch = Watch::new().unwrap();
    let ids = BTreeSet::from([watch.path(&file).unwrap()]);
    let mut are_writes = |change: &dyn Fn()| {
        change();
        wakes_once(&mut watch);
        let changes = watch.changes();
        assert_eq!(changes.paths, ids);
        changes.are_writes(&ids)
    };
    let write = || append(&file, "one\n");
    assert!(!are_writes(&|| fs::write(&file, "").unwrap()), "it is new");
    assert!(are_writes(&write));
    assert!(are_writes(&|| File::options().write(true).open(&file).unwrap().set_len(0).unwrap()));
    fs::write(room.at("other"), "").unwrap();
    let replace = || fs::rename(room.at("other"), &file).unwrap();
    assert!(!are_writes(&|| {
        write();
        replace();
    }));
    assert!(are_writes(&write), "the one in its place");
    assert!(!are_writes(&|| fs::rename(&room.0, room.0.with_extension("away")).unwrap()));
    assert!(!are_writes(&|| fs::rename(room.0.with_extension("away"), &room.0).unwrap()));
    assert!(are_writes(&write));
    assert!(!are_writes(&|| fs::remove_file(&file).unwrap()));
}

/// The kernel gives each user so many inotify instances, and no more.
#[cfg(target_os = "linux")]
#[test]
fn without_room_in_the_kernel_paths_are_looked_at() {
    let room = Room::new("room");
    let mut watch = Watch::new().unwrap();
    watch.files = kernel::Files::on(None);
    let id = watch.path(&room.at("d/f")).unwrap();
    rests(&mut watch);
    fs::create_dir(room.at("d")).unwrap();
    rests(&mut watch);
    let mut sees = |change: &dyn Fn()| {
        change();
        wakes_once(&mut watch);
        assert_eq!(watch.changed(), BTreeSet::from([id]));
    };
    sees(&|| fs::write(room.at("d/f"), "one\n").unwrap());
    sees(&|| append(&room.at("d/f"), "two\n"));
    sees(&|| fs::remove_file(room.at("d/f")).unwrap());
    watch.forget(&room.at("d/f"));
    assert!(watch.files.paths().all_told());
}

/// Paths on a kernel that tells nothing.
struct Unheard(paths::Paths<()>);

impl Marks for Unheard {
    type Mark = ();

    fn paths(&mut self) -> &mut paths::Paths<()> {
        &mut self.0
    }

    fn mark_way(&mut self, _: WatchId, _: &walk::Way, _: &mut Vec<()>) -> Result<bool> {
        Ok(true)
    }

    fn is_settled(&mut self, _: &[()], _: &[()]) -> Result<bool> {
        Ok(true)
    }

    fn unmark(&mut self, _: WatchId, (): &()) {}
}

/// The kernel tells nothing of what comes and goes in /proc, and its files have no size.
#[cfg(target_os = "linux")]
#[test]
fn a_file_system_that_tells_nothing_is_looked_at_and_no_other() {
    let room = Room::new("told");
    let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let proc = PathBuf::from(format!("/proc/{}/comm", child.id()));
    symlink(&proc, room.at("link")).unwrap();
    let mut plain = on(&room.at("f"));
    let mut watches = [on(&proc), on(&room.at("link"))];
    for watch in &mut watches {
        rests(watch);
        assert!(!watch.files.paths().all_told());
    }
    drop(child.stdin.take());
    child.wait().unwrap();
    for watch in &mut watches {
        wakes_once(watch);
        assert_eq!(watch.changed().len(), 1);
        watch.forget(&proc);
        watch.forget(&room.at("link"));
        assert!(watch.files.paths().all_told());
    }
    rests(&mut plain);
    assert!(plain.files.paths().all_told());
}

#[test]
fn the_end_of_a_process_wakes_once() {
    let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let mut watch = Watch::new().unwrap();
    watch.process(child.id()).unwrap();
    rests(&mut watch);
    drop(child.stdin.take());
    wakes_once(&mut watch);
    child.wait().unwrap();
    watch.process(child.id()).unwrap();
    wakes_once(&mut watch);
}

#[test]
fn a_pipe_to_read_and_a_pipe_without_reader() {
    let (mut from, mut to) = std::io::pipe().unwrap();
    let mut watch = Watch::new().unwrap();
    watch.readable(&from);
    rests(&mut watch);
    to.write_all(b"x").unwrap();
    wakes(&mut watch);
    std::io::Read::read_exact(&mut from, &mut [0]).unwrap();
    rests(&mut watch);
    watch.ignore(&from);

    watch.reader_of(&to);
    rests(&mut watch);
    to.write_all(&vec![b'x'; 4096]).unwrap();
    rests(&mut watch);
    let closer = thread::spawn(move || drop(from));
    assert_eq!(watch.wait(Deadline::NEVER).unwrap_err().kind, Kind::ReaderGone);
    closer.join().unwrap();
    watch.ignore(&to);
    watch.reader_of(&File::create("/dev/null").unwrap());
}

#[test]
fn a_write_during_a_wait_ends_it() {
    let room = Room::new("during");
    let file = room.at("f");
    fs::write(&file, "").unwrap();
    let mut watch = on(&file);
    let writer = {
        let file = file.clone();
        thread::spawn(move || append(&file, "x"))
    };
    assert_eq!(watch.wait(Deadline::NEVER).unwrap(), Woke::Event);
    writer.join().unwrap();
}

/// In a process of its own: a signal is caught by a whole process, other tests included.
#[test]
fn a_caught_signal_ends_a_wait_and_then_the_process() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "watch::tests::child_that_catches", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.by_ref().any(|line| line.unwrap().contains("waiting")));
    assert!(
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success()
    );
    assert!(lines.any(|line| line.unwrap().contains("tidied")));
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGTERM));
}

#[test]
#[ignore = "the child of the test above"]
fn child_that_catches() {
    signals::catch(&signals::ENDING).unwrap();
    let mut watch = Watch::new().unwrap();
    println!("waiting");
    let error = watch.wait(Deadline::NEVER).unwrap_err();
    assert_eq!(error.kind, Kind::Signal(libc::SIGTERM));
    rests(&mut watch);
    println!("tidied");
    sys::die_by(libc::SIGTERM);
}
