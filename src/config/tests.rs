use std::path::Path;

use super::*;

fn read(vars: &[(&str, &str)]) -> Result<Config> {
    Config::from_vars(vars.iter().map(|(k, v)| (k.into(), v.into())).collect())
}

fn config(vars: &[(&str, &str)]) -> Config {
    read(vars).unwrap()
}

fn preflight(config: &Config) -> bool {
    find(&config.settings, "run_preflight").value == Some(Value::Switch(true))
}

/// A home with this file of settings.
fn with_file(name: &str, text: &str) -> (PathBuf, Vec<(String, String)>) {
    let home = std::env::temp_dir().join(format!("aimax-config-{name}-{}", std::process::id()));
    fs::make_dir(&home.join(".config/aimax"), 0o700).unwrap();
    std::fs::write(home.join(".config/aimax/config.json"), text).unwrap();
    let vars = vec![("HOME".to_owned(), home.to_string_lossy().into_owned())];
    (home, vars)
}

#[test]
fn the_defaults_are_the_originals() {
    let c = config(&[("HOME", "/h")]);
    assert_eq!(c.data_dir, Path::new("/h/.local/share/aimax"));
    assert_eq!(c.path_of("claude_projects_dir"), Path::new("/h/.claude/projects"));
    assert_eq!(c.path_of("codex_sessions_dir"), Path::new("/h/.codex/sessions"));
    assert_eq!(c.text_of("claude_hub"), Some("imac_claude_code_agent_hub"));
    assert_eq!(c.text_of("codex_default_model"), None);
    assert_eq!(c.proxy_envs_bash, Path::new("/h/proxy_envs.bash"));
    assert_eq!(c.proxy_chains_conf, Path::new("/h/proxy_claude.conf"));
    assert_eq!(c.path_of("rightcode_env_file"), Path::new("/h/.codex/secrets/rightcode.env"));
    assert!(preflight(&c) && c.settings.iter().all(|one| one.source == Source::Default));
}

#[test]
fn variables_are_expanded_and_the_older_names_come_second() {
    let c = config(&[
        ("HOME", "/h"),
        ("W", "/w"),
        ("TMUX_AGENTS_DATA_DIR", "/old"),
        ("AIMAX_CODEX_HOME", "~/c$W/${W}x$NONE"),
        ("TMUX_AGENTS_CODEX_HOME", "/no"),
        ("CODEX_HOME", "/nor"),
        ("CLAUDE_CONFIG_DIR", "/cc"),
        ("AIMAX_RUN_PREFLIGHT", "Off"),
    ]);
    assert_eq!(c.data_dir, Path::new("/old"));
    assert_eq!(c.path_of("codex_home"), Path::new("/h/c/w//wx$NONE"));
    assert_eq!(c.path_of("claude_projects_dir"), Path::new("/cc/projects"));
    assert!(!preflight(&c));
    assert_eq!(*c.source("data_dir"), Source::Variable("TMUX_AGENTS_DATA_DIR".into()));
    assert_eq!(*c.source("codex_home"), Source::Variable("AIMAX_CODEX_HOME".into()));
    assert_eq!(*c.source("claude_projects_dir"), Source::Default);
}

#[test]
fn folders_of_the_xdg_convention_are_absolute() {
    let c = config(&[("HOME", "/h"), ("XDG_DATA_HOME", "~/d"), ("XDG_CONFIG_HOME", "c")]);
    assert_eq!(c.data_dir, Path::new("/h/d/aimax"));
    assert_eq!(c.file(), Path::new("/h/.config/aimax/config.json"));
    let c = config(&[("HOME", "/h"), ("AIMAX_HOME", "/other")]);
    assert_eq!(c.file(), Path::new("/other/.config/aimax/config.json"));
    assert_eq!(c.path_of("codex_home"), Path::new("/other/.codex"));
}

#[test]
fn a_relative_path_is_made_absolute() {
    let c = config(&[("HOME", "/h"), ("AIMAX_DATA_DIR", "here")]);
    assert_eq!(c.data_dir, std::env::current_dir().unwrap().join("here"));
}

#[test]
fn what_cannot_be_expanded_is_named() {
    for (name, value) in [
        ("CLAUDE_CONFIG_DIR", "~bob/x"),
        ("CODEX_HOME", "$NONE/x"),
        ("AIMAX_HOME", "${NONE}"),
        ("AIMAX_DATA_DIR", "~x"),
    ] {
        let error = read(&[("HOME", "/h"), (name, value)]).unwrap_err();
        assert_eq!((error.kind, &*error.subject), (crate::error::Kind::Usage, name), "{value}");
    }
    let (home, vars) = with_file("variable", r#"{"codex_home": "$NONE/x"}"#);
    let error = read(&[("HOME", &vars[0].1)]).unwrap_err();
    fs::remove_dir(&home).unwrap();
    assert!(error.cause.starts_with("codex_home: `$NONE/x`"), "{error}");
}

#[test]
fn agents_get_whole_paths_and_are_told_only_what_they_do_not_know() {
    let here = std::env::current_dir().unwrap();
    let c = config(&[("HOME", "/h"), ("CLAUDE_CONFIG_DIR", "c"), ("AIMAX_HOME", "~/a")]);
    assert_eq!(c.var("CLAUDE_CONFIG_DIR"), Some(here.join("c").into()));
    assert_eq!(c.var("AIMAX_HOME"), Some("/h/a".into()));
    let told = |c: &Config| {
        c.told_folder(c.path_of("codex_home"), "CODEX_HOME", ".codex").0.map(|told| told.1)
    };
    assert_eq!(told(&c), Some("/h/a/.codex".into()));
    assert_eq!(told(&config(&[("HOME", "/h")])), None);
    assert_eq!(
        told(&config(&[("HOME", "/h"), ("CODEX_HOME", "~/.codex")])),
        Some("/h/.codex".into())
    );
}

#[test]
fn the_file_stands_below_the_environment() {
    let text = r#"{"data_dir": "~/d", "claude_hub": "mine", "run_preflight": false}"#;
    let (home, mut vars) = with_file("below", text);
    vars.push(("AIMAX_CLAUDE_HUB".into(), "hers".into()));
    let c = read(&vars.iter().map(|(k, v)| (&**k, &**v)).collect::<Vec<_>>()).unwrap();
    fs::remove_dir(&home).unwrap();
    assert_eq!((c.data_dir.clone(), c.text_of("claude_hub")), (home.join("d"), Some("hers")));
    assert_eq!(c.path_of("practice_home"), home.join("d/practice"));
    assert!(!preflight(&c));
    assert_eq!(*c.source("data_dir"), Source::File(c.file()));
    assert_eq!(*c.source("claude_hub"), Source::Variable("AIMAX_CLAUDE_HUB".into()));
    assert_eq!(*c.source("codex_hub"), Source::Default);
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (n, (text, cause)) in [
        ("[]", "not a JSON object"),
        ("{", "not JSON: EOF while parsing an object at line 1 column 1"),
        (r#"{"data": "/x"}"#, "data: no such setting"),
        (r#"{"data_dir": 1}"#, "data_dir: 1 is not a string"),
        (r#"{"data_dir": ""}"#, "data_dir: it is empty"),
        (r#"{"data_dir": "d"}"#, "data_dir: `d` is not an absolute path"),
        (r#"{"run_preflight": "no"}"#, "run_preflight: \"no\" is neither true nor false"),
        (r#"{"codex_hub": "a:b"}"#, "codex_hub: `a:b`: tmux allows no `:` and no `.`"),
    ]
    .iter()
    .enumerate()
    {
        let (home, vars) = with_file(&format!("wrong-{n}"), text);
        let error = read(&[("HOME", &vars[0].1)]).unwrap_err();
        fs::remove_dir(&home).unwrap();
        assert_eq!(error.kind, crate::error::Kind::Usage);
        assert!(error.subject.ends_with("/.config/aimax/config.json"), "{error}");
        assert!(error.cause.starts_with(cause), "{error}");
    }
    for (name, value, cause) in [
        ("AIMAX_RUN_PREFLIGHT", "maybe", "`maybe` is neither true nor false"),
        ("TMUX_AGENTS_CODEX_HUB", "a.b", "`a.b`: tmux allows no"),
    ] {
        let error = read(&[("HOME", "/h"), (name, value)]).unwrap_err();
        assert_eq!(error.subject, name);
        assert!(error.cause.starts_with(cause), "{error}");
    }
}

#[test]
fn a_home_that_is_not_set_is_the_password_files() {
    let of = |vars: &[(&str, &str)], knows: Option<&str>| {
        let mut vars = vars.iter().map(|(k, v)| (k.into(), v.into())).collect();
        let set = set_home(&mut vars, || knows.map(PathBuf::from));
        set.map(|()| vars.into_iter().map(|(_, value)| value).collect::<Vec<OsString>>())
    };
    assert_eq!(of(&[("HOME", "/h")], None).unwrap(), ["/h"]);
    for unset in [&[][..], &[("HOME", "")]] {
        assert_eq!(of(unset, Some("/known")).unwrap(), ["/known"]);
    }
    for (home, knows) in [("h", Some("/known")), ("~", None), ("", None), ("", Some("x"))] {
        let error = of(&[("HOME", home)], knows).unwrap_err();
        assert_eq!((error.kind, &*error.subject), (crate::error::Kind::Usage, "HOME"), "{home}");
    }
    assert!(sys::home_folder().is_some_and(|home| home.is_absolute()));
}

#[test]
fn a_program_is_found_where_it_will_be_run() {
    let here = std::env::current_dir().unwrap();
    // Tests run in the package's folder, where `.ci/run` is executable.
    let found = |path: &str, name| config(&[("HOME", "/h"), ("PATH", path)]).program(name);
    assert_eq!(found("/none:.ci", "run"), Some(here.join(".ci/run")));
    assert_eq!(found(":/none", ".ci/run"), Some(here.join(".ci/run")));
    assert_eq!(found("", ".ci/run"), None);
    let c = config(&[("HOME", "/h"), ("PATH", "/bin::x")]);
    let path = c.hook_environment().into_iter().find(|(name, _)| name == "PATH").unwrap().1;
    assert_eq!(path, *format!("/bin:{0}:{0}/x", here.display()));
    assert_eq!(config(&[("HOME", "/h")]).program("sh"), None);
}

#[test]
fn hooks_get_what_finds_the_sessions_and_nothing_else() {
    let mut c = config(&[("HOME", "/h"), ("PATH", "/bin"), ("AIMAX_SESSION", "one")]);
    c.tmux_socket = Some("other".into());
    let mut told = c.hook_environment();
    told.sort();
    let told: Vec<_> =
        told.iter().map(|(name, value)| (&**name, value.to_str().unwrap())).collect();
    let expected = [
        ("AIMAX_CLAUDE_HUB", "imac_claude_code_agent_hub"),
        ("AIMAX_CLAUDE_PROJECTS_DIR", "/h/.claude/projects"),
        ("AIMAX_CODEX_HOME", "/h/.codex"),
        ("AIMAX_CODEX_HUB", "imac_codex_agent_hub"),
        ("AIMAX_CODEX_SESSIONS_DIR", "/h/.codex/sessions"),
        ("AIMAX_DATA_DIR", "/h/.local/share/aimax"),
        ("AIMAX_PRACTICE_HOME", "/h/.local/share/aimax/practice"),
        ("AIMAX_TMUX_SOCKET", "other"),
        ("CLAUDE_CONFIG_DIR", "/h/.claude"),
        ("PATH", "/bin"),
    ];
    assert_eq!(told, expected);
}
