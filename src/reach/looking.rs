//! Only looks: for whoever asks about a server outside of a run.

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

/// Refuses what may change something: nobody holds the server, and nothing is written down.
pub struct Looking(pub Arc<dyn Reach>);

fn refused(given: &Given) -> Failure {
    let name = given.primitive.name();
    Failure::new(Kind::Refused, format!("`{name}` may change something, and here is only a look"))
        .help("call only primitives that look, such as `http`, `query`, `services` and `read_env`")
}

impl Reach for Looking {
    fn perform(&self, given: &Given, host: &Host) -> Result<Value> {
        match given.primitive.sort() {
            Sort::Look | Sort::Session => self.0.perform(given, host),
            Sort::Change | Sort::Ask => Err(refused(given)),
        }
    }

    fn predict(&self, given: &Given, _: &Host) -> Result<Value> {
        Err(refused(given))
    }

    fn after_crash(&self, given: &Given, _: &Host) -> Result<Probe<Value>> {
        Err(refused(given))
    }

    fn end(&self, _: &Host) -> Result<()> {
        Ok(())
    }

    fn ask(&self, given: &Given, _: &dyn Person) -> Result<(Value, Option<Answer>)> {
        Err(refused(given))
    }

    fn hold(&self, _: &Server, _: Holder, _: &Stop, _: &dyn Fn(Told)) -> Result<Option<Box<dyn Held>>> {
        Ok(None)
    }

    fn inquire(&self, server: &Server, inquiry: &Inquiry) -> Result<Value> {
        self.0.inquire(server, inquiry)
    }
}
