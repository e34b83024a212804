//! The numbers of a version.

use super::number::Number;
use super::words::{is_day, is_day_of_month, is_month, is_short_day, is_year};

/// What the first number is. Numbers of two sorts say nothing about each other: 20240101 is not a release after 34.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    /// One number, such as `stable-9457`.
    Single,
    /// A time as `YYYYMMDDhhmm[ss]`, with so many digits.
    Time(usize),
    /// Seconds since 1970.
    Seconds,
    /// `YYMMDD` or `YYYYMM`.
    ShortDay,
    /// `YYYYMMDD`.
    Day,
    /// Two numbers or more, also a date that is written as such: `2024-11`.
    Several,
}

/// Reads the numbers at the beginning of a text in lower case that begins with a digit, and says where they end.
///
/// They are joined by points; by `_`, if the prefix ends with it (`REL_15_3`) or there are three (`7_88_1`). A date
/// with `-` or `_` is two or three numbers, an instant such as `2024-05-28T17-19-04Z` is six.
pub fn numbers(text: &str, prefix: &str) -> (Vec<Number>, Sort, usize) {
    let mut found = Vec::new();
    let mut end = date(text, &mut found);
    if end == 0 {
        end = run(text, 0);
        found.push(Number::new(&text[..end]));
    }
    let first = &text[..run(text, 0)];
    let underscored = prefix.ends_with('_') || is_underscored(text);
    loop {
        let joins = text[end..].starts_with('.') || (underscored && text[end..].starts_with('_'));
        let next = if joins { run(text, end + 1) } else { 0 };
        if next == 0 || next == end + 1 {
            break;
        }
        found.push(Number::new(&text[end + 1..next]));
        end = next;
    }
    // `20240528T171904Z`
    if is_day(first) && text[end..].starts_with('t') && [5, 7].contains(&(run(text, end + 1) - end)) {
        let next = run(text, end + 1);
        found.push(Number::new(&text[end + 1..next]));
        end = next + usize::from(text[next..].starts_with('z'));
    }
    let sort = sort(first, found.len());
    (found, sort, end)
}

fn sort(first: &str, count: usize) -> Sort {
    match first.len() {
        12 | 14 if is_day(&first[..8]) => Sort::Time(first.len()),
        10 if first.starts_with('1') => Sort::Seconds,
        _ if is_short_day(first) => Sort::ShortDay,
        _ if is_day(first) => Sort::Day,
        _ if count == 1 => Sort::Single,
        _ => Sort::Several,
    }
}

/// Where the digits that begin at `at` end.
fn run(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.bytes().take_while(u8::is_ascii_digit).count()
}

/// Whether the text begins with at least three numbers that are joined by `_`.
fn is_underscored(text: &str) -> bool {
    let first = run(text, 0);
    let second = run(text, first + 1);
    let third = run(text, second + 1);
    let joined = |at: usize| text[at..].starts_with('_');
    joined(first) && second > first + 1 && joined(second) && third > second + 1
}

/// Reads `YYYY-MM`, `YYYY-MM-DD`, the same with `_`, and an instant; says where it ends, or 0.
fn date(text: &str, found: &mut Vec<Number>) -> usize {
    // Two digits behind one of these letters, and no third.
    let two = |at: usize, after: &[u8]| -> Option<&str> {
        let letter = text.as_bytes().get(at)?;
        (after.contains(letter) && run(text, at + 1) == at + 3).then(|| &text[at + 1..at + 3])
    };
    let year = &text[..run(text, 0)];
    let month = two(4, b"-_").filter(|month| is_month(month));
    let Some(month) = month.filter(|_| is_year(year)) else { return 0 };
    found.extend([year, month].map(Number::new));
    let Some(day) = two(7, &text.as_bytes()[4..5]).filter(|day| is_day_of_month(day)) else { return 7 };
    found.push(Number::new(day));
    let time = [two(10, b"t"), two(13, b"-:_."), two(16, b"-:_.")];
    if let [Some(hour), Some(minute), Some(second)] = time {
        found.extend([hour, minute, second].map(Number::new));
        return 19 + usize::from(text[19..].starts_with('z'));
    }
    10
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, prefix: &str) -> (String, Sort, String) {
        let (found, sort, end) = numbers(text, prefix);
        let found: Vec<String> = found.iter().map(Number::to_string).collect();
        (found.join(" "), sort, text[end..].to_owned())
    }

    #[test]
    fn numbers_dates_and_instants_are_read() {
        for (text, prefix, numbers, sort, rest) in [
            ("1.2.3-rc1", "", "1 2 3", Sort::Several, "-rc1"),
            ("1.2.beta2", "", "1 2", Sort::Several, ".beta2"),
            ("1.", "", "1", Sort::Single, "."),
            ("2024.06.01", "", "2024 6 1", Sort::Several, ""),
            ("2024-11b", "", "2024 11", Sort::Several, "b"),
            ("2024-04-22b", "release-", "2024 4 22", Sort::Several, "b"),
            ("2024-04-22.2", "", "2024 4 22 2", Sort::Several, ""),
            ("2024-1", "", "2024", Sort::Single, "-1"),
            ("2024-13", "", "2024", Sort::Single, "-13"),
            ("2024-05-28t17-19-04z.fips", "release.", "2024 5 28 17 19 4", Sort::Several, ".fips"),
            ("20240528t171904z", "", "20240528 171904", Sort::Day, ""),
            ("15_3", "rel_", "15 3", Sort::Several, ""),
            ("17_beta1", "rel_", "17", Sort::Single, "_beta1"),
            ("15_3", "", "15", Sort::Single, "_3"),
            ("7_88_1", "curl-", "7 88 1", Sort::Several, ""),
            ("20250609.2", "develop-", "20250609 2", Sort::Day, ""),
            ("240915-e1280b2fb", "", "240915", Sort::ShortDay, "-e1280b2fb"),
            ("1712345678", "main-", "1712345678", Sort::Seconds, ""),
            ("202007080605", "", "202007080605", Sort::Time(12), ""),
            ("9457-1", "stable-", "9457", Sort::Single, "-1"),
            ("20240101é", "", "20240101", Sort::Day, "é"),
            ("2024-01é", "", "2024 1", Sort::Several, "é"),
        ] {
            let found = read(text, prefix);
            assert_eq!(found, (numbers.to_owned(), sort, rest.to_owned()), "{text}");
        }
    }
}
