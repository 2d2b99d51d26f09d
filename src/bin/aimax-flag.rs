//! `aimax-flag`.

fn main() -> std::process::ExitCode {
    aimax::cli::main::<aimax::programs::Flag>()
}
