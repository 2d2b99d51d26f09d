//! `aimax-paste`.

fn main() -> std::process::ExitCode {
    aimax::cli::main::<aimax::programs::Paste>()
}
