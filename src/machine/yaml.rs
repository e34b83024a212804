//! YAML files as values, such as Compose files and configurations of services.
//!
//! Aliases and `<<` are filled in, and the keys of a map are text. What has no value like these is refused with its line: a
//! second document, a key twice, a list as a key, a tag before a list or map.

mod load;

use super::files::unreadable;
use crate::failure::Result;
use serde_json::Value;
use std::path::Path;

/// Reads a file. Fails as [`parse`] does, with [`Kind::NotFound`](crate::failure::Kind::NotFound) if there is none, and with
/// [`Kind::Refused`](crate::failure::Kind::Refused) if it can't be read.
pub fn read(path: &Path) -> Result<Value> {
    let failed = || format!("`{}` can't be read", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error, failed()))?;
    parse(&text).map_err(|failure| failure.why(path.display()))
}

/// Reads a document; an empty one is null. Fails with [`Kind::Invalid`](crate::failure::Kind::Invalid) at what is not
/// understood.
pub fn parse(text: &str) -> Result<Value> {
    load::load(text)
}

/// A value as Compose shows it: text as it is, numbers and truth values written out, null empty.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_compose_files_are_made_of_is_read() {
        let text = "version: \"3\"\n# comment\nservices:\n  core: \n    build: ./core\n    volumes:\n      - type: bind\n        \
                    source: ~/.x # why\n      - a:/b\n    ports:\n    - 9200:9200\n    - \"8080\"\n    test: [\"CMD\", x]\n    \
                    url: \"amqp://a:b@c\"\n    none:\n    on: true\n";
        let expected = json!({"version": "3", "services": {"core": {
            "build": "./core", "volumes": [{"type": "bind", "source": "~/.x"}, "a:/b"], "ports": ["9200:9200", "8080"],
            "test": ["CMD", "x"], "url": "amqp://a:b@c", "none": null, "on": true}}});
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn each_form_has_the_value_that_it_is_written_for() {
        let forms = [
            ("", json!(null)),
            ("# only a comment\n", json!(null)),
            ("\u{feff}a: 1\r\nb: 2\r\n", json!({ "a": 1, "b": 2 })),
            // Words, numbers, and what looks like them.
            ("[yes, no, on, off, True]", json!(["yes", "no", "on", "off", "True"])),
            ("[\"yes\", 'no', \"true\", '12', \"\", '~']", json!(["yes", "no", "true", "12", "", "~"])),
            ("[true, false, null, ~, ]", json!([true, false, null, null])),
            ("{a: , b: null, c: ~}", json!({ "a": null, "b": null, "c": null })),
            (
                "[12, -3, 0755, 0x1F, 22:22, 1.10, 1e3, .inf]",
                json!([12, -3, 755, "0x1F", "22:22", "1.10", "1e3", ".inf"]),
            ),
            ("[99999999999999999999, 2026-01-31]", json!(["99999999999999999999", "2026-01-31"])),
            // Quotes.
            ("test: [\"a, b\", c]", json!({ "test": ["a, b", "c"] })),
            (r#"a: "x\ty \u00e9 \"q\" \\""#, json!({ "a": "x\ty é \"q\" \\" })),
            ("a: 'it''s # no comment'", json!({ "a": "it's # no comment" })),
            ("a: \"first\n  second\"", json!({ "a": "first second" })),
            ("\"a: b\": c\n'd': e", json!({ "a: b": "c", "d": "e" })),
            // Texts of several lines.
            ("a: |\n  x\n    y\n\n  # z\nb: 1", json!({ "a": "x\n  y\n\n# z\n", "b": 1 })),
            ("a: >-\n  x\n  y\n\n  z\n", json!({ "a": "x y\nz" })),
            ("a: |-\n  x\nb: |+\n  y\n\n", json!({ "a": "x", "b": "y\n\n" })),
            ("a: x\n  y\n", json!({ "a": "x y" })),
            // Lists and maps.
            ("- - a\n  - b\n-\n  c: 1\n  d: 2\n- []\n- {}", json!([["a", "b"], { "c": 1, "d": 2 }, [], {}])),
            ("a: {b: [c, {d: e}], f: g}", json!({ "a": { "b": ["c", { "d": "e" }], "f": "g" } })),
            ("a: [\n  b, # why\n  c,\n]", json!({ "a": ["b", "c"] })),
            ("8080: a\ntrue: b\n~: c", json!({ "8080": "a", "true": "b", "null": "c" })),
            ("? a\n: b", json!({ "a": "b" })),
            // Anchors, aliases and merge keys.
            ("a: &x [1]\nb: *x", json!({ "a": [1], "b": [1] })),
            ("a: &x 1\n*x : 2", json!({ "a": 1, "1": 2 })),
            ("a: &x 1\nb: &x 2\nc: *x", json!({ "a": 1, "b": 2, "c": 2 })),
            (
                "x-base: &base {restart: always, tty: false}\na:\n  tty: true\n  <<: *base\nb:\n  <<: *base\n",
                json!({
                    "x-base": { "restart": "always", "tty": false },
                    "a": { "restart": "always", "tty": true },
                    "b": { "restart": "always", "tty": false }
                }),
            ),
            (
                "a: &a {k: 1, l: 1}\nb: {<<: [*a, {k: 2, m: 2}], n: 3}",
                json!({ "a": { "k": 1, "l": 1 }, "b": { "k": 1, "l": 1, "m": 2, "n": 3 } }),
            ),
            ("'<<': text", json!({ "<<": "text" })),
            // Tags.
            ("[!!str 12, !!int '12', !!null '', ! 12]", json!(["12", 12, null, "12"])),
            ("a: !!map {b: !!seq [c]}", json!({ "a": { "b": ["c"] } })),
            ("ports: !reset null\nb: !secret word", json!({ "ports": "!reset null", "b": "!secret word" })),
            // One document.
            ("%YAML 1.2\n---\na: 1\n...\n", json!({ "a": 1 })),
            ("a: 1\n---\n# nothing\n", json!({ "a": 1 })),
        ];
        for (text, expected) in forms {
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        let wrong = [
            ("a: 1\n  b: 2\n", 2, "mapping values are not allowed"),
            ("a: 1\nb: 2\na: 3\n", 3, "the key `a` is there already"),
            ("a:\n  b: 1\n  \"b\": 1\n", 3, "the key `b` is there already"),
            ("a: {1: x, '1': y}", 1, "the key `1` is there already"),
            ("<<: {a: 1}\n<<: {b: 1}", 2, "the key `<<` is there already"),
            ("a: 1\n---\nb: 2\n", 2, "a second document begins there"),
            ("a: [1,\n  2\n", 1, "unclosed bracket"),
            ("a: 1\nb: \"x\nc: 1\n", 2, "unclosed quote"),
            ("a:\n\t- b\n", 2, "tabs disallowed"),
            ("a: b: c", 1, "mapping values are not allowed"),
            ("a: 1\nb: @c", 2, "unexpected character"),
            ("a: b\0c", 1, "unexpected character"),
            ("a: *b", 1, "unknown anchor"),
            ("a: 1\nb: &b [1, *b]", 2, "the alias stands for what it is in"),
            ("a: 1\n[b]: c", 2, "a list or map can't be a key"),
            ("a: {{ VALUE }}", 1, "a list or map can't be a key"),
            ("<<: text", 1, "`<<` takes a map"),
            ("<<: [text]", 1, "`<<` takes a map"),
            ("ports: !override [1]", 1, "a list or map can't have the tag `!override`"),
            ("a: 1\nb: !reset {}", 2, "a list or map can't have the tag `!reset`"),
            ("a: !!int x", 1, "the value is not what its tag says"),
        ];
        for (text, line, why) in wrong {
            let failure = parse(text).unwrap_err();
            assert!(
                failure.message.starts_with(&format!("line {line} of the YAML is not understood: `")),
                "{text}: {failure}"
            );
            assert!(failure.to_string().contains(why), "{text}: {failure}");
        }
        assert_eq!(parse("a: 1\na: 2").unwrap_err().message, "line 2 of the YAML is not understood: `a: 2`");
    }

    #[test]
    fn a_file_made_to_exhaust_the_machine_is_refused() {
        let many = |first: &str, line: &dyn Fn(usize) -> String| {
            std::iter::once(first.to_owned()).chain((1..100_000).map(line)).collect::<String>()
        };
        let wrong = [
            (
                "aliases of aliases",
                many("a0: &a0 x\n", &|n| {
                    format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", "))
                }),
                "copy too much",
            ),
            (
                "merged aliases",
                many("a0: &a0 {b: 1}\n", &|n| {
                    format!("a{n}: &a{n} {{<<: *a{0}, b: *a{0}, c: *a{0}}}\n", n - 1)
                }),
                "copy too much",
            ),
            (
                "a long text many times",
                many(&format!("a0: &a {}\n", "x".repeat(100_000)), &|n| format!("a{n}: *a\n")),
                "copy too much",
            ),
            (
                "an alias in an alias",
                many("a0: &a0 x\n", &|n| format!("a{n}: &a{n} [*a{}]\n", n - 1)),
                "are in each other",
            ),
            ("brackets", "[".repeat(100_000), "limit"),
            ("braces", "{a: ".repeat(100_000), "limit"),
            ("dashes", "- ".repeat(100_000), "are in each other"),
            ("questions", "? ".repeat(100_000), "are in each other"),
            ("indents", (0..1000).map(|n| " ".repeat(n) + "a:\n").collect(), "are in each other"),
        ];
        for (name, text, why) in wrong {
            let failure = parse(&text).unwrap_err();
            assert!(failure.to_string().contains(why), "{name}: {}", failure.why.join(", "));
            assert!(failure.message.len() < 300, "{name}");
        }
    }

    #[test]
    fn the_deepest_value_can_be_read_back_from_json() {
        let nested = |depth: usize| parse(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
        let deepest = nested(100).unwrap();
        let record = json!({ "done": { "value": deepest } }).to_string();
        assert!(serde_json::from_str::<Value>(&record).is_ok());
        assert!(nested(101).is_err());
    }
}
