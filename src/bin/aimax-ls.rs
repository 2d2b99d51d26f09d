//! `aimax-ls`.

fn main() -> std::process::ExitCode {
    aimax::cli::main::<aimax::programs::Ls>()
}
