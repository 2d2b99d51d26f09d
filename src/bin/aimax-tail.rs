//! `aimax-tail`.

fn main() -> std::process::ExitCode {
    aimax::cli::main::<aimax::programs::Tail>()
}
