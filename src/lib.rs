//! banister runs update runbooks for self-hosted servers: a host in Rust, runbooks in Rhai.
//!
//! A program of your own with primitives of your own begins with [`Program`].
//!
//! The modules stand here from bottom to top: a module uses only those above it in this list.

#![forbid(unsafe_code)]

#[macro_use]
pub mod output;
pub mod failure;
pub mod units;
pub mod data;
pub mod kind;
pub mod secret;
pub mod person;
pub mod stop;
pub mod event;
pub mod command;
pub mod machine;
pub mod practice;
pub mod journal;
pub mod book;
pub mod lock;
pub mod site;
pub mod primitive;
pub mod supervised;
pub mod primitives;
pub mod reach;
pub mod session;
pub mod script;
pub mod report;
pub mod cli;
pub mod program;

pub use program::Program;
