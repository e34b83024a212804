//! The end of a text that is not yet whole: a secret may begin there.

use super::{show, store};
use std::borrow::Cow;

/// A beginning of a secret of this length, at the end of all output, is hidden.
const TELLING: usize = 6;

/// How many bytes at the end may begin a secret, and must wait for what follows.
pub fn tail(text: &str) -> usize {
    store::finder().tail(text)
}

/// A text after which nothing comes, without the beginning of a secret at its end.
pub fn without_tail(text: &str) -> Cow<'_, str> {
    match tail(text) {
        tail if tail >= TELLING => Cow::Owned(format!("{}{}", &text[..text.len() - tail], show::HIDDEN)),
        _ => Cow::Borrowed(text),
    }
}
