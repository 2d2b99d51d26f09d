//! What the environment of a tool tells about the agent that runs the tool. Another agent that is
//! started there must not take it for its own.

use std::ffi::OsStr;

/// The variables that an agent sets for the programs that it runs: by the parts of their names, for
/// each release brings more. See claude/FACTS.md, "Environment", and codex/FACTS.md, "Environment".
#[derive(Debug)]
pub struct Marks {
    /// The beginning of the names of its own variables.
    pub prefix: &'static str,
    /// Parts of such a name, between underscores, by which it tells of this agent's session, inbox,
    /// terminal or process.
    pub parts: &'static [&'static str],
    /// Parts by which it is a setting of the user's all the same.
    pub settings: &'static [&'static str],
    /// More names.
    pub names: &'static [&'static str],
    /// Variables of other programs, with the values that it sets for its tools.
    pub for_tools: &'static [(&'static str, &'static str)],
}

impl Marks {
    /// No variable.
    pub const NONE: Marks =
        Marks { prefix: "\0", parts: &[], settings: &[], names: &[], for_tools: &[] };

    /// Whether a variable of this name tells of the agent.
    pub fn tells(&self, name: &str) -> bool {
        let has = |parts: &[&str]| name.split('_').any(|part| parts.contains(&part));
        let is_own = name.starts_with(self.prefix);
        self.names.contains(&name) || is_own && has(self.parts) && !has(self.settings)
    }

    /// Whether the variable must not be handed on: it tells of the agent, or has a value that the
    /// agent sets for its tools, among which we are.
    pub(crate) fn holds(&self, name: &OsStr, value: &OsStr, in_tool: bool) -> bool {
        name.to_str().is_some_and(|name| self.tells(name))
            || in_tool && self.for_tools.iter().any(|&(of, to)| name == of && value == to)
    }
}

#[cfg(test)]
mod tests {
    use crate::agent::Backend;

    #[test]
    fn a_parents_variables_are_told_from_the_users() {
        let parents = [
            "CLAUDECODE",
            "AI_AGENT",
            "CLAUDE_CODE_ENTRYPOINT",
            "CLAUDE_CODE_SSE_PORT",
            "CLAUDE_CODE_SESSION_ID",
            "CLAUDE_CODE_SESSION_KIND",
            "CLAUDE_CODE_SESSION_ATTENDED",
            "CLAUDE_CODE_CHILD_SESSION",
            "CLAUDE_CODE_CHILD_NOTES_DIR",
            "CLAUDE_CODE_MESSAGING_SOCKET",
            "CLAUDE_CODE_MESSAGING_TOKEN",
            "CLAUDE_CODE_EXECPATH",
            "CLAUDE_CODE_SANDBOXED",
            "CLAUDE_PID",
            "CLAUDE_JOB_DIR",
            "CLAUDE_EFFORT",
            "CODEX_THREAD_ID",
            "CODEX_SESSION_ID",
            "CODEX_SANDBOX",
            "CODEX_SANDBOX_NETWORK_DISABLED",
            "CODEX_TOOL_CALL_ID",
            "CODEX_CI",
        ];
        let users = [
            "CLAUDE_CONFIG_DIR",
            "CLAUDE_CODE_OAUTH_TOKEN",
            "CLAUDE_CODE_USE_BEDROCK",
            "CLAUDE_CODE_EFFORT_LEVEL",
            "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS",
            "CLAUDE_CODE_SESSIONEND_HOOKS_TIMEOUT_MS",
            "CLAUDE_CODE_SUPPRESS_SESSION_ATTRIBUTION",
            "CLAUDE_CODE_MAX_OUTPUT_TOKENS",
            "CLAUDE_CODE_TASK_LIST_ID",
            "CODEX_HOME",
            "CODEX_API_KEY",
            "CODEX_CA_CERTIFICATE",
            "CODEX_TUI_SESSION_LOG_PATH",
            "ANTHROPIC_MODEL",
            "PAGER",
        ];
        let told = |name: &str| Backend::ALL.iter().any(|one| one.facts().marks.tells(name));
        assert_eq!(
            parents.iter().filter(|name| !told(name)).collect::<Vec<_>>(),
            [""; 0].iter().collect::<Vec<_>>()
        );
        assert_eq!(
            users.iter().filter(|name| told(name)).collect::<Vec<_>>(),
            [""; 0].iter().collect::<Vec<_>>()
        );
    }
}
