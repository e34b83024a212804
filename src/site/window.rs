//! When updates may begin: the windows of a week, and dates on which none does.

pub mod days;

use crate::failure::{Failure, Kind, Result};
use jiff::ZonedDateTime as Zoned;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use serde::Deserialize;

/// How many days are looked through for the next window.
const HORIZON: i32 = 800;

/// One text, or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "text in quotes, or a list of them, is expected here")]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn texts(this: &Option<OneOrMany>) -> &[String] {
        match this {
            None => &[],
            Some(OneOrMany::One(text)) => std::slice::from_ref(text),
            Some(OneOrMany::Many(texts)) => texts,
        }
    }
}

/// When updates may begin.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Windows {
    /// At any time, if there are none.
    windows: Vec<Window>,
    /// First and last day of each time in which nothing begins.
    closed: Vec<(Date, Date)>,
}

#[derive(Clone, Debug, PartialEq)]
struct Window {
    days: Vec<Weekday>,
    from: Time,
    /// The end; `00:00` is that of the day. One that is not after `from` is on the next day.
    to: Time,
}

/// What an instant is to the windows.
#[derive(Clone, Debug, PartialEq)]
pub enum Moment {
    /// Updates may begin, and the window closes then; never, if there are no windows.
    Open(Option<Zoned>),
    /// The next window opens then; unknown if none does in the next two years.
    Closed(Option<Zoned>),
}

/// A window on one day, in instants of the time zone. Where the clocks are set forward in it, what there is of it is left; where
/// they are set back, all of the hour that there is twice is in it.
type Span = (Zoned, Zoned);

impl Windows {
    /// Reads the keys `window` and `closed`. Fails with [`Kind::Invalid`].
    pub(super) fn read(window: &Option<OneOrMany>, closed: &Option<OneOrMany>) -> Result<Windows> {
        let windows = OneOrMany::texts(window).iter().map(|text| {
            Window::parse(text).ok_or_else(|| {
                wrong("window", text, "a window is written `\"Sat 02:00-05:00\"`, `\"Mon-Thu 22:00-04:00\"` or `\"02:00-05:00\"`")
            })
        });
        let closed = OneOrMany::texts(closed).iter().map(|text| {
            dates(text).ok_or_else(|| {
                wrong("closed", text, "dates are written `\"2026-12-24\"` or `\"2026-12-24..2027-01-02\"`")
            })
        });
        Ok(Windows { windows: windows.collect::<Result<_>>()?, closed: closed.collect::<Result<_>>()? })
    }

    /// Whether there is nothing that an update must wait for.
    pub fn is_none(&self) -> bool {
        self.windows.is_empty() && self.closed.is_empty()
    }

    /// Whether an update may begin at this instant.
    pub fn at(&self, now: &Zoned) -> Moment {
        let zone = now.time_zone();
        let is_closed = |date: Date| self.closed.iter().any(|(first, last)| *first <= date && date <= *last);
        let spans = |date: Date| self.spans(date, zone);
        if !is_closed(now.date()) {
            if self.windows.is_empty() {
                return Moment::Open(None);
            }
            if let Some(end) = self.end(now, zone) {
                return Moment::Open(Some(end));
            }
        }
        // A window that is open while a date begins on which updates may begin again opens with it.
        let mut date = now.date().yesterday().unwrap_or(now.date());
        for _ in 0..HORIZON {
            let opens = spans(date).into_iter().flat_map(|(from, to)| {
                let midnight =
                    from.date().tomorrow().and_then(|day| day.to_zoned_datetime(zone.clone())).ok();
                [Some(from), midnight].into_iter().flatten().filter(move |at| *at < to)
            });
            let opens = opens.filter(|at| at > now && !is_closed(at.date()));
            if let Some(next) = opens.min() {
                return Moment::Closed(Some(next));
            }
            let Ok(next) = date.tomorrow() else { break };
            date = next;
        }
        Moment::Closed(None)
    }

    /// The windows that begin on a day. Without any, that is the whole day.
    fn spans(&self, date: Date, zone: &TimeZone) -> Vec<Span> {
        let span = |from: Time, to: Time| {
            let last = if to > from { date } else { date.tomorrow().ok()? };
            let (from, _) = instants(date, from, zone)?;
            let (_, to) = instants(last, to, zone)?;
            Some((from, to)).filter(|(from, to)| from < to)
        };
        if self.windows.is_empty() {
            return span(Time::midnight(), Time::midnight()).into_iter().collect();
        }
        let today = self.windows.iter().filter(|window| window.days.contains(&date.weekday()));
        today.filter_map(|window| span(window.from, window.to)).collect()
    }

    /// When the window closes that is open; nothing if none is. One that another one follows at once closes with that.
    fn end(&self, now: &Zoned, zone: &TimeZone) -> Option<Zoned> {
        let mut end: Option<Zoned> = None;
        // A week of windows that follow each other has no end that anybody waits for.
        for _ in 0..16 {
            let at = end.as_ref().unwrap_or(now);
            let days = [at.date().yesterday().ok(), Some(at.date())];
            let spans = days.into_iter().flatten().flat_map(|date| self.spans(date, zone));
            let holds = spans.filter(|(from, to)| from <= at && at < to).map(|(_, to)| to).max();
            match holds {
                Some(later) => end = Some(later),
                None => break,
            }
        }
        end
    }
}

/// The first and the last instant at which clocks show this time: there are two where they are set back. Where they are set
/// forward over it, that is when they are.
fn instants(date: Date, time: Time, zone: &TimeZone) -> Option<(Zoned, Zoned)> {
    let ambiguous = zone.to_ambiguous_zoned_datetime(date.to_datetime(time));
    let is_skipped = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
    let (first, last) = (ambiguous.clone().earlier().ok()?, ambiguous.later().ok()?);
    if !is_skipped {
        return Some((first, last));
    }
    let change = zone.following(first.timestamp()).next()?.timestamp().to_zoned_datetime(zone.clone());
    Some((change.clone(), change))
}

fn wrong(key: &str, text: &str, help: &str) -> Failure {
    Failure::new(Kind::Invalid, format!("`{text}` is no value of `{key}`"))
        .help(format!("{help}; read about it with `banister doc {key}`"))
}

impl Window {
    fn parse(text: &str) -> Option<Window> {
        let mut words = text.split_whitespace();
        let (first, second) = (words.next()?, words.next());
        let (days, times) = match second {
            None => (days::every_day(), first),
            Some(times) => (days::days(first, &["..", "-"])?, times),
        };
        let (from, to) = times.split_once('-')?;
        let window = Window { days, from: time(from, false)?, to: time(to, true)? };
        words.next().is_none().then_some(window)
    }
}

fn time(text: &str, is_end: bool) -> Option<Time> {
    if is_end && text == "24:00" {
        return Some(Time::midnight());
    }
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| {
        let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i8>().ok().filter(|_| is_number)
    };
    (minute.len() == 2).then(|| Time::new(number(hour)?, number(minute)?, 0, 0).ok()).flatten()
}

/// `2026-12-24`, or first and last day.
fn dates(text: &str) -> Option<(Date, Date)> {
    let date = |text: &str| text.trim().parse::<Date>().ok().filter(|_| text.trim().len() == 10);
    let (first, last) = match text.split_once("..") {
        Some((first, last)) => (date(first)?, date(last)?),
        None => (date(text)?, date(text)?),
    };
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(window: &[&str], closed: &[&str]) -> Windows {
        let many =
            |texts: &[&str]| Some(OneOrMany::Many(texts.iter().map(|text| text.to_string()).collect()));
        Windows::read(&many(window), &many(closed)).unwrap()
    }

    /// What an instant in Berlin is, in short.
    fn at(windows: &Windows, now: &str) -> String {
        let shown = |at: &Option<Zoned>| {
            at.as_ref().map_or("never".into(), |at| at.strftime("%F %H:%M %z").to_string())
        };
        match windows.at(&format!("{now}[Europe/Berlin]").parse().unwrap()) {
            Moment::Open(end) => format!("open until {}", shown(&end)),
            Moment::Closed(next) => format!("closed until {}", shown(&next)),
        }
    }

    #[test]
    fn a_window_is_open_from_its_first_minute_to_its_last() {
        let sat = windows(&["Sat 02:00-05:00"], &[]);
        assert_eq!(at(&sat, "2026-11-28T01:59:59"), "closed until 2026-11-28 02:00 +0100");
        assert_eq!(at(&sat, "2026-11-28T02:00"), "open until 2026-11-28 05:00 +0100");
        assert_eq!(at(&sat, "2026-11-28T05:00"), "closed until 2026-12-05 02:00 +0100");
        let none = Windows::default();
        assert_eq!(at(&none, "2026-11-28T05:00"), "open until never");
    }

    #[test]
    fn a_window_may_lead_over_midnight_and_into_the_next_one() {
        let nights = windows(&["Mon-Thu 22:00-04:00", "fri,saturday 23:00-24:00", "Sat 00:00-1:30"], &[]);
        assert_eq!(at(&nights, "2026-11-27T03:59"), "open until 2026-11-27 04:00 +0100");
        assert_eq!(at(&nights, "2026-11-27T04:00"), "closed until 2026-11-27 23:00 +0100");
        assert_eq!(at(&nights, "2026-11-27T23:30"), "open until 2026-11-28 01:30 +0100");
        assert_eq!(at(&nights, "2026-11-29T00:00"), "closed until 2026-11-30 22:00 +0100");
        let always = windows(&["00:00-24:00"], &[]);
        assert!(at(&always, "2026-11-29T00:00").starts_with("open until 2026-12-1"));
    }

    #[test]
    fn nothing_begins_on_closed_dates_and_what_began_before_may_use_its_window() {
        let nights = windows(&["22:00-04:00"], &["2026-12-24..2026-12-26", "2027-01-01"]);
        assert_eq!(at(&nights, "2026-12-23T23:00"), "open until 2026-12-24 04:00 +0100");
        assert_eq!(at(&nights, "2026-12-24T01:00"), "closed until 2026-12-27 00:00 +0100");
        assert_eq!(at(&nights, "2026-12-26T23:00"), "closed until 2026-12-27 00:00 +0100");
        let only = windows(&[], &["2026-12-24..2026-12-26"]);
        assert_eq!(at(&only, "2026-12-24T12:00"), "closed until 2026-12-27 00:00 +0100");
        assert_eq!(at(&only, "2026-12-27T00:00"), "open until never");
        let never = windows(&["Sat 02:00-05:00"], &["2026-01-01..2099-01-01"]);
        assert_eq!(at(&never, "2026-12-24T12:00"), "closed until never");
    }

    /// In Berlin there was no 02:30 on 2026-03-29, and two of them on 2026-10-25.
    #[test]
    fn a_window_is_shorter_or_longer_where_the_clocks_are_changed() {
        let sun = windows(&["Sun 02:00-04:00"], &[]);
        assert_eq!(at(&sun, "2026-03-29T01:59"), "closed until 2026-03-29 03:00 +0200");
        assert_eq!(at(&sun, "2026-03-29T03:30"), "open until 2026-03-29 04:00 +0200");
        assert_eq!(at(&sun, "2026-10-25T02:30+02:00"), "open until 2026-10-25 04:00 +0100");
        assert_eq!(at(&sun, "2026-10-25T02:30+01:00"), "open until 2026-10-25 04:00 +0100");
        // One that lies in the hour that there is not is none.
        let gone = windows(&["Sun 02:00-03:00"], &[]);
        assert_eq!(at(&gone, "2026-03-29T00:00"), "closed until 2026-04-05 02:00 +0200");
    }

    #[test]
    fn of_a_window_that_ends_or_begins_in_a_skipped_hour_the_rest_is_left() {
        let ends = windows(&["01:50-02:50"], &[]);
        assert_eq!(at(&ends, "2026-03-29T00:00"), "closed until 2026-03-29 01:50 +0100");
        assert_eq!(at(&ends, "2026-03-29T01:55"), "open until 2026-03-29 03:00 +0200");
        assert_eq!(at(&ends, "2026-03-29T03:00"), "closed until 2026-03-30 01:50 +0200");
        let begins = windows(&["02:30-03:30"], &[]);
        assert_eq!(at(&begins, "2026-03-29T01:59"), "closed until 2026-03-29 03:00 +0200");
        assert_eq!(at(&begins, "2026-03-29T03:10"), "open until 2026-03-29 03:30 +0200");
        // The window of the day before leads into it.
        let night = windows(&["22:00-02:30"], &[]);
        assert_eq!(at(&night, "2026-03-29T01:59"), "open until 2026-03-29 03:00 +0200");
    }

    #[test]
    fn both_hours_are_in_a_window_where_one_is_repeated() {
        let ends = windows(&["01:50-02:50"], &[]);
        for now in ["01:50+02:00", "02:40+02:00", "02:10+01:00", "02:49+01:00"] {
            assert_eq!(at(&ends, &format!("2026-10-25T{now}")), "open until 2026-10-25 02:50 +0100", "{now}");
        }
        assert_eq!(at(&ends, "2026-10-25T02:50+01:00"), "closed until 2026-10-26 01:50 +0100");
        let within = windows(&["02:15-02:45"], &[]);
        assert_eq!(at(&within, "2026-10-25T01:00+02:00"), "closed until 2026-10-25 02:15 +0200");
        assert_eq!(at(&within, "2026-10-25T02:30+02:00"), "open until 2026-10-25 02:45 +0100");
        assert_eq!(at(&within, "2026-10-25T02:30+01:00"), "open until 2026-10-25 02:45 +0100");
        // There the clocks are changed at midnight, and by half an hour.
        let odd = |now: &str, zone: &str| {
            windows(&["23:00-00:30"], &[]).at(&format!("{now}[{zone}]").parse().unwrap())
        };
        assert!(matches!(odd("2026-04-24T01:10", "Africa/Cairo"), Moment::Closed(Some(_))));
        assert!(matches!(odd("2026-04-23T23:30", "Africa/Cairo"), Moment::Open(Some(_))));
        assert!(matches!(odd("2026-10-04T00:10", "Australia/Lord_Howe"), Moment::Open(Some(_))));
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for text in [
            "",
            "Sat",
            "Sat 02:00",
            "Sat 2-5",
            "Sat 02:00-25:00",
            "Xyz 02:00-05:00",
            "Sat 02:00-05:00 x",
            "Sä 02:00-03:00",
            "Sat 02:0-03:00",
            "24:00-03:00",
        ] {
            assert!(Window::parse(text).is_none(), "{text}");
        }
        for text in ["", "2026-13-01", "2026-12-24..2026-12-01", "24.12.2026", "..", "2026-12-24.."] {
            assert!(dates(text).is_none(), "{text}");
        }
    }
}
