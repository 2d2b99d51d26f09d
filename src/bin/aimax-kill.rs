//! `aimax-kill`.

fn main() -> std::process::ExitCode {
    aimax::cli::main::<aimax::programs::Kill>()
}
