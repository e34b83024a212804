//! Calls that were cut off: begun, and their end is not recorded.

use super::Session;
use super::passing::Passing;
use super::replay::Next;
use crate::data;
use crate::failure::{Failure, Kind, Result};
use crate::journal::{Entry, Outcome};
use crate::person::{Form, Question};
use crate::primitive::Probe;
use serde_json::Value;

impl Session {
    /// Finds out how far a call came, as its page says under After a crash.
    pub(super) fn cut_off(&self, passing: &Passing, attempt: u32) -> Result<Next> {
        let Passing { key, given, server, .. } = *passing;
        let probe =
            self.with_host(server, key, attempt, false, |host| self.reach.after_crash(given, host))?;
        match probe {
            Probe::Done(value) => {
                let result = Outcome::Done(value.clone());
                self.write(Entry::Ended { key: key.to_buf(), attempt, seconds: 0.0, result }, true)?;
                Ok(Next::Return(value))
            }
            Probe::GoOn => Ok(Next::Perform { attempt, begun: true }),
            Probe::Again => Ok(Next::Perform { attempt: attempt + 1, begun: false }),
            Probe::Unknown(why) => self.decide(passing, attempt, &why),
        }
    }

    /// The same, for a call that was lost while this session was following it.
    pub(super) fn settle(&self, passing: &Passing, attempt: u32) -> Result<Value> {
        let Passing { key, at, call, .. } = *passing;
        match self.cut_off(passing, attempt)? {
            Next::Return(value) => Ok(value),
            Next::Fail(failure) => Err(failure),
            Next::Perform { attempt, begun } => {
                if !begun {
                    let begun =
                        Entry::Begun { key: key.to_buf(), call: call.clone(), attempt, at: at.into() };
                    self.write(begun, true)?;
                }
                self.act(passing, attempt)
            }
        }
    }

    /// Asks a person what nobody else can know.
    fn decide(&self, passing: &Passing, attempt: u32, why: &str) -> Result<Next> {
        let Passing { key, given, server, .. } = *passing;
        let text = passing.text();
        let question = Question {
            text: format!("{text} was interrupted: {why}. Do it again, take it as done, or stop?"),
            form: Form::one_of(&["again", "done", "stop"]),
        };
        let about = format!("{}.doubt.{attempt}", key.folder_name());
        let answer = self.person.ask_about(&about, &question)?;
        let decision = Entry::Decision { key: key.to_buf(), decision: answer.text.clone(), by: answer.by };
        match answer.text.as_str() {
            "again" => {
                self.write(decision, true)?;
                Ok(Next::Perform { attempt: attempt + 1, begun: false })
            }
            "done" => {
                self.write(decision, true)?;
                let predicted =
                    self.with_host(server, key, attempt, true, |host| self.reach.predict(given, host))?;
                let value = without_unknowns(predicted);
                let result = Outcome::Done(value.clone());
                self.write(Entry::Ended { key: key.to_buf(), attempt, seconds: 0.0, result }, true)?;
                Ok(Next::Return(value))
            }
            _ => Err(Failure::new(Kind::Declined, format!("stopped: {text} was interrupted"))
                .help("check the server with `banister status`, then `banister resume`")),
        }
    }
}

/// A prediction as an outcome: what is not known is `()`.
fn without_unknowns(value: Value) -> Value {
    match value {
        ref unknown if data::tagged(unknown, data::UNKNOWN).is_some() => Value::Null,
        ref choice if data::tagged(choice, data::ONE_OF).is_some() => Value::Null,
        Value::Array(items) => items.into_iter().map(without_unknowns).collect(),
        Value::Object(object) => object
            .into_iter()
            .map(|(name, item)| (name, without_unknowns(item)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        known => known,
    }
}
