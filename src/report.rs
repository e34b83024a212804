//! How people see a run, and how they are asked.

pub mod failure;
pub mod findings;
pub mod json;
pub mod lines;
pub mod log;
pub mod markdown;
pub mod plan;
pub mod plan_summary;
pub mod prometheus;
pub mod prompt;
pub mod reference;
mod side_by_side;
pub mod text;
mod tracks;
