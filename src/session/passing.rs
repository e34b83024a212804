//! A call on its way through the gate.

use crate::journal::Call;
use crate::key::Key;
use crate::primitive::Given;
use crate::primitives;
use crate::site::Server;

/// A call at its place in the course, with what it names.
#[derive(Clone, Copy)]
pub(super) struct Passing<'a> {
    /// The root if it is never written down.
    pub key: Key<'a>,
    /// The place in the script, for people.
    pub at: &'a str,
    pub call: &'a Call,
    /// Its primitive with its arguments.
    pub given: &'a Given<'a>,
    /// Absent for calls that are about no server.
    pub server: Option<&'a Server>,
}

impl Passing<'_> {
    /// As a script writes it.
    pub fn text(&self) -> String {
        primitives::describe(self.call)
    }
}
