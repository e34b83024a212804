//! Settings files, compared with what the real make reads.

use crate::support::chance::Chance;
use banister::failure::Kind;
use banister::internals::machine::env_file::{Dialect, EnvFile};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

fn read(path: &Path) -> EnvFile {
    EnvFile::read(path, Dialect::Make, BTreeMap::new()).unwrap()
}

/// The values that make reads; nothing if it refuses the file.
fn by_make(env: &Path, names: &[&str]) -> Option<BTreeMap<String, String>> {
    let folder = env.parent().unwrap();
    let values = folder.join("values");
    let _ = fs::remove_dir_all(&values);
    fs::create_dir(&values).unwrap();
    let mut makefile = format!("include {}\n", env.display());
    for name in names {
        // The brackets keep blanks and empty values.
        makefile += &format!("$(file >{}/{name},[$({name})])\n", values.display());
    }
    makefile += "all: ;\n";
    fs::write(folder.join("Makefile"), makefile).unwrap();
    let made = Command::new("make").args(["-rRs", "-C"]).arg(folder).env_clear().output().unwrap();
    let value = |name: &&str| {
        let text = String::from_utf8_lossy(&fs::read(values.join(name)).unwrap()).into_owned();
        let text = text.trim_end_matches('\n').strip_prefix('[').unwrap().strip_suffix(']').unwrap();
        (name.to_string(), text.to_owned())
    };
    made.status.success().then(|| names.iter().map(value).collect())
}

const NAMES: [&str; 6] = ["A", "B", "KEY", "LOG_LEVEL", "x", "DB_PASSWORD"];

fn random(chance: &mut Chance, pieces: &[&str], most: usize) -> String {
    (0..chance.below(most + 1)).map(|_| pieces[chance.below(pieces.len())]).collect()
}

const PIECES: [&str; 22] = [
    "a", "b", "A", "x", " ", "  ", "\t", "#", "\\", "\\#", "$$", "$", "$(A)", "${KEY}", "\"", "'", "=", ":",
    "ä", "\\\n", "%", "B",
];

fn random_file(chance: &mut Chance) -> String {
    let mut text = String::new();
    for _ in 0..chance.below(9) {
        let ending = ["\n", "\n", "\n", "\r\n"][chance.below(4)];
        let name = NAMES[chance.below(6)];
        let before = ["", "", "", " ", "export ", " export\t"][chance.below(6)];
        let operator = ["=", "=", "=", " = ", ":=", " ?= ", "+=", "::="][chance.below(8)];
        match chance.below(8) {
            0 => text += &format!("# {}{ending}", random(chance, &["a", "\\", "\\\n", "A=1", "$"], 4)),
            1 => text += ending,
            _ => text += &format!("{before}{name}{operator}{}{ending}", random(chance, &PIECES, 7)),
        }
    }
    if chance.below(3) == 0 {
        text.truncate(text.trim_end_matches(['\n', '\r']).len());
    }
    text
}

#[test]
fn values_are_those_that_make_reads() {
    let folder = tempfile::tempdir().unwrap();
    let env = folder.path().join(".env");
    let mut chance = Chance::of(2024);
    let mut compared = 0;
    for round in 0..400 {
        let text = random_file(&mut chance);
        fs::write(&env, &text).unwrap();
        let Some(made) = by_make(&env, &NAMES) else { continue };
        let Ok(file) = EnvFile::read(&env, Dialect::Make, BTreeMap::new()) else { continue };
        for name in NAMES {
            let Ok(value) = file.get(name) else { continue };
            assert_eq!(value.as_deref().unwrap_or_default(), made[name], "round {round}, {name} of {text:?}");
            compared += 1;
        }
    }
    assert!(compared > 1000, "only {compared} values were compared");
}

#[test]
fn a_setting_that_was_set_is_read_by_make_as_it_was_meant_and_all_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let env = folder.path().join(".env");
    let mut chance = Chance::of(77);
    let (mut done, mut refused) = (0, 0);
    for round in 0..400 {
        let text = random_file(&mut chance);
        fs::write(&env, &text).unwrap();
        let Some(before) = by_make(&env, &NAMES) else { continue };
        let Ok(mut file) = EnvFile::read(&env, Dialect::Make, BTreeMap::new()) else { continue };
        let key = NAMES[chance.below(6)];
        let value = random(&mut chance, &PIECES, 6);
        match file.set(key, &value) {
            Err(failure) => {
                assert_eq!(failure.kind, Kind::Refused);
                assert_eq!(fs::read_to_string(&env).unwrap(), text);
                refused += 1;
            }
            Ok(changed) => {
                let now = fs::read_to_string(&env).unwrap();
                assert_eq!(changed, now != text);
                let made = by_make(&env, &NAMES);
                let context = format!("round {round}: {key} = {value:?} made {text:?} to {now:?}");
                let made = made.unwrap_or_else(|| panic!("make refuses it, {context}"));
                assert_eq!(made[key], value, "{context}");
                for name in NAMES.iter().filter(|name| **name != key && !text.contains('$')) {
                    assert_eq!(made[*name], before[*name], "{name}, {context}");
                }
                assert!(!read(&env).set(key, &value).unwrap(), "{context}");
                done += 1;
            }
        }
    }
    assert!(done > 100 && refused > 10, "{done} done, {refused} refused");
}

#[test]
fn an_edit_keeps_order_comments_mode_and_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let env = folder.path().join("real");
    let link = folder.path().join(".env");
    fs::write(&env, "# top\nexport A=1 # why\r\nB=\"2\"\nA=3\nUI_REDIRECT_REGEX=^a$$").unwrap();
    fs::set_permissions(&env, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("real", &link).unwrap();
    let mut file = read(&link);
    assert_eq!(file.names(), ["A", "B", "UI_REDIRECT_REGEX"]);
    assert_eq!(file.get("B").unwrap().as_deref(), Some("\"2\""));
    assert_eq!(file.get("NONE").unwrap(), None);
    assert!(!file.set("A", "3").unwrap());
    assert!(file.would_change("A", "4").unwrap());
    assert!(file.set("A", "4#x").unwrap());
    assert!(file.set("NEW", "pa$word").unwrap());
    assert!(!read(&link).set("NEW", "pa$word").unwrap());
    let now = fs::read_to_string(&env).unwrap();
    assert_eq!(now, "# top\nexport A=1 # why\r\nB=\"2\"\nA=4\\#x\nUI_REDIRECT_REGEX=^a$$\nNEW=pa$$word\n");
    assert_eq!(fs::metadata(&env).unwrap().mode() & 0o7777, 0o640);
    assert!(link.is_symlink());
    fs::write(&env, "A=1 # why\n").unwrap();
    assert!(read(&env).set("A", "2").unwrap());
    assert_eq!(fs::read_to_string(&env).unwrap(), "# why\nA=2\n");
    for value in ["a\nb", " a", "a\\", "a\r"] {
        assert_eq!(read(&env).set("A", value).unwrap_err().kind, Kind::Refused, "{value:?}");
    }
    assert_eq!(read(&env).set("A B", "1").unwrap_err().kind, Kind::Invalid);
}

#[test]
fn bytes_that_are_no_text_stay_as_they_are_and_only_a_value_with_them_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let env = folder.path().join(".env");
    fs::write(&env, b"# Gr\xfc\xdfe\nCITY=Z\xfcrich\nLANG_NAME=Z\xc3\xbcri\nLOG_LEVEL=info # f\xfcr alle\n")
        .unwrap();
    let mut file = read(&env);
    assert_eq!(file.names(), ["CITY", "LANG_NAME", "LOG_LEVEL"]);
    assert_eq!(file.get("LANG_NAME").unwrap().unwrap(), "Züri");
    let refused = file.get("CITY").unwrap_err();
    assert!(refused.kind == Kind::Refused && refused.message.contains("is not UTF-8"), "{refused:?}");
    assert!(file.set("LOG_LEVEL", "größer").unwrap());
    assert_eq!(
        fs::read(&env).unwrap(),
        b"# Gr\xfc\xdfe\nCITY=Z\xfcrich\nLANG_NAME=Z\xc3\xbcri\n# f\xfcr alle\nLOG_LEVEL=gr\xc3\xb6\xc3\x9fer\n"
    );
    assert!(file.set("CITY", "Zürich").unwrap());
    assert_eq!(read(&env).get("CITY").unwrap().unwrap(), "Zürich");
    let (_, unread) = EnvFile::read_what_can_be(&env, Dialect::Make, BTreeMap::new()).unwrap();
    assert!(unread.is_empty(), "{unread:?}");
    fs::write(&env, b"# Gr\xfc\xdfe\nCITY=Z\xfcrich\n").unwrap();
    assert_eq!(EnvFile::read_what_can_be(&env, Dialect::Make, BTreeMap::new()).unwrap().1, [2]);
}

#[test]
fn what_only_make_can_tell_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let env = folder.path().join(".env");
    fs::write(&env, "A=$(shell date)\nB=$B\nC!=date\nD=$(A)\nE=1\n").unwrap();
    let file = read(&env);
    for name in ["A", "B", "C", "D"] {
        assert_eq!(file.get(name).unwrap_err().kind, Kind::Refused, "{name}");
    }
    assert_eq!(file.get("E").unwrap().as_deref(), Some("1"));
    fs::write(&env, "ifdef A\nB=1\nendif\n").unwrap();
    assert_eq!(EnvFile::read(&env, Dialect::Make, BTreeMap::new()).unwrap_err().kind, Kind::Refused);
    let none = EnvFile::read(&folder.path().join("none"), Dialect::Make, BTreeMap::new()).unwrap_err();
    assert_eq!(none.kind, Kind::NotFound);
}
