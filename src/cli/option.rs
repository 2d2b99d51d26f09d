//! The option table: plain data, from which everything about a command line is made.
//!
//! [`OptDoc`] says what an option is; [`Opt`] adds what it does to the arguments of one program.
//! Texts are plain, at most 72 columns wide, with `` `code` `` as the only mark.

use std::ffi::OsString;

use super::{output::Output, schema::RecordDoc};
use crate::error::{Exit, Result};

/// How a shell completes a value.
#[derive(Clone, Copy, Debug)]
pub enum Complete {
    /// Not at all.
    Nothing,
    /// File names.
    File,
    /// Folder names.
    Dir,
    /// Programs on PATH.
    Command,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// The lines that this command prints.
    Run(&'static str),
}

/// A value that an option or an operand takes.
#[derive(Clone, Copy, Debug)]
pub struct ValueDoc {
    /// Its name in capitals, as help shows it.
    pub name: &'static str,
    /// How it is completed.
    pub complete: Complete,
}

/// What an option is.
#[derive(Clone, Copy, Debug)]
pub struct OptDoc {
    /// `-x`.
    pub short: Option<char>,
    /// `--long`, without the dashes.
    pub long: &'static str,
    /// `--no-long`, without the dashes, where there is one.
    pub negated: Option<&'static str>,
    /// The value, where it takes one.
    pub value: Option<ValueDoc>,
    /// One phrase, at most 50 columns, without a full stop.
    pub brief: &'static str,
    /// Whole sentences.
    pub full: &'static str,
}

/// An option and what it does to the arguments `A`.
pub struct Opt<A> {
    /// What it is.
    pub doc: OptDoc,
    /// Stores its value.
    pub set: Set<A>,
}

/// Stores what was given in the arguments `A`; the error is the cause, without the option's name.
pub(crate) type Set<A> = fn(&mut A, Given) -> std::result::Result<(), String>;

impl OptDoc {
    /// An option without a value and without a short form.
    pub const fn new(long: &'static str, brief: &'static str, full: &'static str) -> Self {
        OptDoc { short: None, long, negated: None, value: None, brief, full }
    }

    /// The same with a value.
    pub const fn value(self, name: &'static str, complete: Complete) -> Self {
        OptDoc { value: Some(ValueDoc { name, complete }), ..self }
    }

    /// The same with a short form.
    pub const fn short(self, short: char) -> Self {
        OptDoc { short: Some(short), ..self }
    }

    /// The same with a form that negates it.
    pub const fn negated(self, long: &'static str) -> Self {
        OptDoc { negated: Some(long), ..self }
    }

    /// The option of a program, with the function that stores its value.
    pub const fn sets<A>(self, set: Set<A>) -> Opt<A> {
        Opt { doc: self, set }
    }
}

/// How an option was given.
#[derive(Debug)]
pub enum Given {
    /// `--long`.
    On,
    /// `--no-long`.
    Off,
    /// `--long VALUE`.
    Value(OsString),
}

/// A verb of a program that has verbs.
#[derive(Clone, Copy, Debug)]
pub struct VerbDoc {
    /// The word.
    pub name: &'static str,
    /// One phrase.
    pub brief: &'static str,
}

/// What a program is.
#[derive(Clone, Copy, Debug)]
pub struct ToolDoc {
    /// `aimax-tail`.
    pub name: &'static str,
    /// One phrase, lower case, without a full stop.
    pub tagline: &'static str,
    /// The forms of the command line, each beginning with the name.
    pub synopsis: &'static [&'static str],
    /// Paragraphs for `--help` and the man page.
    pub about: &'static str,
    /// The verbs, if it has any; the first operand is then one of them.
    pub verbs: &'static [VerbDoc],
    /// The operand, if it takes any.
    pub operand: Option<ValueDoc>,
    /// What follows `--`, where it is passed on; else those words are operands.
    pub rest: Option<ValueDoc>,
    /// The statuses that it can end with, besides those of every program: 0, 2 and 74.
    pub ends: &'static [Exit],
    /// The records that it prints.
    pub records: &'static [&'static RecordDoc],
    /// What each status means here, where the shared meaning needs more words.
    pub exits: &'static [(Exit, &'static str)],
    /// Commands to copy, each with a line that says what it does.
    pub examples: &'static [(&'static str, &'static str)],
    /// Other pages, with their section: `("tail", 1)`.
    pub see_also: &'static [(&'static str, u8)],
}

impl ToolDoc {
    /// An empty page: the defaults of the fields that a program leaves out.
    pub const EMPTY: ToolDoc = ToolDoc {
        name: "",
        tagline: "",
        synopsis: &[],
        about: "",
        verbs: &[],
        operand: None,
        rest: None,
        ends: &[],
        records: &[],
        exits: &[],
        examples: &[],
        see_also: &[],
    };
}

/// A program: its documentation, its options, and what it does.
pub trait Tool {
    /// What the command line says.
    type Args: Default + 'static;
    /// What the program is.
    const DOC: ToolDoc;
    /// Its options, less `--help` and `--version`, which every program has.
    const OPTS: &'static [Opt<Self::Args>];
    /// Whether the first operand ends the options, because all that follows it belongs to another
    /// program: `aimax tail --follow`.
    const FRONT: bool = false;
    /// Stores what follows `--`. Called only when `--` is given and `ToolDoc::rest` is set; a
    /// program without it finds those words among its operands.
    fn rest(args: &mut Self::Args, rest: Vec<OsString>) {
        let _ = (args, rest);
    }
    /// Runs the program. Records go to `out`; the caller prints an error.
    fn run(args: Self::Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit>;
}
