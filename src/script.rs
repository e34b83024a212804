//! Everything that knows Rhai: the text of runbooks becomes calls at the gate.

pub mod assume;
pub mod blocks;
pub mod check;
pub mod convert;
pub mod engine;
pub mod error;
pub mod explore;
pub mod fold;
pub mod here;
pub mod kind;
pub mod layers;
pub mod plan;
pub mod runbook;
pub mod sweep;
pub mod types;
pub mod unknown;
