//! The program. Everything is in the library; this finds out which part is meant.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    if let Some(status) = banister::command::entry(&arguments) {
        return status;
    }
    banister::cli::main(&arguments)
}
