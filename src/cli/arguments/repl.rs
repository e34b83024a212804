//! What can be typed after `banister repl`.

use clap::Args;

/// What is opened to be typed in.
#[derive(Args, Debug)]
#[command(
    after_help = "Lines are read from standard input; without a terminal there are no prompts, and the exit code is 1 if the last line failed. Servers are variables of the same name. `help` lists what else can be typed."
)]
pub struct Options {
    /// A run that stopped, as `runs` lists it: shows why, and continues where it failed, with its variables.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
}
