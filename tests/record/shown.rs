//! How programs print a secret, and that a person does not see it.

use super::random::{Random, alone, strong};
use banister::internals::secret::{forget_all, keep, show, show_without_named};

/// Ways in which programs write a value, each of which says it to whoever can read.
fn ways(value: &str) -> Vec<(&'static str, String)> {
    let percent = |upper: bool, kept: &str| -> String {
        let encode = |byte: u8| match byte {
            byte if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) => {
                (byte as char).to_string()
            }
            byte if upper => format!("%{byte:02X}"),
            byte => format!("%{byte:02x}"),
        };
        value.bytes().map(encode).collect()
    };
    let slashed: String =
        value.chars().map(|c| if c.is_alphanumeric() { c.to_string() } else { format!("\\{c}") }).collect();
    vec![
        ("raw", value.into()),
        ("debug", format!("{value:?}")),
        ("json in json", serde_json::to_string(&serde_json::to_string(value).unwrap()).unwrap()),
        ("shell", format!("'{}'", value.replace('\'', "'\\''"))),
        ("shell 2", format!("'{}'", value.replace('\'', "'\"'\"'"))),
        ("sql", value.replace('\'', "''")),
        ("csv", value.replace('"', "\"\"")),
        ("compose", value.replace('$', "$$")),
        ("slashes", slashed),
        ("octal", value.bytes().map(|byte| format!("\\{byte:03o}")).collect()),
        ("hex escapes", value.bytes().map(|byte| format!("\\x{byte:02x}")).collect()),
        ("percent", percent(true, "-_.~")),
        ("percent lower", percent(false, "-_.~")),
        ("percent path", percent(true, "-_.~/:@")),
        ("plus", percent(true, "-_.~ ").replace(' ', "+")),
        (
            "html",
            value.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&#34;").replace('\'', "&apos;"),
        ),
        ("entities", value.chars().map(|c| format!("&#{};", c as u32)).collect()),
        ("hex", value.bytes().map(|byte| format!("{byte:02x}")).collect()),
        ("HEX", value.bytes().map(|byte| format!("{byte:02X}")).collect()),
        ("spaced", value.chars().map(|c| format!("{c} ")).collect()),
    ]
}

#[test]
fn a_person_sees_no_secret_in_any_reading() {
    let _alone = alone();
    let mut random = Random::new(11);
    let (mut seen, mut all) = (Vec::new(), 0);
    for case in 0..200 {
        let value = strong(&mut random);
        forget_all();
        keep("web DB_PASSWORD", &value);
        for (way, text) in ways(&value) {
            all += 1;
            // White space is removed from a text to find a secret in it only if enough is left.
            if way == "spaced" && value.contains(' ') {
                continue;
            }
            let shown = show(&format!("before {text} after")).into_owned();
            if shown.contains(&text) || !shown.contains("‹secret›") {
                seen.push(format!("case {case}, {way}: {text} -> {shown}"));
            } else {
                assert!(shown.contains("befor") && shown.contains("fter"), "{shown}");
            }
        }
    }
    assert!(seen.is_empty(), "{} of {all}:\n{}", seen.len(), seen.join("\n"));

    // What base64 folds, line by line.
    forget_all();
    let value = random.letters("abcdefghijklmnopqrstuvwxyzABCDEFGH0123456789", 120);
    keep("web DB_PASSWORD", &value);
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("user:{value}:rest"));
    for width in [60, 64, 76] {
        for line in encoded.as_bytes().chunks(width) {
            let line = std::str::from_utf8(line).unwrap();
            assert!(show(line).contains("‹secret›"), "{width}: {line}");
        }
    }

    // A key of several lines, whose lines are printed one by one.
    forget_all();
    let line = random.letters("abcdefghABCDEFGH0123456789+/", 64);
    keep(
        "web TLS_KEY",
        &format!("-----BEGIN PRIVATE KEY-----\n{line}\n{line}x\n-----END PRIVATE KEY-----\n"),
    );
    assert_eq!(show(&format!("> {line}")), "> ‹secret›");
    assert_eq!(show("-----BEGIN PRIVATE KEY-----"), "-----BEGIN PRIVATE KEY-----");

    // Quotes and blanks around it in the file, and the password of an address.
    forget_all();
    keep("web DB_PASSWORD", "\"quoted-Value-1\"  ");
    keep("web DATABASE_URL", "postgres://app:of%2Fthe-db-9@db/x");
    assert_eq!(show("p=quoted-Value-1."), "p=‹secret›.");
    assert_eq!(show("p=of%2Fthe-db-9 p=of/the-db-9"), "p=‹secret› p=‹secret›");

    // A word is one only beside its name.
    forget_all();
    keep("web DB_PASSWORD", "postgres");
    assert_eq!(show("postgres runs; DB_PASSWORD=postgres"), "postgres runs; DB_PASSWORD=‹secret›");
    let difference = "-password: the-old-one\n+password: the-new-one\n+password_file: /run/x\n+port: 80\n";
    assert_eq!(
        show_without_named(difference),
        "-password: ‹secret›\n+password: ‹secret›\n+password_file: /run/x\n+port: 80\n"
    );
    forget_all();
}
