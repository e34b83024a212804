//! What is doubtful of a server's table in `site.toml`.

use crate::script::check::Severity;

/// A place in `site.toml`, and what is wrong there.
pub struct Doubt {
    pub key: String,
    /// What is written there, if the key has several things.
    pub value: String,
    pub severity: Severity,
    pub message: String,
    pub help: String,
}

impl Doubt {
    pub fn new(key: &str, value: &str, message: String, help: impl Into<String>) -> Doubt {
        Doubt {
            key: key.into(),
            value: value.into(),
            severity: Severity::Warning,
            message,
            help: help.into(),
        }
    }
}
