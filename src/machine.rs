//! What a primitive may touch on the machine it runs on.

pub mod files;
pub mod git;
pub mod release;
