//! What `aimax setup` installs is found by the real shells and the real `man`, and goes again.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    desk::{Desk, copy_program},
    records::Listed,
    util::wait::{PATIENCE, wait_for},
};

const PROGRAMS: [&str; 6] =
    ["aimax-spawn", "aimax-paste", "aimax-tail", "aimax-flag", "aimax-ls", "aimax-kill"];

/// A desk whose user has installed `programs` in a folder of the home.
struct Installed {
    desk: Desk,
    bin: PathBuf,
}

impl Installed {
    fn new(programs: &[&str]) -> Self {
        let mut desk = Desk::new();
        let bin = desk.home.home().join(".cargo/bin");
        fs::create_dir_all(&bin).unwrap();
        desk.home.add_path(&bin);
        for program in programs {
            let built = Path::new(env!("CARGO_BIN_EXE_aimax")).with_file_name(program);
            copy_program(built, &bin);
        }
        Installed { desk, bin }
    }

    /// Runs the installed `aimax setup`, which must end with `code`, and gives what it prints.
    #[track_caller]
    fn setup(&self, args: &[&str], code: i32) -> String {
        let mut command = self.desk.home.command(self.bin.join("aimax"));
        let output = command.arg("setup").args(args).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), &*said), (Some(code), ""));
        String::from_utf8(output.stdout).unwrap()
    }

    fn below(&self, path: &str) -> PathBuf {
        self.desk.home.home().join(path)
    }

    /// Every file and link below the home: its text or target, and when it was written.
    fn everything(&self) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.desk.home.home()];
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                let seen = path.symlink_metadata().unwrap();
                let text = match () {
                    () if seen.is_dir() => {
                        folders.push(path);
                        continue;
                    }
                    () if seen.is_symlink() => {
                        path.read_link().unwrap().into_os_string().into_encoded_bytes()
                    }
                    () => fs::read(&path).unwrap(),
                };
                found.insert(path, (text, seen.modified().unwrap()));
            }
        }
        found
    }

    /// Types `typed` and Tab into an interactive `shell`, until the screen shows `whole`.
    fn completes(&self, shell: &[&str], typed: &str, whole: &str) {
        let tmux = self.desk.tmux();
        let pane = tmux.start(shell[0], &self.desk.home.proj(), shell);
        wait_for(PATIENCE, "the prompt of the shell", |saw| {
            *saw = tmux.capture(&pane);
            saw.contains("here>").then_some(())
        });
        tmux.run(["send-keys", "-t", &pane, "-l", typed]);
        tmux.keys(&pane, &["Tab"]);
        wait_for(PATIENCE, &format!("{whole} in {}", shell[0]), |saw| {
            *saw = tmux.capture(&pane);
            saw.contains(whole).then_some(())
        });
    }
}

/// Whether these are installed. They are on a machine that tests everything.
fn has(programs: &[&str]) -> bool {
    let missing = |program: &&&str| {
        !Path::new(program).exists() && Command::new(program).arg("--version").output().is_err()
    };
    match programs.iter().find(missing) {
        None => true,
        Some(program) => {
            assert!(std::env::var_os("CI").is_none(), "{program} is not installed");
            eprintln!("left out: {program} is not installed");
            false
        }
    }
}

#[test]
fn one_file_is_all_programs_by_its_links() {
    let installed = Installed::new(&["aimax", "aimax-ls", "aimax-tail"]);
    let other = installed.bin.join("aimax-kill");
    fs::write(&other, "#!/bin/sh\necho aimax-kill 0.0.1\n").unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).unwrap();
    let said = installed.setup(&[], 1);
    assert!(said.contains(": 3 written, 2 copies replaced by links\n"), "{said}");
    assert!(said.contains("aimax-kill stays: it is aimax-kill 0.0.1\n"), "{said}");
    fs::remove_file(other).unwrap();
    installed.setup(&[], 0);
    for program in PROGRAMS {
        let path = installed.bin.join(program);
        assert_eq!(fs::read_link(&path).unwrap(), Path::new("./aimax"));
        let output = installed.desk.home.command(&path).arg("--version").output().unwrap();
        let version = format!("{program} {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), version);
    }
    let mut spawn = installed.desk.home.command(installed.bin.join("aimax-spawn"));
    let output = spawn.args(["-b", "practice", "-s", "one", "-p", "hello"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    installed.desk.done("one");
    let output = installed.desk.home.command(installed.bin.join("aimax-ls")).output().unwrap();
    let listed: Listed = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(listed.session_id, "one");
    let wrong = installed.desk.home.command(installed.bin.join("aimax-ls")).arg("no").output();
    let said = String::from_utf8(wrong.unwrap().stderr).unwrap();
    assert!(said.starts_with("aimax-ls: no: no such session"), "{said}");
}

#[test]
fn what_is_set_up_twice_is_the_same_and_goes_without_a_trace() {
    let installed = Installed::new(&["aimax"]);
    let theirs = [".local/share/bash-completion/completions/aimax-theirs", ".cargo/bin/aimax-own"];
    for path in theirs {
        installed.desk.home.write(path, "theirs\n");
    }
    let before = installed.everything();
    let said = installed.setup(&[], 0);
    assert!(!said.contains("unchanged") && said.contains("fpath=("), "{said}");
    let after = installed.everything();
    assert!(after.len() > before.len() + 80, "{}", after.len());
    let said = installed.setup(&[], 0);
    assert!(!said.contains("written") && !said.contains("removed"), "{said}");
    assert_eq!(installed.everything(), after);

    // What an older version had besides, and what is not ours.
    let page = installed.below(".cargo/share/man/man1/aimax-ls.1");
    let older = page.with_file_name("aimax-older.1");
    fs::copy(&page, &older).unwrap();
    fs::write(&page, "another page\n").unwrap();
    let said = installed.setup(&[], 1);
    assert!(said.contains("aimax-ls.1 stays: it was not written by `aimax setup`\n"), "{said}");
    assert!(said.contains(": 1 removed, ") && !older.exists(), "{said}");
    assert_eq!(fs::read(&page).unwrap(), b"another page\n");
    fs::remove_file(page).unwrap();

    let said = installed.setup(&["--remove"], 0);
    assert!(said.contains("6 removed") && !said.contains("Note"), "{said}");
    assert_eq!(installed.everything(), before);
    let said = installed.setup(&["--remove"], 0);
    assert!(!said.contains("removed"), "{said}");
}

#[test]
fn what_a_package_has_laid_down_is_in_its_place() {
    let installed = Installed::new(&["aimax"]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = installed.below(".cargo/share/man/man1");
    fs::create_dir_all(&pages).unwrap();
    for page in ["aimax.1", "aimax-ls.1"] {
        fs::copy(root.join("man").join(page), pages.join(page)).unwrap();
    }
    let before = fs::read(pages.join("aimax.1")).unwrap();
    installed.setup(&[], 0);
    installed.setup(&["--remove"], 0);
    assert_eq!(fs::read(pages.join("aimax.1")).unwrap(), before);
    // Pages of another version or another program are somebody else's, and are told together.
    for page in ["aimax.1", "aimax-ls.1", "aimax-flag.1", "aimax-tail.1"] {
        fs::write(pages.join(page), "another\n").unwrap();
    }
    let said = installed.setup(&[], 1);
    assert!(said.contains("! 4 files stay, such as ") && !said.contains(" stays:"), "{said}");
}

#[test]
fn below_a_prefix_the_folders_are_those_of_packages() {
    let installed = Installed::new(&["aimax"]);
    // As a package has them.
    for program in PROGRAMS {
        symlink("aimax", installed.bin.join(program)).unwrap();
    }
    let said = installed.setup(&["--prefix", "usr", "--json"], 0);
    let document: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(document["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(document["parts"][0]["unchanged"], 6);
    let share = installed.desk.home.proj().join("usr/share");
    for path in [
        "man/man1/aimax.1",
        "man/man7/aimax.7",
        "bash-completion/completions/aimax",
        "zsh/site-functions/_aimax",
        "fish/vendor_completions.d/aimax.fish",
    ] {
        assert!(share.join(path).is_file(), "{path}");
    }
    installed.setup(&["--prefix", "usr", "--remove"], 0);
    assert!(!share.join("man/man1/aimax.1").exists());
    assert!(installed.bin.join("aimax-ls").exists(), "the links of a package are its own");
}

#[test]
fn what_cannot_be_set_up_is_one_line() {
    let installed = Installed::new(&["aimax"]);
    for (args, code, says) in [
        (&["--prefix", ""][..], 2, "--prefix: the name of the folder is empty"),
        (&["--prefix", "/dev/null/usr"], 74, "/dev/null/usr/share/man/man1: "),
        (&["--prefx", "/usr"], 2, "--prefx: "),
        (&["now"], 2, "now: "),
    ] {
        let mut command = installed.desk.home.command(installed.bin.join("aimax"));
        let output = command.arg("setup").args(args).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), &*output.stdout), (Some(code), &b""[..]), "{said}");
        assert!(said.starts_with(&format!("aimax setup: {says}")), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn every_page_that_is_written_by_hand_is_installed() {
    let installed = Installed::new(&["aimax"]);
    installed.setup(&["--prefix", "usr"], 0);
    let man = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
    let share = installed.desk.home.proj().join("usr/share/man");
    for path in fs::read_dir(man).unwrap().map(|entry| entry.unwrap().path()) {
        let Some(section @ ("1" | "7")) = path.extension().and_then(|ending| ending.to_str())
        else {
            continue;
        };
        let there = share.join(format!("man{section}")).join(path.file_name().unwrap());
        let text =
            fs::read_to_string(&there).unwrap_or_else(|e| panic!("{}: {e}", there.display()));
        assert!(text.starts_with(&fs::read_to_string(&path).unwrap()), "{}", path.display());
    }
}

#[test]
fn man_finds_the_pages() {
    if !has(&["man"]) {
        return;
    }
    let installed = Installed::new(&["aimax"]);
    installed.setup(&[], 0);
    for (args, says) in [
        (&["aimax"][..], "AIMAX(1)"),
        (&["7", "aimax"], "AIMAX(7)"),
        (&["aimax-ls"], "AIMAX-LS(1)"),
    ] {
        let output = installed.desk.home.command("man").args(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains(says), "{args:?}: {output:?}");
    }
}

#[test]
fn bash_completes_what_is_set_up() {
    let framework = "/usr/share/bash-completion/bash_completion";
    if !has(&["bash", framework]) {
        return;
    }
    let installed = Installed::new(&["aimax"]);
    installed.setup(&[], 0);
    let start = installed.desk.home.write(".start", format!("PS1='here>'; . {framework}\n"));
    let shell = ["bash", "--rcfile", start.to_str().unwrap(), "-i"];
    installed.completes(&shell, "aimax-flag che", "aimax-flag check");
    installed.completes(&shell, "aimax kill --lock", "aimax kill --lock-wait");
}

#[test]
fn zsh_completes_what_is_set_up() {
    if !has(&["zsh"]) {
        return;
    }
    let installed = Installed::new(&["aimax"]);
    let said = installed.setup(&[], 0);
    // The line that the note gives.
    let line = said.split('`').find(|part| part.starts_with("fpath=(")).unwrap();
    let start = format!("PS1='here>'\n{line}\nautoload -Uz compinit; compinit -u\n");
    installed.desk.home.write(".zshrc", start);
    installed.completes(&["zsh", "-i"], "aimax-flag che", "aimax-flag check");
    installed.completes(&["zsh", "-i"], "aimax kill --lock", "aimax kill --lock-wait");
}

#[test]
fn fish_completes_what_is_set_up() {
    if !has(&["fish"]) {
        return;
    }
    let installed = Installed::new(&["aimax"]);
    installed.setup(&[], 0);
    let start = "function fish_prompt; echo -n 'here>'; end\nfunction fish_greeting; end\n";
    installed.desk.home.write(".config/fish/config.fish", start);
    installed.completes(&["fish", "-i"], "aimax-flag che", "aimax-flag check");
    installed.completes(&["fish", "-i"], "aimax kill --lock", "aimax kill --lock-wait");
}
