//! What is scheduled, as it is kept, and what became of it last: for `schedule`, which writes it, and for all who look.

pub mod kept;
pub mod refusal;

/// The runbook that only fetches.
pub const PREFETCH: &str = "prefetch";
