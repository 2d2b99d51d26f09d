//! Colours, for a terminal that wants them.

use super::output;
use crate::config::Config;

/// Whether to paint, and with which signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paint {
    colours: bool,
    /// Whether the locale is one in which only ASCII is sure to be shown.
    ascii: bool,
}

impl Paint {
    /// Never.
    #[cfg(test)]
    pub(crate) const NONE: Paint = Paint { colours: false, ascii: false };
    /// Always.
    #[cfg(test)]
    pub(crate) const ALWAYS: Paint = Paint { colours: true, ascii: false };

    /// For standard output: colours on a terminal that has them, unless `NO_COLOR` is set; plain
    /// signs in the locale `C`.
    pub(crate) fn stdout(config: &Config) -> Self {
        let has_colours = config.var("NO_COLOR").is_none()
            && config.var("TERM").is_none_or(|name| name != "dumb");
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| config.var(name));
        let ascii = locale.is_some_and(|name| name == "C" || name == "POSIX");
        Paint { colours: output::stdout().is_terminal() && has_colours, ascii }
    }

    /// The sign, or a plain one in its place.
    pub(crate) fn sign(self, sign: &'static str, plain: &'static str) -> &'static str {
        if self.ascii { plain } else { sign }
    }

    /// `text` in a style, given by a terminal's numbers for it: `1;32` is bold and green.
    pub(crate) fn paint(self, style: &str, text: &str) -> String {
        if self.colours && !style.is_empty() {
            format!("\x1b[{style}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
