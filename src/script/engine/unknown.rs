//! What a plan can't know, as a value of a script.
//!
//! A plan lies most easily where a script compares such a value: here the comparison asks the plan's chooser, which
//! goes through the script once for each answer. Whatever can't be asked ends the path, in a way that no `try` can
//! catch.

use super::values::to_error;
use crate::failure::{Failure, Kind};
use rhai::{Dynamic, EvalAltResult};
use std::sync::atomic::{AtomicU64, Ordering};

/// What the text of an unknown begins with. A text that was put together with an unknown is recognised by it.
pub const MARK: &str = "‹known after ";

/// A value that only a run can know.
#[derive(Clone, Debug, PartialEq)]
pub struct Unknown {
    /// What it is: `commit of Check out`.
    pub about: String,
    /// Which fact it is, for the same words may name two: equal only if it is the same value, or was taken from the
    /// same value in the same way.
    pub fact: String,
}

impl Unknown {
    /// A fact of its own.
    pub fn new(about: impl Into<String>) -> Unknown {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Unknown { about: about.into(), fact: format!("#{}", NEXT.fetch_add(1, Ordering::Relaxed)) }
    }

    /// What is taken from it, or made of it.
    pub fn derived(&self, how: impl Fn(&str) -> String) -> Unknown {
        Unknown { about: how(&self.about), fact: how(&self.fact) }
    }
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{MARK}{}›", self.about)
    }
}

/// Iterating over it ends the path: nobody knows how often.
impl IntoIterator for Unknown {
    type Item = Result<Dynamic, Box<EvalAltResult>>;
    type IntoIter = std::iter::Once<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        std::iter::once(Err(depends(&self)))
    }
}

/// The end of a path, where nothing more can be said; no `try` catches it.
pub fn depends(on: impl std::fmt::Display) -> Box<EvalAltResult> {
    to_error(Failure::new(Kind::Depends, on.to_string()))
}

/// Whether Rhai's own message is about an unknown where a value of a certain type must be, such as after `if`.
pub fn is_about_one(message: &str) -> bool {
    message.contains(std::any::type_name::<Unknown>())
}
