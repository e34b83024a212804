//! Tests that do the program's work in this process, with what a process has one of: none of them may know a secret, and
//! none starts programs whose time is looked at, because these need whole processors.

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "the tests of the program use the rest")]
mod support;

mod agent;
mod fuzz;
mod gate;
mod holes;
mod mutations;
