//! Texts that no person would write, and some that one might by accident. What is made of a number is the same each time.

use crate::support::chance::Chance;

/// Words and signs, whole and broken, of scripts and of `site.toml`.
const POOL: [&str; 72] = [
    "fn",
    "main",
    "let",
    "const",
    "if",
    "else",
    "for",
    "in",
    "while",
    "loop",
    "return",
    "throw",
    "try",
    "catch",
    "import",
    "as",
    "private",
    "step",
    "on_failure",
    "parallel",
    "switch",
    "before",
    "after",
    "replace",
    "skip",
    "base::",
    "kind::",
    "global::",
    "server",
    "this_server()",
    "note",
    "make",
    "wait_healthy",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "#{",
    "${",
    "`",
    "\"",
    "'",
    ";",
    ",",
    "::",
    ":",
    ".",
    "..",
    "=",
    "==",
    "??",
    "?.",
    "|",
    "||",
    "=>",
    "+",
    "-",
    "!",
    "\\",
    "/*",
    "//",
    "///",
    "\n",
    " ",
    "5.minutes",
    "0x7f",
    "1e308",
    "this",
    "é",
    "\u{0}",
];

/// What a letter, a number or a word may be by accident.
const ODD: [&str; 22] = [
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "99999999999999999999999999999999999999",
    "1e999",
    "0.0000000000000000000001",
    "18446744073709551615.days",
    "9223372036854775807.terabytes",
    "\u{202e}",
    "\u{feff}",
    "\u{200b}",
    "e\u{301}\u{301}\u{301}",
    "👩‍👩‍👧‍👦",
    "ﷺ",
    "İ",
    "ß",
    "\u{1f}",
    "\u{85}",
    "\u{2028}",
    "\r",
    "\t\t",
    "\u{10ffff}",
];

/// What can stand in itself, and what closes it.
const NESTS: [(&str, &str); 40] = [
    ("(", ")"),
    ("[", "]"),
    ("{", "}"),
    ("#{a:", "}"),
    ("`${", "}`"),
    ("`${\"", "\"}`"),
    ("if x {", "}"),
    ("if true {} else ", "{}"),
    ("step \"a\" {", "}"),
    ("on_failure {", "}"),
    ("|x| ", ""),
    ("|x| {", "}"),
    ("!", ""),
    ("-", ""),
    ("a.", ""),
    ("a[", "]"),
    ("f(", ")"),
    ("1+", ""),
    ("a ?? ", ""),
    ("a && ", ""),
    ("x = ", ""),
    ("switch x { 1 => ", "}"),
    ("/*", "*/"),
    ("fn f() {", "}"),
    ("try {", "} catch {}"),
    ("return ", ""),
    ("x::", ""),
    ("for x in y {", "}"),
    ("while x {", "}"),
    ("do {", "} while x;"),
    ("a.f(", ")"),
    ("a.b = ", ""),
    (".x", ""),
    ("1..", ""),
    ("parallel([1], |x| ", ")"),
    ("before(\"a\") {", "}"),
    ("import \"x\" as ", ""),
    ("throw ", ""),
    ("[a, ", "]"),
    ("a = [", "]"),
];

/// A text: one of `real` spoilt, or made of nothing.
pub fn text(chance: &mut Chance, real: &[String]) -> String {
    let begun = "fn main() {\n";
    match chance.below(8) {
        0..=2 => {
            let text = real[chance.below(real.len())].clone();
            spoilt(chance, &text, &POOL)
        }
        3 => {
            let text = real[chance.below(real.len())].clone();
            spoilt(chance, &text, &ODD)
        }
        4 => {
            let bytes: Vec<u8> = (0..chance.below(400)).map(|_| chance.below(256) as u8).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        5 => {
            let words: Vec<&str> = (0..chance.below(60)).map(|_| chance.one(&POOL)).collect();
            let between = ["", " "][chance.below(2)];
            let text = words.join(between);
            if chance.below(2) == 0 { text } else { format!("{begun}{text}\n}}\n") }
        }
        6 => nested(chance, begun),
        _ => {
            let words: Vec<&str> = (0..chance.below(20)).map(|_| chance.one(&ODD)).collect();
            format!("{begun}let x = {};\nnote(`{}`);\n}}\n", words.join(" "), words.join(""))
        }
    }
}

/// Some words taken out, doubled, exchanged, or with something else in their place.
fn spoilt(chance: &mut Chance, text: &str, others: &[&str]) -> String {
    let mut words = words(text);
    for _ in 0..=chance.below(5) {
        let at = chance.below(words.len());
        let other = chance.below(words.len());
        match chance.below(5) {
            0 => drop(words.remove(at)),
            1 => words.insert(at, words[other].clone()),
            2 => words.swap(at, other),
            3 => words[at] = chance.one(others).to_owned(),
            _ => words.insert(at, chance.one(others).to_owned()),
        }
    }
    words.concat()
}

/// Runs of letters and digits, and each other sign.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut in_word = false;
    for letter in text.chars() {
        let is_word = letter.is_alphanumeric() || letter == '_';
        match words.last_mut() {
            Some(last) if is_word && in_word => last.push(letter),
            _ => words.push(letter.into()),
        }
        in_word = is_word;
    }
    words
}

/// Something in itself, a few times or very often, closed or not.
fn nested(chance: &mut Chance, begun: &str) -> String {
    let times = [3, 60, 130, 700, 5_000][chance.below(5)];
    let kinds = 1 + chance.below(3);
    let picked: Vec<(&str, &str)> = (0..kinds).map(|_| NESTS[chance.below(NESTS.len())]).collect();
    let mut text = String::new();
    for n in 0..times {
        text += picked[n % kinds].0;
    }
    if chance.below(2) == 0 {
        text += "1";
    }
    if chance.below(2) == 0 {
        for n in (0..times).rev() {
            text += picked[n % kinds].1;
        }
    }
    if chance.below(3) == 0 { text } else { format!("{begun}{text};\n}}\n") }
}
