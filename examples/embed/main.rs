//! A banister with one more primitive. Try it with `cargo run --example embed -- doc log_release`.

mod log_release;

use log_release::LogRelease;
use std::process::ExitCode;

fn main() -> ExitCode {
    banister::Program::new().with::<LogRelease>().main()
}
