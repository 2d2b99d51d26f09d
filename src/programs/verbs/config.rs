//! `aimax config`: the settings and their sources.

use std::{ffi::OsString, path::Path};

use serde_json::{Map, Value as Json, json};

use crate::programs::options::{OutputArgs, output};
use crate::{
    agent::Backend,
    cli::{Member, Opt, Output, Paint, RecordDoc, Tool, ToolDoc, Type, VerbDoc},
    config::{Config, Resolved, Source, Value},
    error::{Error, Exit, Result},
};

/// The verb.
pub struct Settings;

impl Tool for Settings {
    type Args = OutputArgs;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-config",
        tagline: "show all settings and their sources",
        synopsis: &["aimax config show [OPTION]..."],
        about: "\
Shows each setting with its value and its source: a variable, the file,
or nothing, which means the default.

The file is `aimax/config.json` in `XDG_CONFIG_HOME`, by default
`~/.config`: an object of settings, with the names shown here. The
environment overrides it. `~` and `$NAME` are expanded in paths.

The document of `--json` has `version`, `config`, `derived_paths`,
`env_overrides` (which variable sets what), `sources` and `file`.",
        verbs: &[VerbDoc { name: "show", brief: "Show all settings" }],
        exits: &[(Exit::Usage, "also if the file has a bad value or an unknown name")],
        examples: &[("aimax config show", "Show all settings.")],
        see_also: &[("aimax", 1), ("aimax-admin", 1)],
        ends: &[],
        records: &[&SETTINGS_SHOWN],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<OutputArgs>] = &[output::json()];

    fn run(args: OutputArgs, verbs: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        if verbs.is_empty() {
            return Err(Error::usage("", "a verb is needed: `aimax config show`"));
        }
        let config = Config::from_env()?;
        if args.json {
            output::document(out, &SETTINGS_SHOWN, &document(&config))?;
        } else {
            print(&config, out)?;
        }
        Ok(Exit::Done)
    }
}

fn plain(value: Option<&Value>) -> Json {
    match value {
        None => Json::Null,
        Some(Value::Path(path)) => path.to_string_lossy().into(),
        Some(Value::Text(text)) => text.as_str().into(),
        Some(Value::Switch(on)) => (*on).into(),
    }
}

/// The files that follow from the settings, by their names.
fn derived(config: &Config) -> Vec<(String, String)> {
    let shown = |path: &Path| path.display().to_string();
    let mut files = Vec::new();
    for backend in Backend::real() {
        let (store, program) = (backend.store(config), backend.facts().program);
        files.push((format!("{program}_runtime_file"), shown(store.runtime())));
        files.push((format!("{program}_archive_file"), shown(store.archive())));
    }
    files.push(("admin_settings_file".into(), shown(&config.admin_settings())));
    files
}

fn document(config: &Config) -> Json {
    let (mut values, mut sources, mut overrides) = (Map::new(), Map::new(), Map::new());
    for one in &config.settings {
        let key = one.setting.key;
        values.insert(key.to_owned(), plain(one.value.as_ref()));
        sources.insert(key.to_owned(), one.source.to_string().into());
        for variable in one.setting.variables() {
            overrides.insert(variable, key.into());
        }
    }
    let derived: Map<_, _> =
        derived(config).into_iter().map(|(name, path)| (name, path.into())).collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "config": values,
        "derived_paths": derived,
        "env_overrides": overrides,
        "sources": sources,
        "file": config.file().to_string_lossy(),
    })
}

fn print(config: &Config, out: &mut Output) -> Result<()> {
    let paint = Paint::stdout(config);
    let shown = |one: &Resolved| match plain(one.value.as_ref()) {
        Json::Null => "-".to_owned(),
        Json::String(text) => text,
        other => other.to_string(),
    };
    let values: Vec<String> = config.settings.iter().map(shown).collect();
    let wide = values.iter().map(|value| value.chars().count()).max().unwrap_or(0);
    for (Resolved { setting, source, .. }, value) in config.settings.iter().zip(values) {
        let style = if *source == Source::Default { "2" } else { "32" };
        let from = paint.paint(style, &source.to_string());
        output::line(out, &format!("{:20}  {value:wide$}  {from}", setting.key))?;
    }
    let there = if config.file().exists() { "" } else { " (not there)" };
    let file = format!("{}{there}", config.file().display());
    for (name, path) in derived(config).into_iter().chain([("file".into(), file)]) {
        output::line(out, &paint.paint("2", &format!("{name:20}  {path}")))?;
    }
    Ok(())
}

const SETTINGS_SHOWN: RecordDoc = RecordDoc {
    name: "config",
    about: "`aimax config show --json`",
    fields: &[&[
        Member::new("version", Type::Text, "The version"),
        Member::new("config", Type::Map(&Type::Any), "The settings"),
        Member::new("derived_paths", Type::Map(&Type::Text), "The files that follow from them"),
        Member::new("env_overrides", Type::Map(&Type::Text), "Which variable sets what"),
        Member::new("sources", Type::Map(&Type::Text), "Where each value comes from"),
        Member::new("file", Type::Text, "The file of settings"),
    ]],
};
