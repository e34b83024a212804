//! The ways to be refused or to fail, one in each row: how the world is, what is typed, and the last two lines. Every
//! command that these name is typed as well, and leads on: to another end than the same refusal again.

use crate::support;
mod rows;

use rows::{ROWS, Row};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{Said, World, releases, said};

/// The last two lines that a person reads: of a run what state things are in and what to type next, else what is wrong
/// and what helps.
fn last_lines(world: &World, said: &Said) -> String {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (out, err) = (lines(&said.out), lines(&said.err));
    let state = out.iter().position(|line| line.starts_with("state: "));
    let last: Vec<String> = match (state, err.iter().position(|line| line.starts_with("error: "))) {
        (Some(at), _) => out[at..].to_vec(),
        (None, Some(at)) => {
            let help = err.iter().skip(at).filter(|line| line.trim_start().starts_with("help "));
            std::iter::once(&err[at]).chain(help.take(1)).cloned().collect()
        }
        (None, None) => {
            let all: Vec<String> = out.iter().chain(&err).cloned().collect();
            all[all.len().saturating_sub(2)..].to_vec()
        }
    };
    let folder = world.path().display().to_string();
    last.iter().map(|line| line.replace(&folder, "SITE")).collect::<Vec<_>>().join("\n")
}

/// The commands of this program that a text names: in backticks, or as `next:  banister resume   (or: banister status)`.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, word) in text.match_indices("banister ") {
        let (before, rest) = (&text[..at], &text[at..]);
        let end = match () {
            () if before.ends_with('`') => rest.find('`'),
            () if ["next:  ", "(or: ", "help "].iter().any(|head| before.ends_with(head)) => {
                rest.find("   (").into_iter().chain(rest.find([')', ';', '\n'])).min().or(Some(rest.len()))
            }
            () => None,
        };
        found.extend(end.map(|end| rest[word.len()..end].to_owned()));
    }
    found
}

/// Types a command as a person would, who knows what to put in the place of words in capitals.
fn type_it(world: &World, row: &Row, line: &str) -> Said {
    let mut line = line.replace("SITE", &world.path().display().to_string());
    for (word, means) in row.means {
        line = line.replace(word, means);
    }
    let arguments: Vec<&str> = line.split(' ').map(|word| word.trim_matches('"')).collect();
    said(world.command(&arguments).output().unwrap())
}

/// The world of a row after what it is about was typed, and what that said.
fn begun(row: &Row) -> (World, Said) {
    let world = releases::world();
    (row.world)(&world);
    let said = said(world.command(row.typed).output().unwrap());
    (world, said)
}

/// What is wrong with a row; nothing, if it is as it says.
fn wrong(row: &Row) -> Vec<String> {
    let (mut world, mut said) = begun(row);
    let mut last = last_lines(&world, &said);
    let mut wrong = Vec::new();
    if said.code != Some(row.code) || !is_like(&last, row.last) {
        wrong.push(format!(
            "{}: {:?} ends with {:?}\n{last}\n  and not {}\n{}\n{}",
            row.way, row.typed, said.code, row.code, row.last, said.err
        ));
    }
    let count = commands(&last).len();
    if count == 0 && last.contains("next:") {
        wrong.push(format!("{}: no command is named\n{last}", row.way));
    }
    // One is typed, or the other.
    for n in 0..count {
        if n > 0 {
            (world, said) = begun(row);
            last = last_lines(&world, &said);
        }
        let line = commands(&last).remove(n);
        // What is told to be mended is mended first.
        (row.mend)(&world);
        let typed = type_it(&world, row, &line);
        let then = last_lines(&world, &typed);
        // The check refuses what it finds, and that is what it is asked for.
        let is_refused = typed.code == Some(2) && !line.starts_with("check");
        if (typed.code != Some(0) && then == last) || is_refused {
            let code = typed.code;
            wrong.push(format!("{}: `banister {line}` ends with {code:?}\n{then}\n{}", row.way, typed.err));
        }
    }
    wrong
}

/// Whether a text is another one in which `…` is any text within a line.
fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<&str>, Vec<&str>) = (text.lines().collect(), pattern.lines().collect());
    let line = |(text, pattern): (&&str, &&str)| {
        let parts: Vec<&str> = pattern.split('…').collect();
        let mut rest = *text;
        for (n, part) in parts.iter().enumerate() {
            match rest.find(part) {
                Some(at) if n > 0 || at == 0 => rest = &rest[at + part.len()..],
                _ => return false,
            }
        }
        rest.is_empty() || parts.last() == Some(&"")
    };
    text.len() == pattern.len() && text.iter().zip(&pattern).all(line)
}

#[test]
fn every_way_to_be_refused_or_to_fail_ends_with_a_command_that_leads_on() {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(row) = ROWS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let wrong = wrong(row);
                    found.lock().unwrap().extend(wrong);
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    assert!(found.is_empty(), "{} of {}\n{}", found.len(), ROWS.len(), found.join("\n\n"));
    assert!(ROWS.len() >= 60, "{}", ROWS.len());
}
