//! Where a call acts: on this machine, or, in a plan, nowhere.
//!
//! The gate knows only this trait. What is plugged in makes a run or a plan; no primitive can tell the difference.

pub mod facts;
pub mod here;
pub mod planner;

use crate::data::Arguments;
use crate::failure::Result;
use crate::lock::{Holder, Lock};
use crate::person::{Answer, Person};
use crate::primitive::{AnyPrimitive, Host, Probe};
use crate::site::Server;
use serde_json::Value;

/// Performs calls.
pub trait Reach: Send + Sync {
    /// Performs the call on the server of `host`.
    fn perform(&self, primitive: &dyn AnyPrimitive, arguments: &Arguments, host: &Host) -> Result<Value>;

    /// What is to be done with a call that was cut off.
    fn after_crash(
        &self,
        primitive: &dyn AnyPrimitive,
        arguments: &Arguments,
        host: &Host,
    ) -> Result<Probe<Value>>;

    /// Has a person answer what the call asks.
    fn ask(
        &self,
        primitive: &dyn AnyPrimitive,
        arguments: &Arguments,
        person: &dyn Person,
    ) -> Result<(Value, Option<Answer>)>;

    /// Takes the server's lock, where there is one to take.
    fn hold(&self, server: &Server, holder: Holder) -> Result<Option<Lock>>;
}
