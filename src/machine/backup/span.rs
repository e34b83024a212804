//! A span of the calendar.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A stretch of the calendar, as `restic` writes it: `1y5m7d2h`, where `m` is months.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    years: u16,
    months: u16,
    days: u16,
    hours: u16,
}

impl Span {
    /// The instant that is so long before; none if that is before all time. A day that its month does not have is so
    /// many days into the next one, as for `restic`.
    pub(super) fn before(self, instant: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let at = zone.to_datetime(instant);
        let months = i64::from(at.year()) * 12 + i64::from(at.month()) - 1;
        let months = months - i64::from(self.years) * 12 - i64::from(self.months);
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
        let first = Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, 1).ok()?;
        let days = i64::from(at.day()) - 1 - i64::from(self.days);
        let date = first.checked_add(days.days()).ok()?;
        let there = zone.to_timestamp(date.to_datetime(at.time())).ok()?;
        there.checked_sub(SignedDuration::from_hours(self.hours.into())).ok()
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Span, String> {
        let wrong = || {
            format!(
                "`{text}` is no span of years, months, days and hours; write it as `14d`, `6m` or `1y5m7d2h`"
            )
        };
        let mut span = Span::default();
        let mut rest = text;
        let mut seen = BTreeSet::new();
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let number: u16 = rest[..end].parse().map_err(|_| wrong())?;
            let unit = rest[end..].chars().next().filter(|unit| seen.insert(*unit)).ok_or_else(wrong)?;
            *match unit {
                'y' => &mut span.years,
                'm' => &mut span.months,
                'd' => &mut span.days,
                'h' => &mut span.hours,
                _ => return Err(wrong()),
            } = number;
            rest = &rest[end + unit.len_utf8()..];
        }
        if seen.is_empty() { Err(wrong()) } else { Ok(span) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [(self.years, "y"), (self.months, "m"), (self.days, "d"), (self.hours, "h")];
        if *self == Span::default() {
            return out.write_str("0h");
        }
        all.iter()
            .filter(|(number, _)| *number > 0)
            .try_for_each(|(number, unit)| write!(out, "{number}{unit}"))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(span: &str, from: &str) -> String {
        let from: Timestamp = from.parse().unwrap();
        let before = span.parse::<Span>().unwrap().before(from, &TimeZone::UTC);
        before.map_or("never".into(), |before| before.to_string())
    }

    #[test]
    fn a_span_counts_back_as_restic_does() {
        assert_eq!(before("2d", "2026-03-01T10:00:00Z"), "2026-02-27T10:00:00Z");
        assert_eq!(before("1y5m7d2h", "2026-03-08T10:00:00Z"), "2024-10-01T08:00:00Z");
        // There is no 31st of February.
        assert_eq!(before("1m", "2026-03-31T10:00:00Z"), "2026-03-03T10:00:00Z");
        assert_eq!(before("1m", "2026-01-15T10:00:00Z"), "2025-12-15T10:00:00Z");
        assert_eq!(before("65535y", "2026-01-15T10:00:00Z"), "never");
    }

    #[test]
    fn a_span_is_written_as_it_is_read_and_minutes_are_none() {
        for text in ["2d", "6m", "1y5m7d2h", "0h"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        assert_eq!("2h1d".parse::<Span>().unwrap().to_string(), "1d2h");
        for wrong in ["", "d", "5", "30min", "2s", "2d2d", "-2d", "2 d", "99999d", "2é"] {
            wrong.parse::<Span>().unwrap_err();
        }
    }
}
