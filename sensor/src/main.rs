//! The `isthmus` program.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    isthmus::cli::main()
}
