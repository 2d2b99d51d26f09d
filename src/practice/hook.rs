//! The hooks of the settings file, in Claude's schema.
//!
//! They run one after the other, and the program waits for each, so that a hook's effect is there
//! when the program goes on. Their output is thrown away, and a failure changes nothing.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

/// The commands, each with its event.
#[derive(Debug, Default)]
pub(crate) struct Hooks {
    commands: Vec<(String, String)>,
}

impl Hooks {
    /// The hooks of the settings in `path`; the error is the line to print.
    pub(crate) fn load(path: &Path) -> Result<Self, String> {
        std::fs::read_to_string(path)
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .map(|settings| Self::parse(&settings))
            .ok_or_else(|| format!("Error: Settings file not found: {}", path.display()))
    }

    fn parse(settings: &Value) -> Self {
        let mut commands = Vec::new();
        for (event, groups) in settings["hooks"].as_object().into_iter().flatten() {
            let groups = groups.as_array().into_iter().flatten();
            for hook in groups.flat_map(|group| group["hooks"].as_array().into_iter().flatten()) {
                if hook["type"] == "command"
                    && let Some(command) = hook["command"].as_str()
                {
                    commands.push((event.clone(), command.to_owned()));
                }
            }
        }
        Hooks { commands }
    }

    /// Runs the commands of `event` with `input` on their standard input. Returns what the last one that
    /// objects, by its status 2, says on standard error.
    pub(crate) fn run(&self, event: &str, input: &Value) -> Option<String> {
        let mut objection = None;
        for (_, command) in self.commands.iter().filter(|(name, _)| name == event) {
            let child = Command::new("sh")
                .args(["-c", command])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn();
            let Ok(mut child) = child else { continue };
            if let Some(mut stdin) = child.stdin.take() {
                // A hook need not read its input.
                let _ = stdin.write_all(input.to_string().as_bytes());
            }
            let Ok(done) = child.wait_with_output() else { continue };
            if done.status.code() == Some(2) {
                objection = Some(String::from_utf8_lossy(&done.stderr).trim().to_owned());
            }
        }
        objection
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claudes_schema_is_read() {
        let settings = serde_json::json!({"hooks": {
            "Stop": [{"hooks": [{"type": "command", "command": "a"}, {"type": "prompt"}]},
                     {"matcher": "", "hooks": [{"type": "command", "command": "b"}]}],
            "SessionEnd": "nonsense",
        }});
        let hooks = Hooks::parse(&settings);
        let expected = [("Stop", "a"), ("Stop", "b")].map(|(e, c)| (e.to_owned(), c.to_owned()));
        assert_eq!(hooks.commands, expected);
    }
}
