//! banister runs update runbooks for self-hosted servers: a host in Rust, runbooks in Rhai.
//!
//! The modules stand here from bottom to top: a module uses only those above it in this list.

#![forbid(unsafe_code)]

pub mod data;
pub mod event;
pub mod failure;
pub mod journal;
pub mod lock;
pub mod person;
pub mod primitive;
pub mod secret;
pub mod site;
pub mod stop;
pub mod units;

pub mod command;
