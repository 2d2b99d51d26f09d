//! The state files, which other programs read and write as well.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{fs, os::unix::fs::PermissionsExt};

use crate::{
    desk::Desk,
    records::{Killed, Listed, Ready},
};

/// As Python's `json.dump(…, indent=2)` writes it.
const OTHERS: &str = "{
  \"_root\": {
    \"window\": true
  },
  \"old\": {
    \"cwd\": \"/caf\\u00e9/\\ud83d\\ude00\",
    \"later\": {
      \"empty\": [],
      \"none\": {},
      \"list\": [
        1,
        -2.5,
        null,
        \"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u007f\"
      ]
    }
  }";

#[test]
fn the_runtime_file_is_what_python_would_write() {
    let mut desk = Desk::new();
    let data = desk.home.root().join("new/data");
    desk.home.set("AIMAX_DATA_DIR", data.to_str().unwrap());
    desk.run("aimax-ls", &[]).silent();
    let args =
        ["-b", "tmux-practice", "-s", "one", "--display-name", "Größe \u{1f600} \"x\"", "-m", "m"];
    let ready: Ready = desk.run("aimax-spawn", &args).record();
    let runtime = data.join("practice-hub-runtime.json");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&data), mode(&runtime)), (0o700, 0o600));
    assert_eq!(mode(&data.join("practice-hub-archive.json")), 0o600);
    let entry = format!(
        "\"one\": {{
    \"agentSessionId\": \"{}\",
    \"cwd\": \"{proj}\",
    \"flagRoot\": \"{proj}\",
    \"model\": \"m\",
    \"useProxy\": false,
    \"settingsPath\": null,
    \"forceNoProxy\": false,
    \"displayName\": \"Gr\\u00f6\\u00dfe \\ud83d\\ude00 \\\"x\\\"\",
    \"jsonlPath\": \"{}\",
    \"startedAt\": {},
    \"inbox\": null,
    \"permissions\": \"bypass\",
    \"agentArgs\": [],
    \"agentPaths\": {{
      \"practice_home\": \"{}\"
    }}
  }}",
        ready.agent_session_id,
        ready.jsonl_path.display(),
        ready.started_at,
        data.join("practice").display(),
        proj = desk.home.proj().display(),
    );
    let read = || fs::read_to_string(&runtime).unwrap();
    assert_eq!(read(), format!("{{\n  {entry}\n}}"));
    let archive = fs::read_to_string(data.join("practice-hub-archive.json")).unwrap();
    assert_eq!(archive, read());

    // What others have put there stays, byte for byte and in its place.
    fs::write(&runtime, format!("{OTHERS},\n  {entry}\n}}")).unwrap();
    let two: Ready = desk.run("aimax-spawn", &["-b", "tmux-practice", "-s", "two"]).record();
    let text = read();
    assert!(text.starts_with(&format!("{OTHERS},\n  {entry},\n  \"two\": {{\n")), "{text}");
    let listed: Vec<Listed> = desk.run("aimax-ls", &["one", "two"]).records();
    assert_eq!(listed[1].pid, Some(two.pid));
    for name in ["one", "two"] {
        let _: Killed = desk.run("aimax-kill", &[name]).record();
    }
    assert_eq!(read(), format!("{OTHERS}\n}}"));
    assert_eq!(mode(&runtime), 0o600);
    let left: Vec<_> = fs::read_dir(&data)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("tmp"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
