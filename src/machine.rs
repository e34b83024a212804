//! What a primitive may touch on the machine it runs on.

pub mod files;

pub mod archive;
pub mod env_file;
