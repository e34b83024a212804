//! The make targets of a server.

use serde::{Deserialize, Serialize};

/// The make targets of the steps that change a server. An empty name skips the step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Targets {
    pub configure: String,
    pub build: String,
    pub start: String,
    pub stop: String,
}

impl Default for Targets {
    fn default() -> Targets {
        Targets { configure: String::new(), build: "build".into(), start: "up".into(), stop: String::new() }
    }
}
