//! Files that nobody wrote for a person.

use crate::support::chance;
use banister::internals::machine::env_file::{Dialect, EnvFile};
use std::collections::BTreeMap;
use std::fs;

/// Bytes.
fn big() -> usize {
    if chance::is_long() { 10_000_000 } else { 50_000 }
}

fn files() -> Vec<(&'static str, String)> {
    let many = |piece: &str| piece.repeat(big() / piece.len());
    let nested = |n: usize, end: &str| format!("K={}x{}{end}", "${A:-".repeat(n), "}".repeat(n));
    let numbered = |n: usize, line: &dyn Fn(usize) -> String| (0..n).map(line).collect::<String>();
    vec![
        ("one line", format!("K={}", many("a"))),
        ("one line in quotes", format!("K=\"{}\"", many("a"))),
        ("one name", many("a")),
        ("one comment", format!("#{}\nK=1\n", many("#"))),
        ("blanks", many(" ")),
        ("line ends", many("\n")),
        ("carriage returns", many("\r")),
        ("a value of blanks", format!("K=a{}b # c\n", many(" "))),
        ("blanks and comments", format!("K=a{}\n", many(" x"))),
        ("many exports", many("export ")),
        ("many exports and a value", format!("{}K=v w\n", many("export "))),
        ("many exports, blanks and a value", format!("{}{}=v\n", many("export "), many(" "))),
        ("many settings", numbered(big() / 20, &|n| format!("KEY_{n}=value\n"))),
        (
            "many references",
            numbered(big() / 20, &|n| format!("KEY_{n}=${{KEY_{}}}a\n", n.saturating_sub(1))),
        ),
        (
            "many at once",
            format!("A={}\n{}", "a".repeat(900_000), numbered(big() / 33, &|n| format!("K{n}:=$(A)\n"))),
        ),
        (
            "many of one",
            format!("A={}\n{}", "a".repeat(900_000), numbered(big() / 33, &|n| format!("K{n}=${{A}}\n"))),
        ),
        (
            "doubling",
            format!("A0=aaaaaaaa\n{}", numbered(60, &|n| format!("A{}=${{A{n}}}${{A{n}}}\n", n + 1))),
        ),
        (
            "doubling nothing",
            format!("A0=\n{}", numbered(90, &|n| format!("A{}=$(A{n})$(A{n})${{A{n}}}\n", n + 1))),
        ),
        (
            "doubling backwards",
            format!("{}A90=\n", numbered(90, &|n| format!("A{n}=$(A{})$(A{})\n", n + 1, n + 1))),
        ),
        ("appending", format!("A={}\n{}", "a".repeat(100_000), "A+=b\n".repeat(100_000))),
        ("a circle", "A=$(B)${B}\nB=$(A)${A}\n".into()),
        ("nested deep", nested(10_000, "\n")),
        ("nested deeper", nested(big() / 10, "\n")),
        ("nested in quotes", format!("K=\"{}x{}\"\n", "${A:-".repeat(100_000), "}".repeat(100_000))),
        ("nested brackets", format!("K={}x{}\n", "$(".repeat(big() / 10), ")".repeat(big() / 10))),
        ("open braces", format!("K={}", many("${"))),
        ("open braces and a colon", format!("K={}:}}", many("${"))),
        ("open braces with names", format!("K={}", many("${A:-"))),
        ("open braces and one closed", format!("K={}}}", many("${A:-"))),
        ("lines of open braces", numbered(big() / 20, &|_| "K=${A:-\n".into())),
        ("dollars", format!("K={}", many("$"))),
        ("references", format!("K={}", many("$A"))),
        ("braced references", format!("K={}", many("${A:-}"))),
        ("open quotes", numbered(big() / 10, &|_| "K=\"\n".into())),
        ("open single quotes", numbered(big() / 10, &|_| "K='\n".into())),
        ("escaped quotes", format!("K='{}", many("\\'"))),
        ("lines of escaped quotes", many("K=\"\\\"\n")),
        ("backslashes", format!("K=\"{}\"", many("\\"))),
        ("continued lines", many("K=a\\\n")),
        ("continued blanks", many("\\\n")),
        ("hashes after backslashes", format!("K={}", many("\\#"))),
        ("one word after another", many("A=1 ")),
        ("semicolons", many("A=1;")),
        ("tildes", format!("K={}", many(":~"))),
        ("single quotes in a line", many("'")),
        ("names only", many("K\n")),
        ("quoted after quoted", many("K='a'")),
    ]
}

/// That one of them took without end, or all memory, the test would show by not ending.
#[test]
fn each_file_is_read_or_refused_and_none_ends_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let env = folder.path().join(".env");
    let outside: BTreeMap<String, String> = [("HOME".to_owned(), "/home/me".to_owned())].into();
    for (_, text) in files() {
        fs::write(&env, &text).unwrap();
        for dialect in Dialect::ALL {
            if let Ok(file) = EnvFile::read(&env, dialect, outside.clone()) {
                let known = file.names().into_iter().filter(|name| file.get(name).is_ok()).count();
                assert!(known <= file.names().len());
                let _ = file.would_change("NEW_KEY", "a b$c'\"\\");
                let _ = file.would_change("K", "a b$c'\"\\");
                let _ = file.readings("K");
            }
            let _ = EnvFile::read_what_can_be(&env, dialect, outside.clone());
        }
    }
}
