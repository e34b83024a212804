//! Does nothing: for whoever only goes through what a run has done.

use super::inquiry::Inquiry;
use super::{Held, Reach};
use crate::failure::{Failure, Kind, Result};
use crate::lock::Holder;
use crate::person::{Answer, Person};
use crate::primitive::{Given, Host, Probe, Sort, Told};
use crate::site::Server;
use crate::stop::Stop;
use serde_json::Value;
use std::sync::Arc;

/// Looks only where an outcome holds a secret, which no journal has.
pub struct Frozen(pub Arc<dyn Reach>);

fn frozen() -> Failure {
    Failure::new(Kind::Interrupted, "the run stopped here")
}

impl Reach for Frozen {
    fn perform(&self, given: &Given, host: &Host) -> Result<Value> {
        match given.primitive.sort() {
            Sort::Look => self.0.perform(given, host),
            Sort::Session => Ok(Value::Null),
            Sort::Change | Sort::Ask => Err(frozen()),
        }
    }

    fn predict(&self, _: &Given, _: &Host) -> Result<Value> {
        Err(frozen())
    }

    fn after_crash(&self, _: &Given, _: &Host) -> Result<Probe<Value>> {
        Err(frozen())
    }

    fn end(&self, _: &Host) -> Result<()> {
        Err(frozen())
    }

    fn ask(&self, _: &Given, _: &dyn Person) -> Result<(Value, Option<Answer>)> {
        Err(frozen())
    }

    fn hold(&self, _: &Server, _: Holder, _: &Stop, _: &dyn Fn(Told)) -> Result<Option<Box<dyn Held>>> {
        Ok(None)
    }

    fn inquire(&self, _: &Server, _: &Inquiry) -> Result<Value> {
        Err(frozen())
    }
}
