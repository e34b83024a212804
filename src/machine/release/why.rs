//! Why a tag has no place in an order.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why nothing says whether a tag is newer than another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A name such as `latest` that is moved to each new release.
    Moving,
    /// There is no number in it.
    NoNumber,
    /// Only zeros, or nines: what builds are called that nobody should install.
    Placeholder,
    /// It is the name of a commit.
    Commit,
}

impl fmt::Display for Why {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Why::Moving => "is a name that moves from release to release",
            Why::NoNumber => "has no version number",
            Why::Placeholder => "is a placeholder, not a version",
            Why::Commit => "names a commit, not a version",
        })
    }
}
