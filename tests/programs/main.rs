//! Tests of all programs on the practice agent, each in a home and a tmux server of its own.

#[expect(dead_code, reason = "each test program uses its own part of it")]
#[path = "../util/mod.rs"]
mod util;

mod adopt;
mod ask;
mod crowd;
mod damage;
mod demo;
mod desk;
mod doctor;
mod examples;
mod facts;
mod flag;
mod flag_account;
mod flag_keeper;
mod flag_many;
mod flag_truth;
mod folders;
mod front;
mod generated;
mod kill;
mod layers;
mod library;
mod limit;
mod looks;
mod ls;
mod matrix;
mod moves;
mod names;
mod once;
mod outside;
mod paste;
mod paste_failures;
mod practice;
mod profiles;
mod proxy;
mod questions;
mod readme;
mod records;
mod revive;
mod samples;
mod scripts;
mod shapes;
mod spawn;
mod spawn_failures;
mod state;
mod stats;
mod tail;
mod tail_one;
mod tour;
mod trace;
mod transcripts;
mod usage;
mod verbs;
mod versions;
