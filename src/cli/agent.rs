//! `banister agent`.

use super::context::Context;
use crate::failure::{Failure, Kind, Result};
use crate::reach::agent::serve;
use std::io::{BufReader, IsTerminal, stdin, stdout};

/// Serves the banister at the other end of the standard streams.
pub fn agent(context: &Context) -> Result<u8> {
    if stdin().is_terminal() {
        return Err(Failure::new(
            Kind::Invalid,
            "`banister agent` is started by banister on another machine, over ssh",
        )
        .help("there, name this server with `ssh = \"USER@HOST\"` in site.toml"));
    }
    serve(&context.state, BufReader::new(stdin()), stdout())?;
    Ok(0)
}
