//! `--each`: a command that takes each record.
//!
//! The record is in a file before the command is started, so a command that outlives us has all of
//! it. It is taken when the command ends well: what it was given before comes again otherwise, under
//! the same id.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    agent::Backend,
    error::{Error, Result},
    fs, sys,
    transcript::zst,
};

/// The command, for `sh`.
pub(crate) struct Each(pub(crate) String);

impl Each {
    /// Runs it for each of `lines`, the records that one line of the transcript at `path` gave, a
    /// session's or a plain file's. The next line begins at `next`.
    pub(crate) fn take(
        &self,
        session: Option<(&str, Backend)>,
        path: &Path,
        next: u64,
        lines: &[u8],
    ) -> Result<()> {
        let unpacked = zst::unpacked(path);
        let conversation = unpacked.file_stem().unwrap_or_default().to_string_lossy();
        for (n, record) in lines.split(|&byte| byte == b'\n').enumerate() {
            let id = format!("{}:{conversation}:{next}.{n}", sys::host());
            self.run(session, &id, record)?;
        }
        Ok(())
    }

    fn run(&self, session: Option<(&str, Backend)>, id: &str, record: &[u8]) -> Result<()> {
        let file = fs::nameless(&[record, b"\n"].concat())?;
        let mut command = Command::new("sh");
        command.arg("-c").arg(&self.0).stdin(Stdio::from(file)).env("AIMAX_RECORD", id);
        if let Some((name, backend)) = session {
            command.env("AIMAX_SESSION", name).env("AIMAX_BACKEND", backend.name());
        }
        let status = command.status().map_err(|e| Error::io("sh", &e))?;
        if status.success() {
            return Ok(());
        }
        Err(Error::system("--each", format!("record {id} was not taken: {status}"))
            .advise("the same command goes on there, if it has a --cursor"))
    }
}
