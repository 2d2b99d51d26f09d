//! Options that several programs share. A group of options fills a struct; a program that offers
//! the group has that struct among its arguments: see [`has`].

use std::{os::unix::ffi::OsStringExt, path::PathBuf, time::Duration};

use crate::{
    cli::{Complete, Given, OptDoc},
    config::switch,
};

pub(crate) mod launch;
pub(crate) mod output;
pub(crate) mod prompt;
pub(crate) mod target;

pub(crate) use output::{OutputArgs, VerbArgs};
pub(crate) use prompt::PromptArgs;
pub(crate) use target::{NAMES, Target};

/// Arguments with the group `G` among them.
pub(crate) trait Has<G> {
    /// The group.
    fn group(&mut self) -> &mut G;
}

/// Names the fields of a program's arguments that hold its groups.
macro_rules! has {
    ($args:ty { $($field:ident: $group:ty),+ }) => {
        $(impl $crate::programs::options::Has<$group> for $args {
            fn group(&mut self) -> &mut $group {
                &mut self.$field
            }
        })+
    };
}
pub(crate) use has;

/// A field of a program's arguments that one option sets. Its type says how a value is read.
pub(crate) trait Field {
    /// Sets it; the error is the cause, without the option's name.
    fn set(&mut self, given: Given) -> Result<(), String>;
}

/// Makes a type a [`Field`], by how it is read from what was given.
macro_rules! field {
    ($type:ty, $given:ident => $value:expr) => {
        impl Field for $type {
            fn set(&mut self, $given: Given) -> Result<(), String> {
                *self = $value;
                Ok(())
            }
        }
    };
}

field!(bool, given => given.on());
field!(Option<bool>, given => Some(switch(&given.text()?)?));
field!(Duration, given => given.seconds()?);
field!(Option<Duration>, given => Some(given.seconds()?));
field!(Option<Vec<u8>>, given => Some(given.os().into_vec()));
field!(Option<PathBuf>, given => Some(given.path()));
field!(Option<String>, given => Some(given.text()?));
field!(Option<usize>, given => Some(given.parse()?));
field!(u64, given => number(&given.text()?)?);
field!(Option<u64>, given => Some(number(&given.text()?)?));

/// A count or an offset.
pub(crate) fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text:?} is not a whole number"))
}

/// `--lock-wait`.
pub(crate) const LOCK_WAIT: OptDoc = OptDoc::new(
    "lock-wait",
    "How long to wait for other programs",
    "\
How long to wait for another program that is using the session. The
default is 60 seconds.",
)
.value("TIME", Complete::Nothing);

/// `--timeout`; what it limits, and its default, differ by program.
pub(crate) const fn timeout(full: &'static str) -> OptDoc {
    OptDoc::new("timeout", "Give up after this long", full).value("TIME", Complete::Nothing)
}
