//! What a run does where nobody is there: `wait`, `stop`, `rollback`, and after how long.

use crate::units::Duration;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unattended {
    pub then: Then,
    /// How long somebody is waited for before that; not at all if absent.
    pub after: Option<Duration>,
}

/// What happens with a question that nobody answers, and with a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// The question waits; a failed run can be continued.
    #[default]
    Wait,
    /// The run stops, and can be continued.
    Stop,
    /// It is rolled back, as the runbook declares.
    Rollback,
}

impl Unattended {
    /// How long a question waits, for ever if absent; and what happens then, for people.
    pub fn wait(self) -> (Option<std::time::Duration>, String) {
        let after = || Some(self.after.map_or(std::time::Duration::ZERO, |after| after.0));
        match self.then {
            Then::Wait => (None, String::new()),
            Then::Stop => (after(), "the run stops".to_owned()),
            Then::Rollback => (after(), "the run is rolled back".to_owned()),
        }
    }
}

impl FromStr for Unattended {
    type Err = String;

    fn from_str(text: &str) -> Result<Unattended, String> {
        let (then, after) = match text.split_once(':') {
            Some((then, after)) => (then, Some(after.parse()?)),
            None => (text, None),
        };
        match then {
            "wait" if after.is_some() => {
                Err("`wait` has no end; only `stop` and `rollback` come after a time".into())
            }
            "wait" => Ok(Unattended { then: Then::Wait, after }),
            "stop" => Ok(Unattended { then: Then::Stop, after }),
            "rollback" => Ok(Unattended { then: Then::Rollback, after }),
            _ => Err(format!("`{text}` is none of `wait`, `stop`, `rollback`, or `rollback:10m`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_may_follow_what_happens_after_it() {
        let parsed = |text: &str| text.parse::<Unattended>().ok().map(Unattended::wait);
        let seconds = |n| Some(std::time::Duration::from_secs(n));
        assert_eq!(parsed("wait"), Some((None, String::new())));
        assert_eq!(parsed("stop"), Some((seconds(0), "the run stops".into())));
        assert_eq!(parsed("rollback:10m"), Some((seconds(600), "the run is rolled back".into())));
        assert_eq!((parsed("wait:1s"), parsed("no"), parsed("stop:soon")), (None, None, None));
    }
}
