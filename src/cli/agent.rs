//! `banister agent`.

use super::context::Context;
use crate::failure::Result;
use crate::reach::agent::serve;
use std::io::{BufReader, stdin, stdout};

/// Serves the banister at the other end of the standard streams.
pub fn agent(context: &Context) -> Result<u8> {
    serve(&context.state, BufReader::new(stdin()), stdout())?;
    Ok(0)
}
