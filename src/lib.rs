//! banister runs update runbooks for self-hosted servers: a host in Rust, runbooks in Rhai.
//!
//! A program of your own with primitives of your own begins with [`Program`].
//!
//! The modules stand here from bottom to top: a module uses only those above it in this list.

#![forbid(unsafe_code)]

mod sync;
#[macro_use]
mod output;
pub mod failure;
pub mod units;
mod clock;
pub mod data;
mod kind;
mod secret;
mod person;
mod stop;
mod key;
mod event;
mod command;
mod machine;
mod practice;
mod journal;
mod book;
mod lock;
mod site;
pub mod primitive;
mod supervised;
mod primitives;
mod reach;
mod session;
mod script;
mod report;
mod runner;
mod home;
mod cli;
mod program;
#[doc(hidden)]
pub mod internals;

pub use program::Program;
pub use site::Server;
pub use stop::Stop;
