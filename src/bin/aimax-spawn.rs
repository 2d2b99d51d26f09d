//! `aimax-spawn`.

fn main() -> std::process::ExitCode {
    aimax::cli::main::<aimax::programs::Spawn>()
}
