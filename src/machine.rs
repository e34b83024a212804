//! What a primitive may touch on the machine it runs on.

pub mod archive;
pub mod compose;
pub mod env_file;
pub mod files;
pub mod git;
pub mod health;
pub mod http;
pub mod release;
