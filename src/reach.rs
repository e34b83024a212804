//! Where a call acts: on this machine, on another one, or, in a plan, nowhere.
//!
//! The gate knows only this trait. What is plugged in makes a run or a plan; no primitive can tell the difference.

pub mod agent;
mod caller;
pub mod desk;
mod errors;
pub mod facts;
pub mod frozen;
mod greeting;
pub mod here;
mod holding;
mod obstacle;
mod orphans;
pub mod inquiry;
mod known_hosts;
mod lines;
mod link;
pub mod looking;
pub mod planner;
pub mod routes;
mod ssh;
pub mod talk;
mod there;
pub mod wire;

use crate::book::End;
use crate::failure::Result;
use crate::lock::Holder;
use crate::person::{Answer, Person};
use crate::primitive::{Given, Host, Probe, Told};
use crate::site::Server;
use crate::stop::Stop;
use inquiry::Inquiry;
use serde_json::Value;

/// Performs calls.
pub trait Reach: Send + Sync {
    /// Performs the call on the server of `host`.
    fn perform(&self, given: &Given, host: &Host) -> Result<Value>;

    /// What a plan may assume of the call.
    fn predict(&self, given: &Given, host: &Host) -> Result<Value>;

    /// What is to be done with a call that was cut off.
    fn after_crash(&self, given: &Given, host: &Host) -> Result<Probe<Value>>;

    /// Ends the command of the attempt of `host`, with all that it started. Does nothing if none runs.
    fn end(&self, host: &Host) -> Result<()>;

    /// Has a person answer what the call asks.
    fn ask(&self, given: &Given, person: &dyn Person) -> Result<(Value, Option<Answer>)>;

    /// Takes the server's lock, where there is one to take. What this run itself still does there is waited for.
    fn hold(
        &self,
        server: &Server,
        holder: Holder,
        stop: &Stop,
        tell: &dyn Fn(Told),
    ) -> Result<Option<Box<dyn Held>>>;

    /// Answers a question about the server that is no call of a script.
    fn inquire(&self, server: &Server, inquiry: &Inquiry) -> Result<Value>;
}

/// The lock of a server, held by this session. Dropped, it is free.
pub trait Held: Send {
    /// Makes sure, before a change in `step`, that nobody took it away, and says that we still work. `changes` says whether
    /// the run is half-way from then on.
    fn beat(&mut self, step: &str, changes: bool) -> Result<()>;

    /// Writes into the server's book how the session leaves the run.
    fn end(&mut self, end: &End, stop: &Stop, tell: &dyn Fn(Told)) -> Result<()>;
}
