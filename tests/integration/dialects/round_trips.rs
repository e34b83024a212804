//! Settings that were set, as the programs read them then.

use super::programs::{Outside, Program};
use crate::support::chance::{self, Chance};
use banister::failure::Kind;
use banister::internals::machine::env_file::{Dialect, EnvFile};
use std::fs;

const NAMES: [&str; 6] = ["A", "B", "KEY", "LOG_LEVEL", "x", "DB_PASSWORD"];

const VALUES: [&str; 24] = [
    "a", "b", "A", " ", "  ", "\t", "#", " # c", "\\", "\\n", "$", "$A", "${KEY}", "\"", "'", "=", ":", "ä",
    "\n", "%", "`", "~", "𝄞", "{}",
];

const PIECES: [&str; 19] = [
    "a", "b", " ", "\t", " # c", "#", "\\\\", "\\n", "\"", "'", "=", ":", "ä", "%", "\u{a0}", "{", "}", ",",
    "-",
];
const REFERENCES: [&str; 7] = ["$$", "$A", "${KEY}", "${x:-d}", "${B}", "$", "${NONE:-${A}}"];

fn random(chance: &mut Chance, pieces: &[&str], most: usize) -> String {
    (0..chance.below(most + 1)).map(|_| pieces[chance.below(pieces.len())]).collect()
}

fn random_file(chance: &mut Chance) -> String {
    let mut text = String::from(if chance.below(20) == 0 { "\u{feff}" } else { "" });
    let has_references = chance.below(2) == 0;
    let ending = ["\n", "\n", "\n", "\r\n"][chance.below(4)];
    for _ in 0..chance.below(9) {
        let name = NAMES[chance.below(6)];
        let before = ["", "", "", " ", "export ", "export\t"][chance.below(6)];
        let operator = ["=", "=", "=", "=", "=", "=", "= ", " = "][chance.below(8)];
        let quote = ["", "", "\"", "'"][chance.below(4)];
        let behind = ["", "", "", " ", " # why", "\t# tab"][chance.below(6)];
        let mut value = random(chance, &PIECES, 4);
        if has_references {
            value += &random(chance, &REFERENCES, 2);
        }
        match chance.below(9) {
            0 => text += &format!("# {}{ending}", random(chance, &["a", "\\", "A=1", "$", "'"], 4)),
            1 => text += ending,
            2 => text += &format!("{name}{ending}"),
            _ => text += &format!("{before}{name}{operator}{quote}{value}{quote}{behind}{ending}"),
        }
    }
    if chance.below(3) == 0 {
        text.truncate(text.trim_end_matches(['\n', '\r']).len());
    }
    text
}

struct Done {
    before: String,
    now: String,
    key: &'static str,
    value: String,
}

/// How many random files.
fn rounds() -> usize {
    if chance::is_long() { 3_000 } else { 60 }
}

/// Sets values in random files: what could be done.
fn done(dialect: Dialect, outside: &Outside, chance: &mut Chance) -> Vec<Done> {
    let folder = tempfile::tempdir().unwrap();
    let env = folder.path().join(".env");
    let (mut done, mut unread, mut refused) = (Vec::new(), 0, 0);
    for round in 0..rounds() {
        let before = random_file(chance);
        fs::write(&env, &before).unwrap();
        let Ok(mut file) = EnvFile::read(&env, dialect, outside.clone()) else {
            unread += 1;
            continue;
        };
        let key = NAMES[chance.below(6)];
        let value = random(chance, &VALUES, 5);
        match file.set(key, &value) {
            Err(failure) => {
                assert_eq!(failure.kind, Kind::Refused, "round {round}: {failure:?}");
                assert_eq!(fs::read_to_string(&env).unwrap(), before);
                if std::env::var_os("SHOW").is_some() {
                    println!("{dialect} {key} = {value:?} in {before:?}: {failure}");
                }
                refused += 1;
            }
            Ok(changed) => {
                let now = fs::read_to_string(&env).unwrap();
                assert_eq!(changed, now != before, "round {round}");
                let mut again = EnvFile::read(&env, dialect, outside.clone()).unwrap();
                assert!(!again.set(key, &value).unwrap(), "round {round}: {now:?}");
                done.push(Done { before, now, key, value });
            }
        }
    }
    println!("{dialect}: {} set, {unread} unread, {refused} refused", done.len());
    done
}

fn check(program: Program) {
    if program.path().is_none() {
        println!("{program:?} is not there");
        return;
    }
    let outside: Outside = [("HOME".to_owned(), "/home/me".to_owned())].into();
    let mut chance = Chance::of(chance::seed());
    let done = done(program.dialect(), &outside, &mut chance);
    assert!(done.len() > rounds() / 10);
    let texts = |of: fn(&Done) -> &String| done.iter().map(|it| of(it).clone()).collect::<Vec<_>>();
    let before = program.read(&texts(|it| &it.before), &NAMES, &outside);
    let now = program.read(&texts(|it| &it.now), &NAMES, &outside);
    let mut others = 0;
    for ((done, before), now) in done.iter().zip(before).zip(now) {
        let Done { before: old, now: new, key, value } = done;
        let context = format!("{program:?}: {key} = {value:?} made {old:?} to {new:?}");
        // It did before, too: `KEY` alone on a line is no setting for make.
        if before.is_none() && now.is_none() && program == Program::Make {
            continue;
        }
        let now = now.unwrap_or_else(|| panic!("refused, {context}"));
        assert_eq!(now.get(*key), Some(value), "{context}");
        let Some(before) = before else { continue };
        for name in NAMES.iter().filter(|name| *name != key && !old.contains('$')) {
            assert_eq!(now.get(*name), before.get(*name), "{name}, {context}");
            others += 1;
        }
    }
    println!("{program:?}: {others} others compared");
}

#[test]
fn make_reads_what_was_set() {
    check(Program::Make);
}

#[test]
fn dash_reads_what_was_set() {
    check(Program::Dash);
}

#[test]
fn bash_reads_what_was_set() {
    check(Program::Bash);
}

#[test]
fn compose_reads_what_was_set() {
    check(Program::Compose);
}

#[test]
fn python_dotenv_reads_what_was_set() {
    check(Program::Dotenv);
}

#[test]
fn the_newest_python_dotenv_reads_what_was_set() {
    check(Program::NewDotenv);
}

/// All that the readers say of random files is what the programs read.
#[test]
fn random_files_are_read_as_the_programs_read_them() {
    let outside: Outside =
        [("HOME".to_owned(), "/home/me".to_owned()), ("B".to_owned(), "out".to_owned())].into();
    let mut chance = Chance::of(chance::seed());
    let texts: Vec<String> = (0..rounds()).map(|_| random_file(&mut chance)).collect();
    let folder = tempfile::tempdir().unwrap();
    let env = folder.path().join(".env");
    for program in Program::ALL.into_iter().filter(|it| it.path().is_some() && *it != Program::OldCompose) {
        let (mut same, mut unknown) = (0, 0);
        for (text, read) in texts.iter().zip(program.read(&texts, &NAMES, &outside)) {
            fs::write(&env, text).unwrap();
            let Ok(file) = EnvFile::read(&env, program.dialect(), outside.clone()) else {
                unknown += read.is_some() as usize;
                continue;
            };
            let Some(read) = read else {
                // A name without `=` is no setting for make, and passed over.
                if program == Program::Make {
                    continue;
                }
                // What it can't tell it need not refuse.
                assert!(NAMES.iter().any(|name| file.get(name).is_err()), "{program:?} refuses {text:?}");
                continue;
            };
            for name in NAMES {
                match file.get(name) {
                    Err(_) => unknown += 1,
                    // What only the environment says is no setting of the file.
                    Ok(None)
                        if read
                            .get(name)
                            .is_some_and(|it| *it == outside.get(name).cloned().unwrap_or_default()) => {}
                    Ok(ours) => {
                        assert_eq!(ours.as_ref(), read.get(name), "{program:?}, {name} of {text:?}");
                        same += 1;
                    }
                }
            }
        }
        println!("{program:?}: {same} same, {unknown} unknown");
    }
}
