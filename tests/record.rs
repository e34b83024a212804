//! A true record: what is stored and sent comes back as it was, and what is shown hides every secret.

#[path = "record/exact.rs"]
mod exact;
#[path = "record/programs.rs"]
mod programs;
#[path = "record/random.rs"]
mod random;
#[path = "record/shown.rs"]
mod shown;
#[path = "record/words.rs"]
mod words;
mod support;
