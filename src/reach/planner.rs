//! Acts nowhere: looks are really performed, changes are noted, and what they will result in is predicted.
//!
//! A look at something that a planned change will have changed is not performed either, because what it would see
//! now is not what the run will see: its result is predicted too, as unknown where it can't be known.

use super::Reach;
use super::here::lock_folder;
use crate::data::{self, Arguments};
use crate::failure::Result;
use crate::lock::{self, Holder, Lock, State};
use crate::person::{Answer, Person};
use crate::primitive::{AnyPrimitive, Facet, Host, Probe, Sort, Told};
use crate::site::Server;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Mutex;

/// One plan. Looks are remembered over all its paths, so that each is performed once.
#[derive(Default)]
pub struct Planner {
    looks: Mutex<HashMap<String, Result<Value>>>,
    /// What this path has changed so far: the server's name, and the part of it.
    touched: Mutex<Vec<(Option<String>, Facet)>>,
}

impl Planner {
    /// Forgets what was changed: another path begins.
    pub fn begin_path(&self) {
        self.touched().clear();
    }

    fn touched(&self) -> std::sync::MutexGuard<'_, Vec<(Option<String>, Facet)>> {
        self.touched.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn is_touched(&self, server: Option<&Server>, reads: &[Facet]) -> bool {
        let name = server.map(|server| server.name.clone());
        self.touched().iter().any(|(where_, facet)| {
            *where_ == name && !reads.is_empty() && (*facet == Facet::Everything || reads.contains(facet))
        })
    }

    /// Performs a look once, whatever path asks for it.
    fn look(&self, primitive: &dyn AnyPrimitive, arguments: &Value, host: &Host) -> Result<Value> {
        let key = format!("{} {arguments}", primitive.name());
        let known = self.looks.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get(&key).cloned();
        if let Some(known) = known {
            return known;
        }
        let found = primitive.perform(arguments, host);
        self.looks.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(key, found.clone());
        found
    }
}

impl Reach for Planner {
    fn perform(&self, primitive: &dyn AnyPrimitive, arguments: &Arguments, host: &Host) -> Result<Value> {
        let arguments = Value::Object(arguments.clone());
        let predict = || match data::contains(&arguments, data::UNKNOWN) {
            true => Ok(data::unknown(primitive.name())),
            false => primitive.predict(&arguments, host),
        };
        match primitive.sort() {
            Sort::Session if data::contains(&arguments, data::UNKNOWN) => Ok(Value::Null),
            Sort::Look if data::contains(&arguments, data::UNKNOWN) => predict(),
            Sort::Look if self.is_touched(host.server, primitive.facets()) => {
                primitive.predict(&arguments, host)
            }
            Sort::Look => self.look(primitive, &arguments, host),
            Sort::Session => primitive.perform(&arguments, host),
            Sort::Change | Sort::Ask => {
                let predicted = predict()?;
                let server = host.server.map(|server| server.name.clone());
                self.touched().extend(primitive.facets().iter().map(|facet| (server.clone(), *facet)));
                Ok(predicted)
            }
        }
    }

    fn after_crash(&self, _: &dyn AnyPrimitive, _: &Arguments, _: &Host) -> Result<Probe<Value>> {
        Ok(Probe::GoOn)
    }

    fn ask(
        &self,
        primitive: &dyn AnyPrimitive,
        arguments: &Arguments,
        _: &dyn Person,
    ) -> Result<(Value, Option<Answer>)> {
        let arguments = Value::Object(arguments.clone());
        if data::contains(&arguments, data::UNKNOWN) {
            return Ok((data::unknown(primitive.name()), None));
        }
        let nowhere = Host {
            server: None,
            folder: std::path::Path::new(""),
            stop: &crate::stop::Stop::new(),
            tell: &|_: Told| {},
            hold: &|_: &str| Ok(()),
        };
        Ok((primitive.predict(&arguments, &nowhere)?, None))
    }

    /// Takes nothing; a plan may be made while somebody works, but should say so.
    fn hold(&self, server: &Server, _: Holder) -> Result<Option<Lock>> {
        match lock::look(&lock_folder(server)?)? {
            State::Held(holder) => {
                tracing::warn!("{} is held by {}", server.name, lock::describe(&holder));
                Ok(None)
            }
            State::Free | State::Left(_) => Ok(None),
        }
    }
}
