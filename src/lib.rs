//! banister runs update runbooks for self-hosted servers: a host in Rust, runbooks in Rhai.
//!
//! The modules stand here from bottom to top: a module uses only those above it in this list.

#![forbid(unsafe_code)]

pub mod failure;
pub mod units;

pub mod practice;
