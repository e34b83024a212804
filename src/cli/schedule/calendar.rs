//! Times of a calendar in systemd's words, as cron says them, as far as it can.

use crate::failure::{Failure, Kind, Result};
use crate::site::window::days::days;
use jiff::ZonedDateTime as Zoned;

/// So many days are looked through: a 29 February may be eight years away.
const HORIZON: usize = 3000;

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

/// `sat`, `mon,thu`, `mon..fri`, as cron numbers them.
fn weekdays(text: &str) -> Option<String> {
    let mut all: Vec<i8> = days(text, &[".."])?.into_iter().map(|day| day.to_sunday_zero_offset()).collect();
    all.sort_unstable();
    all.dedup();
    Some(all.iter().map(i8::to_string).collect::<Vec<_>>().join(","))
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

/// The times to come, at most so many; nothing if it can't be said here when they are.
pub fn upcoming(every: &str, now: &Zoned, count: usize) -> Option<Vec<Zoned>> {
    let fields = fields(every)?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let [minutes, hours, days, months, weekdays] = fields.as_slice() else { return None };
    let (minutes, hours) = (members(minutes, 0, 59), members(hours, 0, 23));
    let (days, months, weekdays) = (members(days, 1, 31), members(months, 1, 12), members(weekdays, 0, 6));
    let mut times = Vec::new();
    let mut date = now.date();
    for _ in 0..HORIZON {
        let is_day = days.contains(&date.day())
            && months.contains(&date.month())
            && weekdays.contains(&date.weekday().to_sunday_zero_offset());
        for hour in hours.iter().filter(|_| is_day) {
            for minute in &minutes {
                let at = date.at(*hour, *minute, 0, 0).to_zoned_datetime(now.time_zone().clone()).ok()?;
                if at > *now {
                    times.push(at);
                }
                if times.len() == count {
                    return Some(times);
                }
            }
        }
        date = date.tomorrow().ok()?;
    }
    Some(times)
}

/// What a field of a crontab says, as numbers.
fn members(field: &str, least: i8, most: i8) -> Vec<i8> {
    let part = |part: &str| {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (first.parse().unwrap_or(least), last.parse().unwrap_or(most)),
            None if range == "*" => (least, most),
            None => (range.parse().unwrap_or(least), range.parse().unwrap_or(most)),
        };
        (first..=last).step_by(step.parse().unwrap_or(1).max(1))
    };
    field.split(',').flat_map(part).collect()
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

    #[test]
    fn the_times_to_come_are_known_and_some_never_come() {
        let now: Zoned = "2026-11-28T01:30[Europe/Berlin]".parse().unwrap();
        let next = |every: &str, count: usize| {
            let times = upcoming(every, &now, count)?;
            Some(times.iter().map(|at| at.strftime("%F %H:%M").to_string()).collect::<Vec<_>>().join(", "))
        };
        assert_eq!(next("Sat 02:00", 2).as_deref(), Some("2026-11-28 02:00, 2026-12-05 02:00"));
        assert_eq!(
            next("Mon,Wed..Thu 1:00", 3).as_deref(),
            Some("2026-11-30 01:00, 2026-12-02 01:00, 2026-12-03 01:00")
        );
        assert_eq!(next("*:0/20", 2).as_deref(), Some("2026-11-28 01:40, 2026-11-28 02:00"));
        assert_eq!(next("*-02-29 04:00", 1).as_deref(), Some("2028-02-29 04:00"));
        assert_eq!(next("*-02-30 04:00", 1).as_deref(), Some(""));
        assert_eq!(next("*-04-31", 1).as_deref(), Some(""));
        assert_eq!(next("2026-12-24 02:00", 1), None);
    }
}
