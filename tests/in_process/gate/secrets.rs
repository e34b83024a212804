//! Secrets that are words of what is stored: a server's name, a folder, a release, a key of a record. Nothing that is
//! stored may be another for them.
//!
//! A process can't forget a secret, so that each sort of them has one of its own.

use super::awkward;
use super::cut::{self, Counts};
use super::ground::FATES;
use super::model::AWKWARD;
use super::words;
use banister::internals::secret;
use serde_json::json;
use std::process::Command;

/// A secret that stands in the middle of what is said; no word of any format.
pub const PASSWORD: &str = "correct-horse-battery-staple";

/// The variable in which a process of its own finds the name of its sort.
const SORT: &str = "GATE_SECRETS";

/// Everything that is kept secret in turn.
fn sorts() -> Vec<(&'static str, Vec<String>)> {
    // Shorter ones are not hidden: they would be found in every second word.
    let (long, short) = words::of_formats().into_iter().partition(|word| word.len() >= 6);
    let others: [(&str, &[&str]); 9] = [
        ("short values", &["true", "0", "~", "/", "{", "\"", ",", "[]", ""]),
        ("a server's name", &["gateway"]),
        ("a runbook's name", &["awkward", "awkward.rhai"]),
        ("a release", &["0.2.12"]),
        ("the word secret", &["secret", "$secret", "‹secret›"]),
        ("numbers", &["31.245270191439438", "18446744073709551615"]),
        ("pieces of JSON", &["\"sum\":\"", "{\"$server\":"]),
        ("awkward text", &[AWKWARD]),
        ("a password", &[PASSWORD]),
    ];
    let others =
        others.map(|(sort, values)| (sort, values.iter().map(|value| (*value).to_owned()).collect()));
    [("long words of the formats", long), ("short words of the formats", short)]
        .into_iter()
        .chain(others)
        .collect()
}

/// Whether everything comes out as it went in when these are secrets; with what was said.
fn holds(sort: &str) -> (bool, String) {
    let module = module_path!().split_once("::").map_or("", |(_, module)| module);
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("{module}::role_that_keeps_secrets"), "--nocapture"])
        .env(SORT, sort)
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat();
    assert!(said.contains("running 1 test"), "{said}");
    (output.status.success(), said)
}

/// The process of its own. Without secrets there is nothing for it to do.
#[test]
fn role_that_keeps_secrets() {
    let Ok(sort) = std::env::var(SORT) else { return };
    let ground = awkward::ground();
    let (_, values) = sorts().into_iter().find(|(other, _)| *other == sort).unwrap();
    for (n, value) in values.iter().enumerate() {
        secret::keep(format!("gateway SECRET_{n}"), value);
    }
    // Of what could be guessed no digest is recorded, so that a text with it is not read back in a later session.
    let mut guessed = 0;
    for (n, value) in values.iter().enumerate() {
        let pieces = secret::encode(&json!(value))["$pieces"].clone();
        if pieces.get(0).is_some_and(|piece| piece.get("secret").is_some() && piece.get("tag").is_none()) {
            secret::know(format!("gateway SECRET_{n}"), value);
            guessed += 1;
        }
    }
    assert!(guessed <= 1 + values.len() / 10, "{guessed} of {values:?} can be guessed");
    let full = ground.unobserved();
    assert_eq!(full.failure, None);
    let mut counts = Counts::default();
    let performed = full.standin.seen().performed.clone();
    counts.replayed("undisturbed", full.story().differences_from(&performed));
    let journal = cut::journal_of(&full.path);
    let mut header = cut::index_of(&full.path).header.unwrap();
    let together = |(name, value)| (name, secret::put_together(value));
    header.parameters = header.parameters.into_iter().map(together).collect();
    if header != ground.header {
        counts.replayed("undisturbed", vec![format!("the run begins with {header:?}")]);
    }
    if values.iter().any(|value| value == PASSWORD) && String::from_utf8_lossy(&journal).contains(PASSWORD) {
        counts.replayed("undisturbed", vec!["the password can be read in the journal".into()]);
    }
    let ends = cut::ends(&journal);
    // Here and there; that it holds everywhere, the sweeps show.
    let places: Vec<usize> = (1..ends.len() - 1).step_by(90).collect();
    counts.add(cut::side_by_side(&places, |n| {
        cut::cut(&ground, &full.story(), &journal[..ends[*n]], false, &FATES[..1], "cut")
    }));
    counts.assert_none_differ();
}

#[test]
fn no_secret_changes_what_is_stored() {
    let mut wrong = Vec::new();
    for (sort, values) in sorts() {
        let (is_right, said) = holds(sort);
        if !is_right {
            wrong.push(format!("{sort}, {values:?}: {said}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
