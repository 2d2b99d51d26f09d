//! What is first on the PATH and is not the agent: shims that become it, and launchers that stay.
//! `tests/programs/launchers.rs` has more of them, in front of the practice agent.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::agents::{Agent, Trust, claude_new, codex_new};
use crate::run::run;
use crate::truth::Stage;
use crate::util::model::Model;
use crate::util::processes::family;
use crate::util::wait::{PATIENCE, wait_until};

/// The agent behind a launcher of its name, which runs `script`; `stay` processes are above the agent.
/// As the shims of mise and volta are, it is a link to a program that is told by its name what to run.
fn behind(agent: Agent, script: &str, stay: usize) {
    let model = Model::start();
    let mut home = agent.home(&model, Trust::Seeded);
    let by_name = format!("#!/bin/sh\n[ \"${{0##*/}}\" = {} ] || exit 9\n", agent.program());
    let launcher = home.write("shims/launcher", by_name + script);
    fs::set_permissions(&launcher, fs::Permissions::from_mode(0o755)).expect("a launcher");
    let shim = launcher.with_file_name(agent.program());
    symlink("launcher", &shim).expect("a shim");
    home.add_path(shim.parent().expect("a folder"));
    home.set("NPM_CONFIG_UPDATE_NOTIFIER", "false");
    let stage = Stage { model, home };
    let words = ["-b", agent.backend(), "-s", "t", "-p", "hello"];
    run(&stage.home, "spawn", &words).record();
    let (status, record) = stage.waits();
    assert_eq!((status, record["state"].as_str()), (Some(0), Some("done")), "{script}: {record}");
    wait_until(PATIENCE, "rest", || stage.listed()["state"] == "idle");
    let pid = stage.listed()["pid"].as_u64().and_then(|pid| pid.try_into().ok());
    let pid = pid.expect("a process");
    let above = family(pid).len();
    assert!(above > stay, "{script}: {above} processes");
    // Not `sleep 600`, which Claude Code 2.1.332 refuses to run.
    stage.works("TOOL:timeout 600 tail -f /dev/null");
    run(&stage.home, "paste", &["-s", "t", "--interrupt"]).record();
    stage.works("TOOL:timeout 601 tail -f /dev/null");
    let all = family(pid);
    run(&stage.home, "kill", &["t"]).record();
    for one in all {
        let is_gone = || aimax::internal::start_time(one).is_none();
        wait_until(PATIENCE, &format!("the end of process {one}"), is_gone);
    }
    stage.model.check();
}

fn program(agent: Agent) -> String {
    format!("'{}'", agent.install().join(agent.program()).display())
}

#[test]
fn claude_behind_a_shim_that_becomes_it_or_stays() {
    let claude = claude_new();
    let program = program(claude);
    behind(claude, &format!("__MISE_SHIM=1 exec {program} \"$@\"\n"), 0);
    let stays = "trap : INT\n_VOLTA_TOOL_RECURSION=1 ";
    behind(claude, &format!("{stays}{program} \"$@\"\nexit $?\n"), 1);
}

/// npm, a shell, and the agent's own node launcher stay above the program.
#[test]
fn codex_by_npx() {
    let codex = codex_new();
    let install = codex.install();
    let package = install.parent().map(Path::display).expect("its package");
    let npx = format!("exec npx --offline --no --prefix '{package}' -- codex \"$@\"\n");
    behind(codex, &npx, 2);
}
