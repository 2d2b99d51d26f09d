//! `aimax-tail`.

fn main() -> std::process::ExitCode {
    aimax::cli::main::<aimax::tool::Tail>()
}
