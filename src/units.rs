//! Durations and sizes as people write them: `5.minutes` and `2.gigabytes` in scripts, `"5m"` and `"2GB"` in
//! journals and in `site.toml`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::cell::Cell;
use std::fmt;
use std::str::FromStr;

/// A length of time. Written with one unit: `250ms`, `30s`, `5m`, `2h`, `14d`. `5min` is `5m`, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub std::time::Duration);

/// Units of time, largest first, in milliseconds.
const TIMES: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl Duration {
    /// So many seconds.
    pub const fn seconds(seconds: u64) -> Duration {
        Duration(std::time::Duration::from_secs(seconds))
    }

    /// So many milliseconds.
    pub const fn milliseconds(milliseconds: u64) -> Duration {
        Duration(std::time::Duration::from_millis(milliseconds))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.as_millis() as u64;
        let (unit, size) = TIMES
            .into_iter()
            .find(|(_, size)| milliseconds >= *size && milliseconds.is_multiple_of(*size))
            .unwrap_or(("s", 1_000));
        write!(out, "{}{unit}", milliseconds / size)
    }
}

/// Units of time as scripts write them, in singular.
const WORDS: [(&str, &str); 5] =
    [("day", "d"), ("hour", "h"), ("minute", "m"), ("second", "s"), ("millisecond", "ms")];

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Duration, String> {
        let wrong = || format!("`{text}` is not a duration; write it as `30s`, `5m`, `2h` or `14d`");
        let (number, unit) = split_unit(text).ok_or_else(wrong)?;
        // Or as scripts write it: `5.minutes`.
        let word = unit.strip_prefix('.').map(|word| word.trim_end_matches('s'));
        let unit = if unit == "min" { "m" } else { unit };
        let unit = WORDS.into_iter().find(|(name, _)| word == Some(*name)).map_or(unit, |(_, unit)| unit);
        let (_, size) = TIMES.into_iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let milliseconds = number.checked_mul(size).ok_or_else(wrong)?;
        Ok(Duration::milliseconds(milliseconds))
    }
}

/// An amount of data in bytes. Decimal units, as disks are sold: `500MB`, `2GB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

/// Units of data, largest first, in bytes.
const SIZES: [(&str, u64); 5] =
    [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000), ("B", 1)];

impl fmt::Display for Size {
    /// For people: at most one decimal place, so it may be rounded.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, size) = SIZES.into_iter().find(|(_, size)| self.0 >= *size).unwrap_or(("B", 1));
        match self.0 % size {
            0 => write!(out, "{} {unit}", self.0 / size),
            _ => write!(out, "{:.1} {unit}", self.0 as f64 / size as f64),
        }
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Size, String> {
        let wrong = || format!("`{text}` is not a size; write it as `500MB` or `2GB`");
        let (number, unit) = split_unit(text).ok_or_else(wrong)?;
        let (_, size) = SIZES.into_iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        number.checked_mul(size).map(Size).ok_or_else(wrong)
    }
}

fn split_unit(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    Some((text[..end].parse().ok()?, text[end..].trim()))
}

/// The tag by which plain data knows a length of time.
pub const DURATION: &str = "$duration";
/// The tag by which plain data knows an amount of data.
pub const SIZE: &str = "$size";

thread_local! {
    static TAGGED: Cell<bool> = const { Cell::new(false) };
}

/// What is serialized meanwhile in this thread has its units with tags: who reads it gets values, and not text.
pub fn tagged<T>(serialize: impl FnOnce() -> T) -> T {
    let before = TAGGED.replace(true);
    let serialized = serialize();
    TAGGED.set(before);
    serialized
}

/// The text, or an object of a tag and the text.
pub(crate) fn written<S: Serializer>(serializer: S, tag: &str, text: &str) -> Result<S::Ok, S::Error> {
    match TAGGED.get() {
        true => serializer.collect_map([(tag, text)]),
        false => serializer.serialize_str(text),
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        written(serializer, DURATION, &self.to_string())
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for Size {
    /// Exact, unlike [`fmt::Display`]: always in bytes.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        written(serializer, SIZE, &format!("{}B", self.0))
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// This instant, in seconds, as RFC 3339 in UTC.
pub fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_read_as_they_are_written() {
        for text in ["250ms", "30s", "5m", "2h", "14d", "0s"] {
            assert_eq!(text.parse::<Duration>().unwrap().to_string(), text);
        }
        assert_eq!("90s".parse::<Duration>().unwrap().to_string(), "90s");
        assert_eq!("120s".parse::<Duration>().unwrap().to_string(), "2m");
        assert_eq!("10.minutes".parse::<Duration>().unwrap().to_string(), "10m");
        assert!("10.".parse::<Duration>().is_err() && "10.m".parse::<Duration>().is_err());
        assert_eq!("2GB".parse::<Size>().unwrap(), Size(2_000_000_000));
        assert_eq!(Size(1_234_000).to_string(), "1.2 MB");
        assert!("5 parsecs".parse::<Duration>().is_err());
        assert!("99999999999999999999d".parse::<Duration>().is_err());
    }
}
