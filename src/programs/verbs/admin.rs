//! `aimax admin`: the defaults for all sessions of a backend.

use std::ffi::OsString;

use serde_json::{Map, json};

use crate::programs::options::{Field, OutputArgs, Target, has, output, target};
use crate::{
    agent::Backend,
    cli::{Complete, Member, Opt, OptDoc, Output, Paint, RecordDoc, Tool, ToolDoc, Type, VerbDoc},
    config::Config,
    error::{Error, Exit, Result},
    state::admin,
};

/// The verb.
pub struct Admin;

/// Its arguments.
#[derive(Debug, Default)]
pub struct Args {
    target: Target,
    value: Option<bool>,
    output: OutputArgs,
}

has!(Args { target: Target, output: OutputArgs });

impl Tool for Admin {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-admin",
        tagline: "show and set the defaults of a backend",
        synopsis: &[
            "aimax admin show [OPTION]...",
            "aimax admin set-proxy -b BACKEND --value BOOL [OPTION]...",
        ],
        about: "\
Shows or sets whether a backend's agents use the proxy if nothing else
says so.

The document of `--json` has `agentBackendDefaults` with `useProxy` for
each backend, as does the file `admin-settings.json`.",
        verbs: &[
            VerbDoc { name: "show", brief: "Show the defaults" },
            VerbDoc { name: "set-proxy", brief: "Set whether to use the proxy" },
        ],
        examples: &[(
            "aimax admin set-proxy -b tmux-claude-code --value true",
            "Let Claude Code use the proxy from now on.",
        )],
        see_also: &[("aimax-config", 1), ("aimax-create", 1)],
        ends: &[Exit::Refused],
        records: &[&DEFAULTS],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<Args>] = &[
        target::backend(),
        OptDoc::new("value", "`true` or `false`", "Whether to use the proxy: `true` or `false`.")
            .value("BOOL", Complete::OneOf(&["true", "false"]))
            .sets(|args, given| args.value.set(given)),
        output::json(),
    ];

    fn run(args: Args, verbs: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let config = Config::from_env()?;
        match verbs.first().and_then(|verb| verb.to_str()) {
            None => return Err(Error::usage("", "a verb is needed: `show` or `set-proxy`")),
            Some("set-proxy") => set_proxy(&config, &args)?,
            Some(_) if args.value.is_some() => {
                return Err(Error::usage("--value", "it is for `set-proxy`"));
            }
            Some(_) => {}
        }
        let file = config.admin_settings();
        let defaults: Vec<_> = Backend::real()
            .map(|backend| Ok((backend.name(), admin::use_proxy(&file, backend.name())?)))
            .collect::<Result<_>>()?;
        if args.output.json {
            let each = |(name, on): (&str, bool)| (name.to_owned(), json!({ "useProxy": on }));
            let defaults: Map<_, _> = defaults.into_iter().map(each).collect();
            output::document(out, &DEFAULTS, &json!({ "agentBackendDefaults": defaults }))?;
            return Ok(Exit::Done);
        }
        let paint = Paint::stdout(&config);
        for (name, on) in defaults {
            let word = if on { paint.paint("32", "through the proxy") } else { "direct".into() };
            output::line(out, &format!("{name:16}  {word}"))?;
        }
        Ok(Exit::Done)
    }
}

fn set_proxy(config: &Config, args: &Args) -> Result<()> {
    let on = args
        .value
        .ok_or_else(|| Error::usage("--value", "it is needed").advise("`true` or `false`"))?;
    let backend = args.target.backend(config)?;
    let backend = backend.filter(|backend| backend.is_real()).ok_or_else(|| {
        let names = Backend::real().map(Backend::name).collect::<Vec<_>>().join(" or ");
        Error::usage("backend", "no backend with defaults is given").advise(format!("-b {names}"))
    })?;
    admin::set_use_proxy(&config.admin_settings(), backend.name(), on)
}

const DEFAULTS: RecordDoc = RecordDoc {
    name: "admin",
    about: "`aimax admin show --json`",
    fields: &[&[Member::new(
        "agentBackendDefaults",
        Type::Map(&Type::Object(&[&[Member::new("useProxy", Type::Switch, "By default")]])),
        "By backend",
    )]],
};
