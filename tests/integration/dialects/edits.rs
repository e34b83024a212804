//! What an edit leaves as it is, and what is refused.

use banister::failure::Kind;
use banister::internals::machine::env_file::{Dialect, EnvFile};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

fn outside() -> BTreeMap<String, String> {
    BTreeMap::new()
}

use Dialect::{Compose, Dotenv, Make, Shell};

#[test]
fn an_edit_changes_the_value_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let env = folder.path().join(".env");
    for (dialects, before, value, now) in [
        (&[Make, Compose, Dotenv, Shell][..], "A=1\nK=v\nB=2\n", "w", "A=1\nK=w\nB=2\n"),
        (&[Make, Compose, Dotenv, Shell], "A=1", "w", "A=1\nK=w\n"),
        (&[Make, Compose, Dotenv, Shell], "K=1\nK=2\n", "w", "K=1\nK=w\n"),
        (&[Compose, Dotenv, Shell], "export K=\"v\" # why\n", "w", "export K=\"w\" # why\n"),
        (&[Compose, Dotenv, Shell], "K='v' # it's\n", "a b", "K='a b' # it's\n"),
        (&[Compose, Dotenv, Shell], "K=v # why\n", "a#b", "K=a#b # why\n"),
        (&[Compose, Dotenv, Shell], "K=v # why\n", "a # b", "K='a # b' # why\n"),
        (&[Compose, Dotenv, Shell], "K=v # why\n", "", "K='' # why\n"),
        (&[Compose, Dotenv, Shell], "K=v\n", "it's", "K=\"it's\"\n"),
        (&[Compose, Dotenv, Shell], "K=v\n", "pa$word", "K='pa$word'\n"),
        (&[Compose, Dotenv, Shell], "K=v\n", "a\nb", "K='a\nb'\n"),
        (&[Compose, Dotenv, Shell], "K=\"a\nb\" # c\nL=2", "c", "K=\"c\" # c\nL=2"),
        (&[Compose, Dotenv, Shell], "K=v\n", "it's \"x\"", "K=\"it's \\\"x\\\"\"\n"),
        (&[Compose, Dotenv], "K = v\r\nL=1\r\n", "w", "K = w\r\nL=1\r\n"),
        (&[Compose, Dotenv], "L=1\r\n", "w", "L=1\r\nK=w\r\n"),
        (&[Compose, Dotenv], "K\nL=1\n", "w", "K=w\nL=1\n"),
        (&[Compose, Dotenv, Shell], "K=v\n", "a b", "K='a b'\n"),
        (&[Make], "K=v\n", "a b", "K=a b\n"),
        (&[Compose, Shell], "K=\"v\"\n", "pa$word", "K=\"pa\\$word\"\n"),
        (&[Dotenv], "K=\"v\"\n", "pa$word", "K=\"pa$word\"\n"),
        (&[Compose], "K: v\n", "w", "K: w\n"),
        (&[Compose], "K=\"a\" L=2\n", "w", "K=\"w\" L=2\n"),
        (&[Shell], "K=1 L=2; export M=3\n", "a b", "K='a b' L=2; export M=3\n"),
        (&[Shell], "K=v\r\nL=1\r\n", "w", "K=w\nL=1\r\n"),
        (&[Shell], "K=v\n", "a'b\"c$d`e\\", "K=\"a'b\\\"c\\$d\\`e\\\\\"\n"),
        (&[Make], "export K=1 # why\n", "2", "# why\nexport K=2\n"),
    ] {
        for dialect in dialects {
            fs::write(&env, before).unwrap();
            let mut file = EnvFile::read(&env, *dialect, outside()).unwrap();
            assert!(file.would_change("K", value).unwrap());
            assert!(file.set("K", value).unwrap());
            assert_eq!(fs::read_to_string(&env).unwrap(), now, "{dialect}: {before:?}");
            assert_eq!(file.get("K").unwrap().as_deref(), Some(value));
            assert!(!file.set("K", value).unwrap());
        }
    }
}

#[test]
fn a_value_that_a_dialect_can_not_hold_is_refused_and_the_file_stays() {
    let folder = tempfile::tempdir().unwrap();
    let env = folder.path().join(".env");
    fs::write(&env, "K=v\n").unwrap();
    for (dialect, value) in [
        (Make, "a\nb"),
        (Make, " a"),
        (Make, "a\\"),
        (Make, "a\r"),
        (Dotenv, "a${X}b"),
        (Compose, "a\0b"),
        (Shell, "a\0b"),
        (Dotenv, "a\0b"),
    ] {
        let mut file = EnvFile::read(&env, dialect, outside()).unwrap();
        assert_eq!(file.set("K", value).unwrap_err().kind, Kind::Refused, "{dialect}: {value:?}");
        assert_eq!(fs::read_to_string(&env).unwrap(), "K=v\n");
    }
    for dialect in Dialect::ALL {
        let mut file = EnvFile::read(&env, dialect, outside()).unwrap();
        assert_eq!(file.set("A B", "1").unwrap_err().kind, Kind::Invalid);
    }
}

#[test]
fn an_edit_keeps_mode_and_link_and_bytes_that_are_no_text() {
    let folder = tempfile::tempdir().unwrap();
    let (env, link) = (folder.path().join("real"), folder.path().join(".env"));
    std::os::unix::fs::symlink("real", &link).unwrap();
    for dialect in [Make, Compose, Shell] {
        fs::write(&env, b"# Gr\xfc\xdfe\nCITY='Z\xfcrich'\nK=v\n").unwrap();
        fs::set_permissions(&env, fs::Permissions::from_mode(0o640)).unwrap();
        let mut file = EnvFile::read(&link, dialect, outside()).unwrap();
        assert!(file.get("CITY").unwrap_err().message.contains("is not UTF-8"));
        assert!(file.set("K", "größer").unwrap());
        assert_eq!(fs::read(&env).unwrap(), b"# Gr\xfc\xdfe\nCITY='Z\xfcrich'\nK=gr\xc3\xb6\xc3\x9fer\n");
        assert_eq!(fs::metadata(&env).unwrap().mode() & 0o7777, 0o640);
        assert!(link.is_symlink());
    }
    let refused = EnvFile::read(&link, Dotenv, outside()).unwrap_err();
    assert!(refused.why[0].contains("line 1: it is not UTF-8"), "{refused:?}");
}

#[test]
fn lines_that_can_not_be_read_leave_the_others_readable_but_the_file_unwritten() {
    let folder = tempfile::tempdir().unwrap();
    let env = folder.path().join(".env");
    for (dialect, text, unread) in [
        (Make, "A=1\nifdef X\nB=2\n", 2),
        (Compose, "A=1\nK=\"open\nB=2\n", 2),
        (Dotenv, "A=1\nL=Z\u{e9}\nB=2\n", 0),
        (Shell, "A=1\nrm -rf x\nB=2\n", 2),
    ] {
        fs::write(&env, text).unwrap();
        if dialect == Dotenv {
            fs::write(&env, b"A=1\nL=Z\xfc\nB=2\n").unwrap();
        }
        let (mut file, lines) = EnvFile::read_what_can_be(&env, dialect, outside()).unwrap();
        assert_eq!(lines, [if unread == 0 { 2 } else { unread }], "{dialect}");
        assert_eq!(file.get("A").unwrap().as_deref(), Some("1"));
        assert_eq!(file.get("B").unwrap().as_deref(), Some("2"));
        assert_eq!(file.set("A", "2").unwrap_err().kind, Kind::Refused);
        assert!(EnvFile::read(&env, dialect, outside()).unwrap_err().why[0].starts_with("line 2"));
    }
    assert!(EnvFile::read_what_can_be(&folder.path().join("none"), Make, outside()).is_none());
    assert_eq!(EnvFile::read(&folder.path().join("none"), Make, outside()).unwrap_err().kind, Kind::NotFound);
}

#[test]
fn all_that_may_be_seen_of_a_setting_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let env = folder.path().join(".env");
    fs::write(&env, "A=x\nexport K = \"pa#s$A\" # why\nL='${A}'\n").unwrap();
    let file = EnvFile::read(&env, Compose, outside()).unwrap();
    assert_eq!(file.names(), ["A", "K", "L"]);
    assert_eq!(file.get("K").unwrap().as_deref(), Some("pa#sx"));
    assert!(file.is_doubtful("K") && file.is_doubtful("L") && !file.is_doubtful("A"));
    let seen = file.readings("K");
    for one in [" \"pa#s$A\" # why", "\"pa#s$A\" # why", "\"pa#s$A\"", "pa#s$A", "pa#sx", "\"pa"] {
        assert!(seen.contains(&one.to_owned()), "{one} in {seen:?}");
    }
    assert_eq!(file.readings("NONE"), Vec::<String>::new());
}

#[test]
fn a_dialect_is_known_by_its_name() {
    for dialect in Dialect::ALL {
        assert_eq!(dialect.name().parse::<Dialect>().unwrap(), dialect);
    }
    assert_eq!("yaml".parse::<Dialect>().unwrap_err().kind, Kind::Invalid);
}
