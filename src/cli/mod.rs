//! Command line machinery: one table of options per program feeds the parser, the help, the man
//! page and the completions. It knows no agents.

pub mod option;
pub mod output;
