//! Releases that are too young to be taken automatically: what is wrong with one is often found in its first days.

use super::choice::IsAncestor;
use super::{Choice, LeftOut, Release, Rules, Told, choose};
use crate::units::Duration;
use jiff::Timestamp;

/// Of so many the age is asked; none is chosen if all are too young.
const CANDIDATES: usize = 10;

/// When a release was made, or why that is not known.
pub type Born<'a> = &'a mut dyn FnMut(&Release) -> Result<Timestamp, String>;

/// As [`choose`], but of those that are as old as the rules want. `born` is only asked for what would be chosen.
pub fn choose_old(
    installed: Option<&Release>,
    offered: &[Release],
    rules: Rules,
    is_ancestor: IsAncestor<'_>,
    now: Timestamp,
    born: Born<'_>,
) -> Choice {
    let mut rules = rules;
    for _ in 0..CANDIDATES {
        let choice = choose(installed, offered, &rules, is_ancestor);
        let (Some(least), Some(newest)) = (rules.min_age, &choice.newest) else { return choice };
        let tag = newest.tag().to_owned();
        let Some(told) = young(&tag, least, now, born(newest)) else { return choice };
        rules.left_out.push(LeftOut { release: newest.clone(), told });
    }
    Choice { newest: None, ..choose(installed, offered, &rules, is_ancestor) }
}

/// What is told of a release that is too young, or whose age is not known; nothing if it is old enough.
pub fn young(tag: &str, least: Duration, now: Timestamp, born: Result<Timestamp, String>) -> Option<Told> {
    let (tag, least_text) = (tag.to_owned(), least.to_string());
    match born.and_then(|born| Ok((born, due(born, least)?))) {
        Ok((_, due)) if due <= now => None,
        Ok((born, due)) => {
            Some(Told::Young { tag, age: age(born, now), due: minute(due), least: least_text })
        }
        Err(why) => Some(Told::Ageless { tag, why, least: least_text }),
    }
}

/// When it is old enough.
fn due(born: Timestamp, least: Duration) -> Result<Timestamp, String> {
    let least = jiff::SignedDuration::try_from(least.0).map_err(|_| "`min_age` is too long".to_owned())?;
    born.checked_add(least).map_err(|_| "`min_age` is too long".to_owned())
}

/// How old it is, roughly.
fn age(born: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(born).as_secs();
    match seconds {
        ..0 => "from the future".into(),
        0..3_600 => format!("{} minutes old", seconds / 60),
        3_600..172_800 => format!("{} hours old", seconds / 3_600),
        _ => format!("{} days old", seconds / 86_400),
    }
}

/// An instant for people: `2026-12-06 10:00 UTC`.
fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::super::releases;
    use super::*;

    fn chosen(least: &str, ages: &[(&str, Option<i64>)]) -> Choice {
        let now: Timestamp = "2026-12-20T12:00:00Z".parse().unwrap();
        let offered = releases(ages.iter().map(|(tag, _)| *tag));
        let rules = Rules { min_age: Some(least.parse().unwrap()), ..Rules::default() };
        let installed: Release = "v1.0".parse().unwrap();
        let mut born = |release: &Release| {
            let (_, days) = ages.iter().find(|(tag, _)| *tag == release.tag()).unwrap();
            let days = days.ok_or_else(|| "nothing says it".to_owned())?;
            Ok(now - jiff::SignedDuration::from_hours(24 * days))
        };
        choose_old(Some(&installed), &offered, rules, &|_, _| None, now, &mut born)
    }

    #[test]
    fn the_newest_that_is_old_enough_is_chosen_and_younger_ones_are_told() {
        let choice =
            chosen("7d", &[("v1.0", Some(90)), ("v1.1", Some(30)), ("v1.2", Some(7)), ("v1.3", Some(2))]);
        assert_eq!(choice.newest.unwrap().tag(), "v1.2");
        let told: Vec<String> = choice.told.iter().map(Told::to_string).collect();
        assert_eq!(
            told,
            [
                "`v1.3` is 2 days old, and is taken automatically from 2026-12-25 12:00 UTC on (`min_age` is 7d); take it now \
              with `--to v1.3`"
            ]
        );
        assert_eq!(chosen("30d", &[("v1.2", Some(29)), ("v1.3", Some(-1))]).newest, None);
    }

    #[test]
    fn what_has_no_known_age_is_not_chosen_and_many_young_ones_end() {
        let choice = chosen("1h", &[("v1.1", Some(3)), ("v1.2", None)]);
        assert_eq!(choice.newest.unwrap().tag(), "v1.1");
        assert!(
            choice.told[0].to_string().contains("how old `v1.2` is, is unknown: nothing says it"),
            "{:?}",
            choice.told
        );
        let tags: Vec<String> = (1..40).map(|n| format!("v1.{n}")).collect();
        let young: Vec<(&str, Option<i64>)> = tags.iter().map(|tag| (tag.as_str(), Some(0))).collect();
        assert_eq!(chosen("1d", &young).newest, None);
    }
}
