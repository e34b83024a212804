//! An age of backups, beside which `within` stands, where `m` is months: here it is no unit, so that nobody who means months
//! keeps backups of minutes.

use crate::units::Duration;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::fmt;
use std::str::FromStr;

/// How long ago a backup was made: `30d`, `12h`, `90min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Age(pub Duration);

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Age, String> {
        if let Some(number) = text.trim().strip_suffix('m').filter(|number| number.parse::<u64>().is_ok()) {
            let days = number.parse::<u64>().unwrap_or_default().saturating_mul(30);
            return Err(format!(
                "`{text}` may be minutes or months, which `m` is in `within`; write `{number}min`, or `{days}d`"
            ));
        }
        text.parse().map(Age)
    }
}

impl fmt::Display for Age {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        match text.strip_suffix('m') {
            Some(minutes) => write!(out, "{minutes}min"),
            None => out.write_str(&text),
        }
    }
}

impl Serialize for Age {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Age {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Age, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
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
        for wrong in ["", "m", "6", "6mo", "-1d"] {
            wrong.parse::<Age>().unwrap_err();
        }
    }
}
