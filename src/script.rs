//! Everything that knows Rhai: the text of runbooks becomes calls at the gate.
//!
//! The rooms stand here from bottom to top, as the modules in `lib.rs` do.

pub mod text;
pub mod layers;
pub mod engine;
pub mod check;
pub mod runbook;
pub mod kind;
pub mod rehearsal;
pub mod plan;
pub mod reference;
pub mod repl;
