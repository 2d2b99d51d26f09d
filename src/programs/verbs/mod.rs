//! The verbs of the front, `aimax`: one file each.

mod admin;
mod config;
mod create;
mod dispatch;
mod history;
mod list;
mod pause;
mod send;
mod stats;
mod status;
mod stop;
mod stream;
mod version;

pub use admin::Admin;
pub use config::Settings;
pub use create::Create;
pub use history::History;
pub use list::List;
pub use pause::Pause;
pub use send::Send;
pub use stats::Stats;
pub use status::Status;
pub use stop::Stop;
pub use stream::Stream;
pub use version::Version;
