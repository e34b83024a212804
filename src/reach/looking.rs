//! Only looks: for whoever asks about a server outside of a run.

use super::inquiry::Inquiry;
use super::{Held, Reach};
use crate::data::Arguments;
use crate::failure::{Failure, Kind, Result};
use crate::lock::Holder;
use crate::person::{Answer, Person};
use crate::primitive::{AnyPrimitive, Host, Probe, Sort, Told};
use crate::site::Server;
use crate::stop::Stop;
use serde_json::Value;
use std::sync::Arc;

/// Refuses what may change something: nobody holds the server, and nothing is written down.
pub struct Looking(pub Arc<dyn Reach>);

fn refused(name: &str) -> Failure {
    Failure::new(Kind::Refused, format!("`{name}` may change something, and here is only a look"))
        .help("call only primitives that look, such as `http`, `query`, `services` and `read_env`")
}

impl Reach for Looking {
    fn perform(&self, primitive: &dyn AnyPrimitive, arguments: &Arguments, host: &Host) -> Result<Value> {
        match primitive.sort() {
            Sort::Look | Sort::Session => self.0.perform(primitive, arguments, host),
            Sort::Change | Sort::Ask => Err(refused(primitive.name())),
        }
    }

    fn predict(&self, primitive: &dyn AnyPrimitive, _: &Arguments, _: &Host) -> Result<Value> {
        Err(refused(primitive.name()))
    }

    fn after_crash(&self, primitive: &dyn AnyPrimitive, _: &Arguments, _: &Host) -> Result<Probe<Value>> {
        Err(refused(primitive.name()))
    }

    fn end(&self, _: &Host) -> Result<()> {
        Ok(())
    }

    fn ask(
        &self,
        primitive: &dyn AnyPrimitive,
        _: &Arguments,
        _: &dyn Person,
    ) -> Result<(Value, Option<Answer>)> {
        Err(refused(primitive.name()))
    }

    fn hold(&self, _: &Server, _: Holder, _: &Stop, _: &dyn Fn(Told)) -> Result<Option<Box<dyn Held>>> {
        Ok(None)
    }

    fn inquire(&self, server: &Server, inquiry: &Inquiry) -> Result<Value> {
        self.0.inquire(server, inquiry)
    }
}
