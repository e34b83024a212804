//! Text of others, as it is shown and as programs get it; and how lines and tables fit a terminal.

use crate::support;

use support::World;
use support::pty::Pty;

const PROGRAM: &str = env!("CARGO_BIN_EXE_banister");

/// Clears the screen, sets the title, colours, goes back to the line's beginning, and turns what follows.
const FOREIGN: &str = "fine\\x1b[2J\\x1b[H \\x1b]0;title\\x07and \\x1b[31mred\\x1b[0m\\r\\u202e end";
const SHOWN: &str = "fine and red end";

fn world() -> World {
    let world = World::new();
    world.write(
        "runbooks/x.rhai",
        &format!(
            "//! Shows what others wrote.
fn main() {{
    let text = \"{FOREIGN}\";
    note(text);
    show(text, text);
    step \"Ask\" {{ confirm(text); }}
    throw text;
}}
"
        ),
    );
    world
}

#[test]
fn text_of_others_does_not_reach_the_terminal_raw_and_json_has_it_exactly() {
    let world = world();
    let said = world.banister(&["--color", "always", "run", "x", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    for text in [&said.out, &said.err] {
        assert!(text.contains(SHOWN), "{text:?}");
        // Our own colours stay.
        let own = ["0", "1", "2", "31", "32", "33"];
        let rest = own.iter().fold(text.clone(), |text, code| text.replace(&format!("\x1b[{code}m"), ""));
        assert!(!rest.contains(['\x1b', '\x07', '\r', '\u{202e}']), "{rest:?}");
        assert!(!text.contains("\x1b[31mred"), "{text:?}");
    }
    let said = world.banister(&["--json", "run", "x", "--yes", "--abandon"]);
    let noted = said.out.lines().find(|line| line.contains("\"noted\"")).unwrap();
    let noted: serde_json::Value = serde_json::from_str(noted).unwrap();
    assert_eq!(noted["text"], "fine\x1b[2J\x1b[H \x1b]0;title\x07and \x1b[31mred\x1b[0m\r\u{202e} end");
}

#[test]
fn a_question_with_text_of_others_leaves_what_was_shown_before_it() {
    let world = world();
    let mut pty = Pty::start(&world.command(&[]), &[PROGRAM, "run", "x"], 24, 80);
    pty.sees("[y/n]");
    assert_eq!(pty.text().matches(SHOWN).count(), 4, "note, title, text and question: {}", pty.text());
    pty.types("n\r");
    pty.ends();
}

#[test]
fn lines_and_tables_fit_the_terminal_without_parting_a_word() {
    let world = World::new();
    world.write(
        "runbooks/x.rhai",
        "//! Notes many words, of which each has to be seen as a whole, also 漢字 that are wide, at whatever width.
fn main() {
    for n in 0..12 { note(`${n}: elephants giraffes 漢字漢字漢字 hippopotamuses rhinoceroses crocodiles flamingos antelopes`); }
}
",
    );
    for columns in [80, 61, 100] {
        let mut pty = Pty::start(&world.command(&[]), &[PROGRAM, "run", "x"], 60, columns);
        pty.ends();
        let words: Vec<String> = pty.text().split(' ').map(str::to_owned).collect();
        for word in [
            "elephants",
            "giraffes",
            "漢字漢字漢字",
            "hippopotamuses",
            "rhinoceroses",
            "crocodiles",
            "antelopes",
        ] {
            assert_eq!(words.iter().filter(|w| *w == word).count(), 12, "{word}:\n{}", pty.rows().join("\n"));
        }
        let listed: serde_json::Value =
            serde_json::from_str(&world.banister(&["list", "--json"]).out).unwrap();
        let mut pty = Pty::start(&world.command(&[]), &[PROGRAM, "list"], 60, columns);
        pty.ends();
        let screen = pty.text();
        let words: Vec<&str> = screen.split(' ').collect();
        for book in listed.as_array().unwrap() {
            for word in book["summary"].as_str().unwrap().split(' ') {
                assert!(words.contains(&word), "`{word}` at {columns}:\n{}", pty.rows().join("\n"));
            }
        }
    }
}
