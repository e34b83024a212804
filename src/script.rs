//! Everything that knows Rhai: the text of runbooks becomes calls at the gate.

pub mod assume;
pub mod blocks;
pub mod check;
pub mod compose;
pub mod convert;
pub mod engine;
pub mod error;
pub mod examples;
pub mod explore;
pub mod fold;
pub mod here;
pub mod kind;
pub mod layer_check;
pub mod layers;
pub mod outline;
pub mod plan;
pub mod repl;
pub mod runbook;
pub mod seen;
pub mod source;
pub mod stale;
pub mod sweep;
pub mod tokens;
pub mod types;
pub mod unknown;
