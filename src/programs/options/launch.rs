//! The options of a start, the same in all programs that start an agent.

use super::{Field, Has};
use crate::{
    cli::{Complete, Opt, OptDoc},
    session::StartOptions,
};

/// `--cwd`.
pub(crate) const fn cwd<A: Has<StartOptions>>() -> Opt<A> {
    OptDoc::new(
        "cwd",
        "The folder to work in",
        "The folder to work in; the current one by default.",
    )
    .value("DIR", Complete::Dir)
    .sets(|args, given| args.group().cwd.set(given))
}

/// `--flag-root`.
pub(crate) const fn flag_root<A: Has<StartOptions>>() -> Opt<A> {
    OptDoc::new(
        "flag-root",
        "The folder that holds the flags",
        "\
The folder whose `.imac/flags` holds the flags; the one to work in by
default.",
    )
    .value("DIR", Complete::Dir)
    .sets(|args, given| args.group().flag_root.set(given))
}

/// `--model`.
pub(crate) const fn model<A: Has<StartOptions>>() -> Opt<A> {
    OptDoc::new("model", "The model", "The model; the agent's own choice by default.")
        .value("MODEL", Complete::Nothing)
        .short('m')
        .sets(|args, given| args.group().model.set(given))
}

/// `--display-name`.
pub(crate) const fn display_name<A: Has<StartOptions>>() -> Opt<A> {
    OptDoc::new("display-name", "A label for people", "A label for people, kept with the session.")
        .value("TEXT", Complete::Nothing)
        .sets(|args, given| args.group().display_name.set(given))
}

/// `--use-proxy`.
pub(crate) const fn use_proxy<A: Has<StartOptions>>() -> Opt<A> {
    OptDoc::new(
        "use-proxy",
        "Whether to go through the proxy",
        "\
Whether the agent goes through proxychains: `true` or `false`. What
`aimax admin set-proxy` has set by default. With `true` it gets the
variables of `~/proxy_envs.bash` and the configuration
`~/proxy_claude.conf`; what is missing ends the start.",
    )
    .value("BOOL", Complete::OneOf(&["true", "false"]))
    .sets(|args, given| args.group().use_proxy.set(given))
}

/// `--resume`, under the name `long`.
pub(crate) const fn resume<A: Has<StartOptions>>(long: &'static str) -> Opt<A> {
    OptDoc::new(
        long,
        "Go on in this conversation",
        "\
Goes on in an old conversation: the agent's own id of it, as
`agentSessionId` in the records. One that is open elsewhere is refused.",
    )
    .value("ID", Complete::Run("aimax-ls --all --ids"))
    .sets(|args, given| args.group().resume.set(given))
}
