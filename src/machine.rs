//! The machine on which servers run: what answers on it, and what runs on it.

pub mod http;
pub mod compose;
pub mod health;
