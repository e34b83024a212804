//! Tests that do in this process what `banister` does in its own: they check, run and plan scripts, and are an agent. None
//! of them may learn a secret, because the others would then know it, too. They need all processors for minutes, so that
//! nothing that looks at the clock may run beside them.

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "the tests of the program use the rest")]
mod support;

mod agent;
mod fuzz;
mod gate;
mod holes;
mod mutations;
