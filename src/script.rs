//! Everything that knows Rhai: the text of runbooks becomes calls at the gate.

pub mod blocks;
pub mod check;
pub mod convert;
pub mod engine;
pub mod error;
pub mod here;
pub mod kind;
pub mod layers;
pub mod runbook;
pub mod types;
pub mod unknown;
