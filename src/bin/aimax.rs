//! Placeholder until the front is written: it knows only the practice agent.
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_none_or(|verb| verb != "practice-agent") {
        return ExitCode::from(2);
    }
    match aimax::agent::practice::main(arguments.collect()) {
        Ok(status) => ExitCode::from(u8::try_from(status).unwrap_or(1)),
        Err(error) => {
            eprintln!("aimax practice-agent: {error}");
            ExitCode::from(error.kind.exit() as u8)
        }
    }
}
