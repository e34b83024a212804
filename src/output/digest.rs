//! Digests of images in texts for people: twelve of their digits say which one is meant.

use std::borrow::Cow;

/// How many digits are shown, as `docker` does it.
pub const SHOWN: usize = 12;
/// A whole digest has as many.
const WHOLE: usize = 64;
const BEGIN: &str = "sha256:";

/// A text in which each digest behind a `@`, as in `latest@sha256:…`, is short. Those joined to it by `+` are, too.
pub fn shortened(text: &str) -> Cow<'_, str> {
    if !text.contains("@sha256:") {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(BEGIN) {
        let digits = at + BEGIN.len();
        let count = rest[digits..].bytes().take_while(u8::is_ascii_hexdigit).count();
        // What is joined comes right after what was shortened before it.
        let before = rest[..at].chars().next_back().or_else(|| out.chars().next_back());
        let is_meant = count == WHOLE && matches!(before, Some('@' | '+'));
        out.push_str(&rest[..digits + if is_meant { SHOWN } else { count }]);
        rest = &rest[digits + count..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn a_digest_behind_a_name_is_short_and_any_other_text_stays() {
        let (one, two) = ("0123456789abcdef".repeat(4), "fedcba9876543210".repeat(4));
        assert_eq!(
            shortened(&format!("from latest@sha256:{one} to `latest@sha256:{two}+sha256:{one}`.")),
            "from latest@sha256:0123456789ab to `latest@sha256:fedcba987654+sha256:0123456789ab`."
        );
        for text in [format!("file is sha256:{one}"), format!("a@sha256:{one}0"), "a@sha256:12+ä".into()] {
            assert_eq!(shortened(&text), text);
        }
    }
}
