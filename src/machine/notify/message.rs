//! A notice as mail.

use super::Notice;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// A line that is no longer needs no encoding, in letters.
const LONGEST_LINE: usize = 900;
/// So many bytes of a subject go into one encoded word, which has at most 75 letters.
const WORD: usize = 42;

/// The message, with lines that end with `\n`. No line of a header can come from a title.
pub fn message(from: Option<&str>, to: &[String], notice: &Notice) -> String {
    let text = notice.text.as_str();
    // A carriage return of its own would be the end of a line to some.
    let is_usual = |c: char| c.is_ascii_graphic() || [' ', '\t', '\n'].contains(&c);
    let is_plain = text.chars().all(is_usual) && text.lines().all(|line| line.len() <= LONGEST_LINE);
    let (encoding, body) = match is_plain {
        true => ("7bit", format!("{}\n", text.trim_end())),
        false => ("base64", folded(text)),
    };
    let from = from.map(|from| format!("From: {from}\n")).unwrap_or_default();
    let id: String = notice.id.chars().map(|c| if is_word(c) { c } else { '-' }).collect();
    let host = host(notice);
    // Of the notice, so that it is the same however often it is sent.
    let at = notice.time.parse::<jiff::Timestamp>().unwrap_or_else(|_| jiff::Timestamp::now());
    let date = at.strftime("%a, %d %b %Y %H:%M:%S +0000");
    format!(
        "{from}To: {}\nSubject: {}\nDate: {date}\nMessage-ID: <{id}@{host}>\nAuto-Submitted: auto-generated\n\
         MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n\n{body}",
        to.join(", "),
        subject(notice.title.as_str()),
    )
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || ['.', '-', '_'].contains(&c)
}

/// The machine's name as an address can have it.
pub fn host(notice: &Notice) -> String {
    notice.host.chars().filter(|c| is_word(*c)).collect()
}

/// Encoded words, each on a line of its own.
fn subject(title: &str) -> String {
    let title = title.replace(char::is_control, " ");
    let mut words = vec![String::new()];
    for letter in title.chars() {
        if words.last().is_some_and(|word| word.len() + letter.len_utf8() > WORD) {
            words.push(String::new());
        }
        words.last_mut().into_iter().for_each(|word| word.push(letter));
    }
    let words: Vec<String> =
        words.iter().map(|word| format!("=?utf-8?B?{}?=", BASE64.encode(word))).collect();
    words.join("\n ")
}

/// Base64 in lines.
fn folded(text: &str) -> String {
    let encoded = BASE64.encode(text);
    let mut out = String::new();
    for (number, letter) in encoded.chars().enumerate() {
        if number > 0 && number % 76 == 0 {
            out.push('\n');
        }
        out.push(letter);
    }
    out + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::notify::When;

    fn notice(title: &str, text: &str) -> Notice {
        Notice {
            event: When::Failed,
            title: title.into(),
            text: text.into(),
            run: "r".into(),
            runbook: "update".into(),
            servers: Vec::new(),
            releases: Vec::new(),
            host: "h".into(),
            time: "2026-01-02T03:04:05.678Z".into(),
            id: "r.asked-000001-/3/1.0\nBcc: x".into(),
        }
    }

    #[test]
    fn no_header_comes_from_a_notice_and_no_line_is_long() {
        let title = format!("web: update\nBcc: all@example.org {}", "ä".repeat(200));
        let long = message(Some("b@h"), &["a@b".into()], &notice(&title, &"ü".repeat(2000)));
        let (head, body) = long.split_once("\n\n").unwrap();
        assert!(!head.contains("Bcc: all") && !head.contains("\nBcc"), "{head}");
        assert!(head.contains("Message-ID: <r.asked-000001--3-1.0-Bcc--x@h>"), "{head}");
        assert!(head.contains("Date: Fri, 02 Jan 2026 03:04:05 +0000"), "{head}");
        assert!(long.lines().all(|line| line.len() <= 90), "{long}");
        let decoded = BASE64.decode(body.replace('\n', "")).unwrap();
        assert_eq!(String::from_utf8(decoded).unwrap(), "ü".repeat(2000));
        let plain = message(None, &["a@b".into()], &notice("t", "one\ntwo\n"));
        assert!(
            plain.starts_with("To: a@b\nSubject: =?utf-8?B?dA==?=\n") && plain.ends_with("\n\none\ntwo\n"),
            "{plain}"
        );
    }
}
