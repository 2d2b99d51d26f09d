//! The verbs of the front, `aimax`: one file each; those that deliver a prompt share one.

mod admin;
mod adopt;
mod ask;
mod config;
mod history;
mod list;
mod prompt;
mod revive;
mod schema;
mod stats;
mod status;
mod stop;
mod stream;
mod usage;
mod version;

pub use admin::Admin;
pub use adopt::Adopt;
pub use ask::Ask;
pub use config::Settings;
pub use history::History;
pub use list::List;
pub use prompt::{Create, Pause, Send};
pub use revive::Revive;
pub use schema::Schema;
pub use stats::Stats;
pub use status::Status;
pub use stop::Stop;
pub use stream::Stream;
pub use usage::Usage;
pub use version::Version;
