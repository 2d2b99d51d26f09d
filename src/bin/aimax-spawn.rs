//! `aimax-spawn`.

fn main() -> std::process::ExitCode {
    aimax::internal::main::<aimax::internal::programs::Spawn>()
}
