//! The practice server, through the real program.

mod faults;
mod server;
mod setup;
