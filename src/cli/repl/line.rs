//! Lines as they come to the prompt.

use crate::failure::Result;
use crate::script::repl::Repl;

/// What was read.
#[derive(Debug, PartialEq)]
pub enum Line {
    /// As much as belongs together.
    Text(String),
    /// The person took it back.
    Cleared,
    End,
}

/// Gives lines.
pub trait Input {
    fn read(&mut self, repl: &Repl) -> Result<Line>;

    /// Keeps what was typed, with its secrets hidden, for the next time.
    fn remember(&mut self, text: &str);

    /// Whether somebody sits there.
    fn is_person(&self) -> bool;
}
