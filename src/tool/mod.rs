//! What each program does: a table of options, arguments, and `run`. One file per program.

pub mod admin;
pub mod create;
pub mod demo;
mod dispatch;
pub mod doctor;
pub mod flag;
pub mod front;
pub mod history;
pub mod kill;
pub mod list;
pub mod ls;
pub mod paste;
pub mod pause;
pub mod send;
pub mod settings;
pub mod shape;
pub mod spawn;
pub mod start;
pub mod stats;
pub mod status;
pub mod stop;
pub mod stream;
pub mod tail;
pub mod target;
pub mod version;
pub mod words;

pub use admin::Admin;
pub use create::Create;
pub use demo::Demo;
pub use doctor::Doctor;
pub use flag::Flag;
pub use front::Front;
pub use history::History;
pub use kill::Kill;
pub use list::List;
pub use ls::Ls;
pub use paste::Paste;
pub use pause::Pause;
pub use send::Send;
pub use settings::Settings;
pub use spawn::Spawn;
pub use stats::Stats;
pub use status::Status;
pub use stop::Stop;
pub use stream::Stream;
pub use tail::Tail;
pub use version::Version;

use crate::{
    cli::{Page, page},
    config::SETTINGS,
};

/// The pages of all programs, for the manuals and completions.
#[must_use]
pub fn pages() -> Vec<Page> {
    vec![
        Page { environment: environment(), ..page::<Front>() },
        page::<Spawn>(),
        page::<Paste>(),
        page::<Tail>(),
        page::<Flag>(),
        page::<Ls>(),
        page::<Kill>(),
        page::<Create>(),
        page::<Send>(),
        page::<Pause>(),
        page::<Stop>(),
        page::<List>(),
        page::<Status>(),
        page::<History>(),
        page::<Stream>(),
        page::<Settings>(),
        page::<Admin>(),
        page::<Doctor>(),
        page::<Stats>(),
        page::<Version>(),
    ]
}

/// The settings as the manual names them.
fn environment() -> Vec<(String, String)> {
    let row = |setting: &crate::config::Setting| {
        let mut about = setting.about[..1].to_uppercase() + &setting.about[1..];
        about.push_str(&format!("; `{}` in the file.", setting.key));
        (setting.variables.join(", "), about)
    };
    SETTINGS.iter().map(row).collect()
}
