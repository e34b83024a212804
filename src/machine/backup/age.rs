//! An age of backups, beside which `within` stands, where `m` is months: here it is no unit, so that nobody who means months
//! keeps backups of minutes.

use crate::units::{self, DURATION, Duration};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::fmt;
use std::str::FromStr;

/// How long ago a backup was made: `30d`, `12h`, `90min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Age {
    pub length: Duration,
    /// Whether a bare `m` was its unit. A script's duration comes so, and what a person wrote is refused.
    is_bare: bool,
}

impl Age {
    /// Fails with what to write if a person wrote a bare `m`.
    pub fn check(&self) -> Result<(), String> {
        if !self.is_bare {
            return Ok(());
        }
        let number = self.length.0.as_secs() / 60;
        Err(format!(
            "`{number}m` may be minutes or months, which `m` is in `within`; write `{number}min`, or `{}d`",
            number.saturating_mul(30)
        ))
    }
}

impl From<Duration> for Age {
    fn from(length: Duration) -> Age {
        Age { length, is_bare: false }
    }
}

/// As a person writes it.
impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Age, String> {
        let age = read(text)?;
        age.check().map(|()| age)
    }
}

fn read(text: &str) -> Result<Age, String> {
    let number = text.trim().strip_suffix('m');
    Ok(Age { length: text.parse()?, is_bare: number.is_some_and(|number| number.parse::<u64>().is_ok()) })
}

impl fmt::Display for Age {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.length.to_string();
        match text.strip_suffix('m') {
            Some(minutes) => write!(out, "{minutes}min"),
            None => out.write_str(&text),
        }
    }
}

/// A value for scripts, and else text that is no bare `m`.
impl Serialize for Age {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        units::written(serializer, DURATION, &self.to_string())
    }
}

impl<'de> Deserialize<'de> for Age {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Age, D::Error> {
        read(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_written_as_it_is_read_and_a_bare_m_is_refused() {
        for text in ["30d", "12h", "90min", "45s", "250ms"] {
            assert_eq!(text.parse::<Age>().unwrap().to_string(), text);
        }
        assert_eq!("120min".parse::<Age>().unwrap().to_string(), "2h");
        assert_eq!("30.days".parse::<Age>().unwrap().to_string(), "30d");
        let refused = "6m".parse::<Age>().unwrap_err();
        assert_eq!(
            refused,
            "`6m` may be minutes or months, which `m` is in `within`; write `6min`, or `180d`"
        );
        let read: Age = serde_json::from_str("\"6m\"").unwrap();
        assert_eq!((read.check().unwrap_err(), read.length), (refused, Duration::seconds(360)));
        for wrong in ["", "m", "6", "6mo", "-1d"] {
            wrong.parse::<Age>().unwrap_err();
        }
    }
}
