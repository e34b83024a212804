//! Where a run on one server on another machine works.

use serde::{Deserialize, Serialize};

/// What `home` in `site.toml` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Home {
    /// On the machine where it was begun, from which each call goes to the server.
    Here,
    /// On the server's machine, so that nobody's connection matters.
    #[default]
    Server,
}
