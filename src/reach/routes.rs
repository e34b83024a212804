//! To each server its own way: this machine, or its agent over ssh.

use super::here::Here;
use super::inquiry::Inquiry;
use super::there::There;
use super::wire::{Attempt, Task, What};
use super::{Held, Reach};
use crate::book::End;
use crate::data::{self, Arguments};
use crate::failure::{Context, Failure, Kind, Result};
use crate::lock::Holder;
use crate::person::{Answer, Person};
use crate::primitive::{Given, Host, Probe, Sort, Told};
use crate::secret::{self, Secret};
use crate::site::{Server, Site};
use crate::stop::Stop;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The ways to the servers of a site.
pub struct Routes {
    /// The names of all servers.
    names: Vec<String>,
    there: BTreeMap<String, Arc<There>>,
}

impl Routes {
    pub fn of(site: &Site) -> Routes {
        let elsewhere = site.servers.values().filter(|server| server.ssh.is_some());
        let there = elsewhere.map(|server| (server.name.clone(), Arc::new(There::new(server.clone()))));
        Routes { names: site.servers.keys().cloned().collect(), there: there.collect() }
    }

    fn there(&self, server: Option<&Server>) -> Option<&Arc<There>> {
        self.there.get(&server?.name)
    }

    /// The call as its agent gets it.
    fn task(&self, given: &Given, host: &Host, step: String) -> Result<Task> {
        let Given { primitive, arguments, .. } = *given;
        let own = host.server.map(|server| server.name.as_str()).unwrap_or_default();
        let mut secrets = BTreeMap::new();
        let plain = Value::Object(arguments.clone());
        for lost in secret::lost_in(&plain) {
            if lost.at.as_deref() != Some(own) {
                let message = format!("the secret {} is not for `{own}`", lost.name());
                return Err(Failure::new(Kind::Refused, message));
            }
        }
        for name in secrets_in(&plain).into_iter().chain(secret::names_in(&plain)) {
            let of = name.split(' ').next().unwrap_or_default();
            if of != own && self.names.iter().any(|server| server == of) {
                let message = format!("the secret `{name}` is not for `{own}`");
                return Err(Failure::new(Kind::Refused, message));
            }
            // What the server knows itself is not known here.
            if let Ok(value) = (Secret { name: name.clone() }).reveal() {
                secrets.insert(name, value);
            }
        }
        Ok(Task {
            primitive: primitive.name().into(),
            arguments: arguments
                .iter()
                .map(|(name, value)| (name.clone(), secret::to_server(value.clone(), own)))
                .collect(),
            attempt: attempt(host.folder),
            step,
            secrets,
        })
    }
}

/// An attempt's folder is `RUN/logs/NAME`; in a plan there is none.
fn attempt(folder: &Path) -> Option<Attempt> {
    let name = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
    Some(Attempt { run: name(folder.parent()?.parent()?)?, folder: name(folder)? })
}

fn secrets_in(value: &Value) -> Vec<String> {
    if let Some(Value::String(name)) = data::tagged(value, data::SECRET) {
        return vec![name.clone()];
    }
    match value {
        Value::Array(items) => items.iter().flat_map(secrets_in).collect(),
        Value::Object(object) => object.values().flat_map(secrets_in).collect(),
        _ => Vec::new(),
    }
}

impl Reach for Routes {
    fn perform(&self, given: &Given, host: &Host) -> Result<Value> {
        let sort = given.primitive.sort();
        // What is for the session alone is here, whatever server it is about.
        let there = self.there(host.server).filter(|_| sort != Sort::Session);
        let Some(there) = there else { return Here.perform(given, host) };
        let what = What::Perform(self.task(given, host, there.step())?);
        match sort {
            Sort::Change => there.change(what, host.stop, host.tell),
            _ => there.ask(&what, host.stop, host.tell),
        }
    }

    fn predict(&self, given: &Given, host: &Host) -> Result<Value> {
        let Some(there) = self.there(host.server) else { return Here.predict(given, host) };
        let task = self.task(given, host, String::new())?;
        there.ask(&What::Predict(task), host.stop, host.tell)
    }

    fn after_crash(&self, given: &Given, host: &Host) -> Result<Probe<Value>> {
        let Some(there) = self.there(host.server) else { return Here.after_crash(given, host) };
        let task = self.task(given, host, String::new())?;
        let answer = there.ask(&What::AfterCrash(task), host.stop, host.tell)?;
        serde_json::from_value(answer)
            .or_fail(Kind::Bug, || "the agent found something else than a probe".into())
    }

    fn end(&self, host: &Host) -> Result<()> {
        let Some(there) = self.there(host.server) else { return Here.end(host) };
        let task = Task {
            primitive: String::new(),
            arguments: Arguments::new(),
            attempt: attempt(host.folder),
            step: String::new(),
            secrets: BTreeMap::new(),
        };
        there.ask(&What::End(task), host.stop, host.tell).map(drop)
    }

    fn ask(&self, given: &Given, person: &dyn Person) -> Result<(Value, Option<Answer>)> {
        Here.ask(given, person)
    }

    fn hold(
        &self,
        server: &Server,
        holder: Holder,
        stop: &Stop,
        tell: &dyn Fn(Told),
    ) -> Result<Option<Box<dyn Held>>> {
        let Some(there) = self.there(Some(server)) else { return Here.hold(server, holder, stop, tell) };
        there.hold(holder, stop, tell)?;
        Ok(Some(Box::new(HeldThere(there.clone()))))
    }

    fn inquire(&self, server: &Server, inquiry: &Inquiry) -> Result<Value> {
        let Some(there) = self.there(Some(server)) else { return Here.inquire(server, inquiry) };
        there.ask(&What::Inquire(inquiry.clone()), &Stop::new(), &|_: Told| {})
    }
}

/// The lock of a server elsewhere. That nobody took it away is made sure there, before each change.
struct HeldThere(Arc<There>);

impl Held for HeldThere {
    fn beat(&mut self, step: &str, _: bool) -> Result<()> {
        self.0.set_step(step);
        Ok(())
    }

    fn end(&mut self, end: &End, stop: &Stop, tell: &dyn Fn(Told)) -> Result<()> {
        self.0.close(end, stop, tell)
    }
}

impl Drop for HeldThere {
    fn drop(&mut self) {
        self.0.release();
    }
}
