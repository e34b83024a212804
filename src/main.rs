//! The program. Everything is in the library; this finds out which part is meant.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    banister::command::entry(&arguments)
        .or_else(|| banister::practice::entry(arguments.get(1..).unwrap_or_default()))
        .unwrap_or_else(|| banister::cli::main(&arguments))
}
