//! Colours, for a terminal that wants them.

use super::output;
use crate::config::Config;

/// Whether to paint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paint(bool);

impl Paint {
    /// Never.
    #[cfg(test)]
    pub(crate) const NONE: Paint = Paint(false);
    /// Always.
    #[cfg(test)]
    pub(crate) const ALWAYS: Paint = Paint(true);

    /// For standard output: on a terminal, unless `NO_COLOR` is set.
    pub(crate) fn stdout(config: &Config) -> Self {
        Paint(output::stdout().is_terminal() && config.var("NO_COLOR").is_none())
    }

    /// `text` in a style, given by a terminal's numbers for it: `1;32` is bold and green.
    pub(crate) fn paint(self, style: &str, text: &str) -> String {
        if self.0 && !style.is_empty() {
            format!("\x1b[{style}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
