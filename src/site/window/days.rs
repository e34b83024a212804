//! Days of a week as people write them.

use jiff::civil::Weekday;

const DAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// Every day of the week, from Monday.
pub fn every_day() -> Vec<Weekday> {
    DAYS.iter().map(|(_, day)| *day).collect()
}

/// `Sat`, `Saturday`, `Sat,Sun`, `Mon..Fri`, and `Mon-Fri` if `-` is one of `until`, what stands between the first day and the
/// last. Upper case or lower. Nothing if it is no such text.
pub fn days(text: &str, until: &[&str]) -> Option<Vec<Weekday>> {
    let text = text.to_ascii_lowercase();
    let day = |text: &str| DAYS.iter().position(|(name, _)| text == *name || Some(text) == name.get(..3));
    let mut all = Vec::new();
    for part in text.split(',') {
        match until.iter().find_map(|until| part.split_once(until)) {
            None => all.push(DAYS[day(part)?].1),
            Some((first, last)) => {
                let (first, last) = (day(first)?, day(last)?);
                // From Friday to Monday leads over the end of the week.
                let count = (last + 7 - first) % 7 + 1;
                all.extend((first..first + count).map(|day| DAYS[day % 7].1));
            }
        }
    }
    Some(all)
}
