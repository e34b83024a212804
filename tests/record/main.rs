//! A true record: what is stored and sent comes back as it was, and what is shown hides every secret.
//!
//! A program of its own, because these tests make the process forget all secrets.

mod exact;
mod programs;
mod random;
mod shown;
mod words;
#[allow(dead_code, reason = "the tests of the program use the rest")]
#[path = "../support/mod.rs"]
mod support;
