//! What a plan can't know, as a value of a script.

/// A value that only a run can know.
#[derive(Clone, Debug, PartialEq)]
pub struct Unknown {
    /// What it is: `commit of Check out`.
    pub about: String,
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "‹known after {}›", self.about)
    }
}
