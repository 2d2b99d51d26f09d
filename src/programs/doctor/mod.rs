//! `aimax doctor`: what is not as it should be, and the command that mends it.

use std::ffi::OsString;

use serde_json::json;

use super::options::Field;
use crate::{
    cli::{Member, Opt, OptDoc, Output, Paint, RecordDoc, Tool, ToolDoc, Type, exit::visible},
    config::Config,
    error::{Exit, Result},
};

mod agents;
mod files;
mod finding;
mod sessions;

use finding::{Finding, Weight};

/// The program.
pub struct Doctor;

/// Its arguments.
#[derive(Debug, Default)]
pub struct Args {
    json: bool,
}

impl Tool for Doctor {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-doctor",
        tagline: "look for problems",
        synopsis: &["aimax doctor [--json]"],
        about: "\
Checks tmux for known bugs, the agents and their versions, folders,
locks, sessions without a window, flags without a session, and the files
of the proxy. Each finding names the command that fixes it, if there is
one. Nothing is changed, except that flags of finished jobs are updated,
as any program does.

The weights:
    ok       all is well
    note     good to know; nothing is broken
    problem  something will not work, or is left over

The document of `--json` has `ok` and `findings`, each with `area`,
`subject`, `weight` and `says`; `mend`, if a command fixes it; and
`advice`, if there is more to say.",
        exits: &[(Exit::Done, "no problems were found"), (Exit::No, "there are problems")],
        examples: &[
            ("aimax doctor", "Show the findings."),
            ("aimax doctor --json | jq -r '.findings[].mend // empty'", "Print only the fixes."),
        ],
        see_also: &[("aimax", 1), ("aimax-ls", 1), ("tmux", 1)],
        ends: &[Exit::No],
        records: &[&FOUND],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<Args>] =
        &[OptDoc::new("json", "Print one JSON document", "Prints one JSON document.")
            .sets(|args, given| args.json.set(given))];

    fn run(args: Args, _: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let config = Config::from_env()?;
        let mut findings = agents::tmux(&config);
        findings.extend(agents::agents(&config));
        findings.extend(sessions::sessions(&config));
        findings.extend(sessions::flags(&config));
        findings.extend(files::folders(&config));
        findings.extend(files::left_over(&config));
        findings.extend(files::locks(&config));
        findings.extend(agents::proxy(&config));
        let ok = findings.iter().all(|finding| finding.weight != Weight::Problem);
        if args.json {
            out.record(&FOUND, &json!({ "ok": ok, "findings": findings }))?;
        } else {
            let paint = Paint::stdout(&config);
            for finding in &findings {
                out.line(line(finding, paint).as_bytes())?;
            }
        }
        Ok(if ok { Exit::Done } else { Exit::No })
    }
}

fn line(finding: &Finding, paint: Paint) -> String {
    let (word, style) = match finding.weight {
        Weight::Ok => ("ok", "32"),
        Weight::Note => ("note", "33"),
        Weight::Problem => ("problem", "1;31"),
    };
    let Finding { area, subject, says, .. } = finding;
    let says = visible(says);
    let subject = visible(subject);
    let mut line = format!("{word:7}  {area:7}  {subject}: {says}");
    for mend in finding.mend.iter().chain(&finding.advice) {
        line.push_str(&format!("\n{:18}{} {}", "", paint.paint("36", "→"), visible(mend)));
    }
    line.replacen(word, &paint.paint(style, word), 1)
}

const FOUND: RecordDoc = RecordDoc {
    name: "doctor",
    about: "`aimax doctor --json`",
    fields: &[&[
        Member::new("ok", Type::Switch, "Whether there is no problem"),
        Member::new("findings", Type::List(&Type::Object(&[finding::MEMBERS])), "What was found"),
    ]],
};
