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
        "The folder to work in. The default is the current one.",
    )
    .value("DIR", Complete::Dir)
    .sets(|args, given| args.group().cwd.set(given))
}

/// `--flag-root`.
pub(crate) const fn flag_root<A: Has<StartOptions>>() -> Opt<A> {
    OptDoc::new(
        "flag-root",
        "The folder for the flags",
        "\
The folder for `.imac/flags`. The default is the folder to work in.",
    )
    .value("DIR", Complete::Dir)
    .sets(|args, given| args.group().flag_root.set(given))
}

/// `--model`.
pub(crate) const fn model<A: Has<StartOptions>>() -> Opt<A> {
    OptDoc::new("model", "The model", "The model. The default is the agent's own choice.")
        .value("MODEL", Complete::Nothing)
        .short('m')
        .sets(|args, given| args.group().model.set(given))
}

/// `--display-name`.
pub(crate) const fn display_name<A: Has<StartOptions>>() -> Opt<A> {
    OptDoc::new(
        "display-name",
        "A label for people",
        "A label for people, stored with the session.",
    )
    .value("TEXT", Complete::Nothing)
    .sets(|args, given| args.group().display_name.set(given))
}

/// `--use-proxy`.
pub(crate) const fn use_proxy<A: Has<StartOptions>>() -> Opt<A> {
    OptDoc::new(
        "use-proxy",
        "Whether to use the proxy",
        "\
Whether the agent uses the proxy, by proxychains: `true` or `false`. The
default is what `aimax admin set-proxy` has set, or else `false`. See
aimax-proxy(7).",
    )
    .value("BOOL", Complete::OneOf(&["true", "false"]))
    .sets(|args, given| args.group().use_proxy.set(given))
}

/// `--resume`.
pub(crate) const fn resume<A: Has<StartOptions>>() -> Opt<A> {
    OptDoc::new(
        "resume",
        "Resume this conversation",
        "\
Resumes an old conversation, given by the agent's own id,
`agentSessionId` in the records. One that is open elsewhere is refused.",
    )
    .value("ID", CONVERSATIONS)
    .sets(|args, given| args.group().resume.set(given))
}

/// `--agent-session-id`.
pub(crate) const fn agent_session_id<A: Has<StartOptions>>() -> Opt<A> {
    OptDoc::new(
        "agent-session-id",
        "The same as `--resume`",
        "The same as `--resume`, by its name in the PyPI package.",
    )
    .value("ID", CONVERSATIONS)
    .sets(|args, given| args.group().resume.set(given))
}

/// The agents' own ids of all conversations.
const CONVERSATIONS: Complete = Complete::Run("aimax-ls --all --ids");
