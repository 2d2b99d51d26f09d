//! `aimax`, and any of its programs by whose name it is called.

fn main() -> std::process::ExitCode {
    aimax::internal::toolkit()
}
