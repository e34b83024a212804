//! Times of a calendar in systemd's words, as cron says them, as far as it can.

use crate::failure::{Failure, Kind, Result};

const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const WHOLE_DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// The five fields of a line of a crontab.
///
/// Fails with [`Kind::Invalid`] if cron can't say it, or it is no time of a calendar.
pub fn cron(every: &str) -> Result<String> {
    let failed = || {
        Failure::new(Kind::Invalid, format!("cron can't say `{every}`"))
            .why("there is no systemd here, and cron knows minutes, days of a month and days of a week only")
            .help("write it like `02:00`, `Sat 02:00`, `Mon..Fri 22:30`, `*-*-01 04:00`, `hourly`, `daily`, `weekly` or `monthly`")
    };
    fields(every).ok_or_else(failed)
}

fn fields(every: &str) -> Option<String> {
    let every = every.trim().to_ascii_lowercase();
    let said = match every.as_str() {
        "minutely" => Some("* * * * *"),
        "hourly" => Some("0 * * * *"),
        "daily" => Some("0 0 * * *"),
        // systemd's week begins on Monday, cron's on Sunday.
        "weekly" => Some("0 0 * * 1"),
        "monthly" => Some("0 0 1 * *"),
        _ => None,
    };
    if let Some(said) = said {
        return Some(said.to_owned());
    }
    let mut words: Vec<&str> = every.split_whitespace().collect();
    let days = match words.first().and_then(|first| weekdays(first)) {
        Some(days) => {
            words.remove(0);
            days
        }
        None => "*".to_owned(),
    };
    let (date, time) = match words.as_slice() {
        [time] if time.contains(':') => ("*-*-*", *time),
        [date] if date.contains('-') => (*date, "00:00"),
        [] if days != "*" => ("*-*-*", "00:00"),
        [date, time] => (*date, *time),
        _ => return None,
    };
    let (month, day) = match date.split('-').collect::<Vec<_>>().as_slice() {
        ["*", month, day] | [month, day] => (numbers(month, 1, 12)?, numbers(day, 1, 31)?),
        _ => return None,
    };
    // With both, cron means one of them, and systemd each.
    if day != "*" && days != "*" {
        return None;
    }
    let (hour, minute) = match time.split(':').collect::<Vec<_>>().as_slice() {
        [hour, minute] | [hour, minute, "00" | "0"] => (numbers(hour, 0, 23)?, numbers(minute, 0, 59)?),
        _ => return None,
    };
    Some(format!("{minute} {hour} {day} {month} {days}"))
}

/// `sat`, `mon,thu`, `mon..fri`.
fn weekdays(text: &str) -> Option<String> {
    let day = |text: &str| {
        let is = |names: &[&str; 7]| names.iter().position(|name| *name == text);
        is(&DAYS).or_else(|| is(&WHOLE_DAYS))
    };
    let mut all = Vec::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        match part.split_once("..") {
            None => all.push(day(part)?),
            Some((first, last)) => {
                let (first, last) = (day(first)?, day(last)?);
                all.extend((first..=first + (last + 7 - first) % 7).map(|day| day % 7));
            }
        }
    }
    all.sort_unstable();
    all.dedup();
    let words: Vec<String> = all.iter().map(usize::to_string).collect();
    (!words.is_empty()).then(|| words.join(","))
}

/// `*`, `5`, `1,15`, `1..5`, `*/15`, `0/15`.
fn numbers(text: &str, least: u32, most: u32) -> Option<String> {
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|number| is_number && (least..=most).contains(number))
    };
    let part = |part: &str| {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                let step = step.parse::<u32>().ok().filter(|step| (1..=most).contains(step))?;
                (range, Some(step))
            }
            None => (part, None),
        };
        let said = match range.split_once("..") {
            Some((first, last)) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then(|| format!("{first}-{last}"))?
            }
            None if range == "*" => "*".to_owned(),
            // From there on, where it is repeated.
            None if step.is_some() => format!("{}-{most}", number(range)?),
            None => number(range)?.to_string(),
        };
        Some(step.map_or(said.clone(), |step| format!("{said}/{step}")))
    };
    let parts: Vec<String> = text.split(',').map(part).collect::<Option<_>>()?;
    Some(parts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cron_says_what_it_can_and_no_more() {
        for (every, said) in [
            ("Sat 02:00", "0 2 * * 6"),
            ("02:30", "30 2 * * *"),
            ("Mon..Fri 22:05:00", "5 22 * * 1,2,3,4,5"),
            ("Fri..Mon 22:05", "5 22 * * 0,1,5,6"),
            ("Sunday,Wed 1:00", "0 1 * * 0,3"),
            ("*-*-01 04:00", "0 4 1 * *"),
            ("*-01,07-15 04:00", "0 4 15 1,7 *"),
            ("*:0/15", "0-59/15 * * * *"),
            ("8..18:00", "0 8-18 * * *"),
            ("*-*-*", "0 0 * * *"),
            ("Sat", "0 0 * * 6"),
            ("weekly", "0 0 * * 1"),
        ] {
            assert_eq!(fields(every).as_deref(), Some(said), "{every}");
        }
        for every in [
            "",
            "x",
            "Sat *-*-1..7 02:00",
            "*:*:0/2",
            "02:00:30",
            "2026-12-24 02:00",
            "*-*~1 02:00",
            "25:00",
            "02:60",
            "02:00 Europe/Berlin",
            "*-13-01 02:00",
            "5..1:00",
            "*:0/0",
        ] {
            assert_eq!(fields(every), None, "{every}");
        }
    }
}
