//! What each program does: a table of options, arguments, and `run`. One file per program.

mod demo;
mod doctor;
mod flag;
mod front;
mod kill;
mod ls;
mod options;
mod paste;
mod setup;
mod spawn;
mod tail;
mod verbs;

pub use demo::Demo;
pub use doctor::Doctor;
pub use flag::Flag;
pub use front::{Front, toolkit};
pub use kill::Kill;
pub use ls::Ls;
pub use paste::Paste;
pub use setup::Setup;
pub use spawn::Spawn;
pub use tail::Tail;
pub use verbs::{
    Admin, Adopt, Ask, Create, History, List, Pause, Revive, Schema, Send, Settings, Stats, Status,
    Stop, Stream, Usage, Version,
};

use std::iter;

use front::BUILT_IN;

use crate::{
    agent::SETTINGS,
    cli::{Page, RecordDoc, page},
};

/// The pages of all programs, for the manuals and completions.
pub fn pages() -> Vec<Page> {
    let front = Page { environment: environment(), ..page::<Front>() };
    iter::once(front).chain(BUILT_IN.iter().map(|program| (program.page)())).collect()
}

/// All records that programs print.
pub(crate) fn records() -> Vec<&'static RecordDoc> {
    BUILT_IN.iter().flat_map(|program| (program.page)().tool.records).copied().collect()
}

/// The settings as the manual names them.
fn environment() -> Vec<(String, String)> {
    let row = |setting: &&crate::config::Setting| {
        let mut about = setting.about[..1].to_uppercase() + &setting.about[1..];
        about.push_str(&format!(" (setting `{}`).", setting.key));
        (setting.variables().join(", "), about)
    };
    SETTINGS.iter().map(row).collect()
}

#[cfg(test)]
mod tests;
