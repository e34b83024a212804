//! What a run does where nobody is there: `wait`, `stop`, `rollback`, and after how long. It is typed as an option, or in
//! `site.toml`.

use crate::units::Duration;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt::{self, Display};
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
    /// How long a question waits; for ever if absent.
    pub fn wait(self) -> Option<std::time::Duration> {
        match self.then {
            Then::Wait => None,
            Then::Stop | Then::Rollback => {
                Some(self.after.map_or(std::time::Duration::ZERO, |after| after.0))
            }
        }
    }

    /// What happens after that, for people. `can_roll_back` says whether the run has something to roll back.
    pub fn outcome(self, can_roll_back: bool) -> &'static str {
        match self.then {
            Then::Rollback if can_roll_back => "the run is rolled back",
            Then::Rollback => "the run stops: there is nothing to roll back",
            Then::Stop => "the run stops",
            Then::Wait => "the run waits",
        }
    }

    /// All of it, as a sentence without a full stop.
    pub fn sentence(self) -> String {
        let after = match self.after {
            None => "at a question or failure".to_owned(),
            Some(after) => format!("{after} after a question or failure that nobody answers"),
        };
        match self.then {
            Then::Wait => "the run waits at a question or failure until somebody answers".to_owned(),
            Then::Stop => format!("the run stops {after}"),
            Then::Rollback => {
                format!("the run is rolled back {after}, or stops where there is nothing to roll back")
            }
        }
    }

    /// As it is typed in `site.toml`.
    pub(super) fn typed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Unattended>, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Some).map_err(|why| D::Error::custom(format!("unattended can't be {text:?}: {why}")))
    }
}

impl Display for Unattended {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let then = match self.then {
            Then::Wait => "wait",
            Then::Stop => "stop",
            Then::Rollback => "rollback",
        };
        match self.after {
            None => write!(out, "{then}"),
            Some(after) => write!(out, "{then}:{after}"),
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
        let seconds = |n| Some(Some(std::time::Duration::from_secs(n)));
        assert_eq!((parsed("wait"), parsed("stop")), (Some(None), seconds(0)));
        assert_eq!(parsed("rollback:10m"), seconds(600));
        for text in ["wait", "stop", "stop:30m", "rollback", "rollback:10m"] {
            assert_eq!(text.parse::<Unattended>().unwrap().to_string(), text);
        }
        assert_eq!((parsed("wait:1s"), parsed("no"), parsed("stop:soon")), (None, None, None));
    }
}
