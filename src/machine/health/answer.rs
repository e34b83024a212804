//! What a check saw.

use crate::failure::Failure;
use serde::{Deserialize, Serialize};

/// What a check saw once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub ok: bool,
    /// One line. It completes the check's name: `answered 502, expected 200`.
    pub said: String,
    /// Which life of the thing answered. When it changes, the stable window begins anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
}

impl Answer {
    pub fn good(said: impl Into<String>) -> Answer {
        Answer { ok: true, said: said.into(), mark: None }
    }

    pub fn bad(said: impl Into<String>) -> Answer {
        Answer { ok: false, said: said.into(), mark: None }
    }

    /// What could not be looked at is not healthy, and says why.
    pub fn of(failure: &Failure) -> Answer {
        Answer::bad(failure.to_string())
    }
}
