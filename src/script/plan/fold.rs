//! The ways of a plan as one outline: what they begin with in common once, then the fork, then its arms, then what all
//! arms end with, once again.

use super::{Arm, Item, What};
use crate::failure::{Failure, Kind, Result};

/// One entry of a way.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    Item(Item),
    /// A question that only a run can answer, and the answer that this way assumes.
    Assumed {
        question: String,
        answers: Vec<String>,
        taken: usize,
        depth: usize,
    },
}

/// Folds ways that part only where they assume different answers.
pub fn fold(ways: &[Vec<Entry>]) -> Result<Vec<Item>> {
    let ways: Vec<&[Entry]> = ways.iter().map(Vec::as_slice).collect();
    outline(&ways)
}

fn outline(ways: &[&[Entry]]) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    let Some(first) = ways.first() else { return Ok(items) };
    for (n, entry) in first.iter().enumerate() {
        let same_place = ways.iter().all(|way| match (way.get(n), entry) {
            (Some(Entry::Assumed { question: a, .. }), Entry::Assumed { question: b, .. }) => a == b,
            (other, entry) => other == Some(entry),
        });
        if !same_place {
            return Err(unsteady());
        }
        match entry {
            Entry::Item(item) => items.push(item.clone()),
            Entry::Assumed { question, answers, depth, .. } => {
                items.extend(fork(question, answers, *depth, ways, n)?);
                return Ok(items);
            }
        }
    }
    match ways.iter().all(|way| way.len() == first.len()) {
        true => Ok(items),
        false => Err(unsteady()),
    }
}

/// The fork at entry `n`, and what comes after it on all ways.
fn fork(question: &str, answers: &[String], depth: usize, ways: &[&[Entry]], n: usize) -> Result<Vec<Item>> {
    let mut arms = Vec::new();
    for (index, answer) in answers.iter().enumerate() {
        let takes = |way: &&&[Entry]| matches!(way[n], Entry::Assumed { taken, .. } if taken == index);
        let taking: Vec<&[Entry]> = ways.iter().filter(takes).map(|way| &way[n + 1..]).collect();
        if !taking.is_empty() {
            arms.push(Arm { answer: answer.clone(), items: outline(&taking)? });
        }
    }
    let mut rest = Vec::new();
    while arms.len() > 1
        && let Some(last) = arms[0].items.last().cloned()
        && arms.iter().all(|arm| arm.items.last() == Some(&last))
    {
        arms.iter_mut().for_each(|arm| drop(arm.items.pop()));
        rest.push(last);
    }
    rest.reverse();
    // What is in a step of an arm stays there: behind the fork it would stand in another step, or in none.
    if arms.iter().any(|arm| !arm.items.is_empty()) {
        let outermost = arms.iter().flat_map(|arm| &arm.items).map(Item::outermost).fold(depth, usize::min);
        let inside = rest.iter().take_while(|item| item.depth > outermost).count();
        let inside: Vec<Item> = rest.drain(..inside).collect();
        arms.iter_mut().for_each(|arm| arm.items.extend(inside.iter().cloned()));
    }
    // A question that changes nothing is none.
    if arms.len() == 1 || arms.iter().any(|arm| !arm.items.is_empty()) {
        let what = What::Fork { question: question.into(), arms };
        rest.insert(0, Item { depth, at: String::new(), what });
    }
    Ok(rest)
}

fn unsteady() -> Failure {
    Failure::new(Kind::Invalid, "the script takes a different branch each time, with the same input")
        .help("check it with `banister check`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(text: &str) -> Entry {
        Entry::Item(Item { depth: 0, at: String::new(), what: What::Note { text: text.into() } })
    }

    fn assumed(question: &str, taken: usize) -> Entry {
        let answers = vec!["yes".into(), "no".into()];
        Entry::Assumed { question: question.into(), answers, taken, depth: 0 }
    }

    /// `a [q? b | c] d`
    fn shown(items: &[Item]) -> String {
        let each = |item: &Item| match &item.what {
            What::Note { text } => text.clone(),
            What::Fork { question, arms } => {
                let arms: Vec<String> = arms.iter().map(|arm| shown(&arm.items)).collect();
                format!("[{question}? {}]", arms.join(" | "))
            }
            _ => unreachable!("only notes and forks are made here"),
        };
        items.iter().map(each).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_ways_have_in_common_stands_once() {
        let ways = [
            vec![note("a"), assumed("q", 0), note("b"), note("d")],
            vec![note("a"), assumed("q", 1), note("c"), note("d")],
        ];
        assert_eq!(shown(&fold(&ways).unwrap()), "a [q? b | c] d");
    }

    #[test]
    fn a_question_that_changes_nothing_is_left_out() {
        let ways = [vec![assumed("q", 0), note("a")], vec![assumed("q", 1), note("a")]];
        assert_eq!(shown(&fold(&ways).unwrap()), "a");
    }

    #[test]
    fn forks_stand_in_forks() {
        let ways = [
            vec![assumed("q", 0), assumed("r", 0), note("b"), note("z")],
            vec![assumed("q", 0), assumed("r", 1), note("z")],
            vec![assumed("q", 1), note("z")],
        ];
        assert_eq!(shown(&fold(&ways).unwrap()), "[q? [r? b | ] | ] z");
    }

    #[test]
    fn what_is_in_a_step_is_not_parted_from_it() {
        let deep = |depth: usize, text: &str| {
            Entry::Item(Item { depth, at: String::new(), what: What::Note { text: text.into() } })
        };
        let ways = [
            vec![assumed("q", 0), deep(0, "a"), deep(1, "x"), deep(0, "z")],
            vec![assumed("q", 1), deep(0, "b"), deep(1, "x"), deep(0, "z")],
        ];
        assert_eq!(shown(&fold(&ways).unwrap()), "[q? a x | b x] z");
    }

    #[test]
    fn a_script_that_is_not_steady_is_refused() {
        let ways = [vec![note("a"), assumed("q", 0)], vec![note("b"), assumed("q", 1)]];
        assert_eq!(fold(&ways).unwrap_err().kind, Kind::Invalid);
    }
}
