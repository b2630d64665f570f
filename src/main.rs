//! The `straggler` program: see the library for how it works.

use std::process::ExitCode;

fn main() -> ExitCode {
    straggler::cli::main()
}
