//! `aimax-ls`.

fn main() -> std::process::ExitCode {
    aimax::internal::main::<aimax::internal::programs::Ls>()
}
