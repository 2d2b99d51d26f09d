//! The scripts are read and, as far as a shell lets itself be asked, used. A shell that is not
//! installed is left out.

use std::{fs, path::Path, process::Command};

use super::{bash, fish, zsh};
use crate::{
    cli::{
        fake::{Front, Job, Plain},
        page::{Page, page},
    },
    shell::quoted,
};

fn pages() -> [Page; 3] {
    [page::<Plain>(), page::<Job>(), page::<Front>()]
}

/// A folder with a fake `aimax-ls` and the programs' names on its PATH, gone with the value.
struct Dir(std::path::PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let dir = Dir(std::env::temp_dir().join(format!("aimax-{name}-{}", std::process::id())));
        fs::create_dir_all(dir.0.join("bin")).unwrap();
        fs::create_dir_all(dir.0.join("my folder")).unwrap();
        fs::write(dir.0.join("a file"), "").unwrap();
        for program in ["aimax-ls", "fake-tail", "fake-job"] {
            let path = dir.0.join("bin").join(program);
            let lines = "[ \"$*\" = --names ] && printf 'demo\\nnight shift\\n'\n";
            fs::write(&path, format!("#!/bin/sh\n{lines}")).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        dir
    }

    /// What `shell` prints for `script`, with `files` beside it, or nothing without that shell.
    fn run(&self, shell: &str, args: &[&str], files: &[(String, String)], script: &str) -> String {
        for (name, text) in files {
            fs::write(self.0.join(name), text).unwrap();
        }
        let path = std::env::var("PATH").unwrap();
        let output = Command::new(shell)
            .args(args)
            .arg(script)
            .current_dir(&self.0)
            .env("HOME", &self.0)
            .env("PATH", format!("{}:{path}", self.0.join("bin").display()))
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.is_empty(), "{script}\n{errors}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn installed(shell: &str) -> bool {
    Command::new(shell).arg("-c").arg(":").status().is_ok()
}

#[test]
fn scripts_parse() {
    let dir = Dir::new("parse");
    type Make = fn(&Page) -> String;
    for (shell, make) in [("bash", bash as Make), ("zsh", zsh), ("fish", fish)] {
        for page in pages().iter().filter(|_| installed(shell)) {
            let file = (format!("{}.{shell}", page.tool.name), make(page));
            let name = file.0.clone();
            assert_eq!(dir.run(shell, &["-n"], &[file], &name), "", "{}", make(page));
        }
    }
}

#[test]
fn bash_completes() {
    if !installed("bash") {
        return;
    }
    let dir = Dir::new("bash");
    let files = pages().map(|page| (page.tool.name.to_owned(), bash(&page)));
    let ask = |words: &[&str]| {
        let line: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        let name = words[0].replace('-', "_");
        let script = format!(
            "for f in fake fake-tail fake-job; do . ./$f; done; IFS=o; set -u
COMP_WORDS=({}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _{name}
for word in ${{COMPREPLY[@]+\"${{COMPREPLY[@]}}\"}}; do printf '%s\\n' \"$word\"; done",
            line.join(" ")
        );
        dir.run("bash", &["--norc", "-c"], &files, &script).lines().collect::<Vec<_>>().join("|")
    };
    for (words, found) in [
        (&["fake-tail", "--fo"][..], "--follow|--forever"),
        (&["fake-tail", "--no"], "--no-follow"),
        (&["fake-tail", "-s", ""], "demo|night\\ shift"),
        (&["fake-tail", "--session", "n"], "night\\ shift"),
        (&["fake-tail", "--session", "=", "d"], "demo"),
        (&["fake-tail", "--agent", "="], "claude|codex"),
        (&["fake-tail", "--agent", "=", "cl"], "claude"),
        (&["fake-tail", "--agent", "=", "claude", "--ti"], "--timeout"),
        (&["fake-tail", "--agent=cl"], "claude"),
        (&["fake-tail", "--agent=claude", "--session=n"], "night\\ shift"),
        (&["fake-tail", "-s", "--agent=cl"], ""),
        (&["fake-tail", "--", "--agent=cl"], ""),
        (&["fake-tail", "-fs", ""], ""),
        (&["fake-tail", "-t", "--f"], ""),
        (&["fake-tail", "-C", "my"], "my folder"),
        (&["fake-tail", "--file", ""], ""),
        (&["fake-tail", "--", "--f"], ""),
        (&["fake-tail", ""], ""),
        (&["fake-tail", "--exec", "fake-t"], "fake-tail"),
        (&["fake-job", ""], "set|clear"),
        (&["fake-job", "-s", "set", "c"], "clear"),
        (&["fake-job", "set", "c"], ""),
        (&["fake-job", "set", "--", "--e"], ""),
        (&["fake", "t"], "tail"),
        (&["fake", "--q"], "--quiet"),
        (&["fake", "-q", "tail", "--fo"], "--follow|--forever"),
        (&["fake", "tail", "-s", "d"], "demo"),
        (&["fake", "job", "cl"], "clear"),
        (&["fake", "send", "n"], "night\\ shift"),
        (&["fake", "send", "--q"], ""),
        (&["fake", "help", "t"], "tail"),
    ] {
        assert_eq!(ask(words), found, "{words:?}");
    }
}

#[test]
fn fish_completes() {
    if !installed("fish") {
        return;
    }
    let dir = Dir::new("fish");
    let files = pages().map(|page| (format!("{}.fish", page.tool.name), fish(&page)));
    let ask = |line: &str| {
        let script = format!("for f in *.fish; source $f; end; complete -C {}", quoted(line));
        let found = dir.run("fish", &["--no-config", "-c"], &files, &script);
        let words = found.lines().map(|line| line.split('\t').next().unwrap());
        words.collect::<Vec<_>>().join("|")
    };
    for (line, found) in [
        ("fake-tail --fo", "--follow|--forever"),
        ("fake-tail -s ", "demo|night shift"),
        ("fake-tail --session=d", "--session=demo"),
        ("fake-tail --agent cl", "claude"),
        ("fake-tail -t ", ""),
        ("fake-tail -C my", "my folder/"),
        ("fake-tail a", "a file"),
        ("fake-job ", "clear|set"),
        ("fake-job -s set c", "clear"),
        ("fake-job set c", ""),
        ("fake-job set -- c", ""),
        ("fake t", "tail"),
        ("fake --q", "--quiet"),
        ("fake -q tail --fo", "--follow|--forever"),
        ("fake tail -s d", "demo"),
        ("fake job cl", "clear"),
        ("fake send n", "night shift"),
        ("fake send --q", ""),
        ("fake help t", "tail"),
    ] {
        assert_eq!(ask(line), found, "{line}");
    }
}

/// zsh completes only at a terminal, so one is made with its own `zpty`.
#[test]
fn zsh_completes() {
    if !installed("zsh") || !Path::new("/dev/ptmx").exists() {
        return;
    }
    let dir = Dir::new("zsh");
    let files = pages().map(|page| (format!("_{}", page.tool.name), zsh(&page)));
    let ask = |line: &str| {
        let script = ZSH.replace("LINE", &quoted(line));
        let found = dir.run("zsh", &["-f", "-c"], &files, &script);
        let mut words: Vec<&str> = found.lines().collect();
        words.sort_unstable();
        words.dedup();
        words.join("|")
    };
    for (line, found) in [
        ("fake-tail --fo", "--follow|--forever"),
        ("fake-tail -s ", "demo|night shift"),
        ("fake-tail --session=d", "demo"),
        ("fake-tail --agent=cl", "claude"),
        ("fake-tail a", "a\\ file"),
        ("fake-job ", "clear|set"),
        ("fake-job -s set c", "clear"),
        ("fake-job set c", ""),
        ("fake t", "tail"),
        ("fake --q", "--quiet"),
        ("fake -q tail --fo", "--follow|--forever"),
        ("fake job cl", "clear"),
        ("fake help t", "tail"),
        ("fake send n", "night shift"),
    ] {
        assert_eq!(ask(line), found, "{line}");
    }
}

/// An inner zsh completes one line, and its `compadd` notes what it is given.
const ZSH: &str = r#"
zmodload zsh/zpty
inner() {
    fpath=($PWD $fpath)
    autoload -Uz compinit
    compinit -D -u
    PS1= PS2= RPS1=
    bindkey '^M' undefined
    bindkey '^J' undefined
    bindkey '^I' complete-word
    compadd() {
        local -a found
        if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
            builtin compadd "$@"
            return
        fi
        builtin compadd -O found "$@"
        print -rl -- $found >> found
        builtin compadd "$@"
    }
    null-line() { print -r -- END }
    zle -N null-line
    bindkey '^K' null-line
    print READY
}
print -r -- "$(functions inner); inner" > inner.zsh
rm -f found; : > found
zpty z zsh -f -i
zpty -w z "source ./inner.zsh"
zpty -r -m z out '*READY*'
zpty -w -n z LINE$'\t\v'
zpty -r -m z out '*END*'
zpty -d z
cat found
"#;
