//! The forms in which programs write a value, as far as the very bytes can be made again: a stored piece is put together
//! by them. What only a [reading](super::reading) finds is stored as not known.
//!
//! A form is a part of the value (`line3`, `password`, `trimmed`) and how that is written, as `line3.json`; the whole
//! value as it is is `raw`.

use super::value;
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;

/// Shorter forms are not looked for.
pub(super) const SHORTEST: usize = 6;
/// Shorter lines of a long value are not looked for by themselves.
const SHORTEST_LINE: usize = 16;

const NO_PAD: GeneralPurposeConfig = GeneralPurposeConfig::new().with_encode_padding(false);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, NO_PAD);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, NO_PAD);

/// The ways to write, in the order in which one is preferred of two that come to the same.
const WAYS: [&str; 24] = [
    "raw",
    "json",
    "json2",
    "shell",
    "sql",
    "csv",
    "dollars",
    "slashes",
    "quoted",
    "percent",
    "percent-lower",
    "url",
    "component",
    "path",
    "plus",
    "plus-lower",
    "html",
    "html-decimal",
    "html-hex",
    "base64+0",
    "base64+1",
    "base64+2",
    "hex",
    "HEX",
];
const URL_WAYS: [&str; 3] = ["base64url+0", "base64url+1", "base64url+2"];

/// The parts of a value that are secret by themselves, by name, the whole first.
pub(super) fn bases(value: &str) -> Vec<(String, String)> {
    let mut bases = vec![(String::new(), value.to_owned())];
    let mut add = |name: &str, part: &str| {
        if !bases.iter().any(|(_, other)| other == part) && !value::is_weak(part) {
            bases.push((format!("{name}."), part.to_owned()));
        }
    };
    add("trimmed", value.trim());
    let unquoted =
        ['"', '\''].iter().find_map(|quote| value.trim().strip_prefix(*quote)?.strip_suffix(*quote));
    unquoted.into_iter().for_each(|part| add("unquoted", part));
    if let Some(password) = value::password_of(value) {
        add("password", password);
        add("decoded", &percent_decode_str(password).decode_utf8().unwrap_or(password.into()));
    }
    // The parts of a token whose first part says how it is signed.
    let parts: Vec<&str> = value.split('.').collect();
    if let ([_, claims, signature], true) = (parts.as_slice(), value.starts_with("eyJ")) {
        add("claims", claims);
        add("signature", signature);
    }
    if value.contains('\n') {
        for (n, line) in value.lines().enumerate() {
            let line = line.trim_end();
            if line.len() >= SHORTEST_LINE && !line.starts_with("-----") {
                add(&format!("line{n}"), line);
            }
        }
    }
    bases
}

/// Every form of a value with its name, without those that are too short.
pub(super) fn all(value: &str) -> Vec<(String, String)> {
    let mut forms: Vec<(String, String)> = Vec::new();
    for (base, part) in bases(value) {
        for way in WAYS.iter().chain(&URL_WAYS) {
            let Some(text) = write(way, &part) else { continue };
            if text.len() >= SHORTEST && !forms.iter().any(|(_, other)| *other == text) {
                forms.push((format!("{base}{way}"), text));
            }
        }
    }
    forms
}

/// A value in the form of this name; nothing if it has none such.
pub(super) fn apply(form: &str, value: &str) -> Option<String> {
    let (base, way) = match form.rsplit_once('.') {
        Some((base, way)) => (format!("{base}."), way),
        None => (String::new(), form),
    };
    let part = bases(value).into_iter().find(|(name, _)| *name == base)?.1;
    write(way, &part)
}

pub(super) fn write(way: &str, text: &str) -> Option<String> {
    let json = |text: &str| serde_json::to_string(text).ok().map(|text| text[1..text.len() - 1].to_owned());
    let percent = |kept: &str, text: &str, upper: bool| {
        let encode = |byte: u8| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => (byte as char).to_string(),
            _ if kept.as_bytes().contains(&byte) => (byte as char).to_string(),
            _ if upper => format!("%{byte:02X}"),
            _ => format!("%{byte:02x}"),
        };
        text.bytes().map(encode).collect::<String>()
    };
    let html = |decimal: &str| {
        let basic = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        basic.replace('"', if decimal == "&#39;" { "&#34;" } else { "&quot;" }).replace('\'', decimal)
    };
    Some(match way {
        "raw" => text.to_owned(),
        "json" => json(text)?,
        "json2" => json(&json(text)?)?,
        "shell" => text.replace('\'', "'\\''"),
        "sql" => text.replace('\'', "''"),
        "csv" => text.replace('"', "\"\""),
        "dollars" => text.replace('$', "$$"),
        "slashes" => text.replace('\\', "\\\\"),
        "quoted" => text.replace('\\', "\\\\").replace('\'', "\\'"),
        "percent" => percent("-_.~", text, true),
        "percent-lower" => percent("-_.~", text, false),
        "url" => percent("-_.~!*'();,/?:@&=+$#", text, true),
        "component" => percent("-_.~!*'()", text, true),
        "path" => percent("-_.~/", text, true),
        "plus" => percent("-_.~ ", text, true).replace(' ', "+"),
        "plus-lower" => percent("-_.~ ", text, false).replace(' ', "+"),
        "html" => html("&#39;"),
        "html-decimal" => html("&#039;"),
        "html-hex" => html("&#x27;"),
        "hex" => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        "HEX" => text.bytes().map(|byte| format!("{byte:02X}")).collect(),
        _ => {
            let (name, shift) = way.split_once('+')?;
            base64(if name == "base64" { &BASE64 } else { &BASE64_URL }, text, shift.parse().ok()?)?
        }
    })
}

/// What base64 makes of a text that stands so many bytes after the beginning of a group of three, without the letters at
/// the ends that depend on what is beside it.
fn base64(engine: &GeneralPurpose, text: &str, shift: usize) -> Option<String> {
    let bytes: Vec<u8> = std::iter::repeat_n(0, shift).chain(text.bytes()).collect();
    let encoded = engine.encode(&bytes);
    encoded.get((shift * 8).div_ceil(6)..bytes.len() * 8 / 6).map(str::to_owned)
}

/// The bytes that a line of base64 says, in either alphabet, padded or not.
pub(super) fn base64_decoded(line: &str) -> Option<Vec<u8>> {
    let line = line.trim_end_matches('=');
    let config =
        NO_PAD.with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::Indifferent);
    // The last letter may be a group cut short.
    let line = if line.len() % 4 == 1 { &line[..line.len() - 1] } else { line };
    GeneralPurpose::new(&STANDARD, config)
        .decode(line)
        .or_else(|_| GeneralPurpose::new(&URL_SAFE, config).decode(line))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_made_again_from_its_name() {
        for value in [
            "c4nary/of+the=test",
            "post'gres \"$x\\ü<&",
            "postgres://u:pa%2Fss-w0rd9@db/x",
            "one two three\nfour-five-six-seven\n",
        ] {
            for (form, text) in all(value) {
                assert_eq!(apply(&form, value).as_deref(), Some(text.as_str()), "{form}");
            }
        }
    }
}
