//! What a record says of a call that is asked for again.

use super::Session;
use super::passing::Passing;
use crate::data;
use crate::event::Event;
use crate::failure::{Failure, Kind, Result};
use crate::journal::index::CallRecord;
use crate::journal::{Entry, Outcome};
use crate::key::Key;
use crate::person::{Form, Question};
use crate::primitive::Sort;
use crate::primitives;
use crate::secret::{Sameness, in_failure, put_together, same};
use serde_json::Value;

/// What happens with a call.
pub(super) enum Next {
    Return(Value),
    Fail(Failure),
    /// Do it; `begun` if its intent is written down already.
    Perform {
        attempt: u32,
        begun: bool,
    },
}

impl Session {
    pub(super) fn replay(&self, passing: &Passing) -> Result<Next> {
        let Passing { key, call, .. } = *passing;
        let sort = passing.given.primitive.sort();
        let going_back = self.is_turned_back() && key.in_course();
        let record = {
            let written = self.written.lock();
            let set_aside = written.index.call_set_aside(key).filter(|_| going_back);
            written.index.call(key).or(set_aside).cloned()
        };
        let Some(record) = record else {
            let block = self.written.lock().index.block(key).map(|block| block.name.clone());
            if let Some(block) = block {
                return Err(self.differs(key, &format!("step `{block}`"), &passing.text()));
            }
            self.check_nothing_later(key, &passing.text())?;
            let attempt = self.written.lock().index.next_attempt(key);
            return Ok(Next::Perform { attempt, begun: false });
        };
        if going_back && record.outcome.is_none() {
            return Ok(Next::Fail(super::rollback::turned_back()));
        }
        let later = self.written.lock().index.goes_on_after(key);
        let sameness = match record.call.name == call.name {
            true if record.call.arguments == call.arguments => Sameness::Same,
            true => same(&put_together(record.call.arguments.clone().into()), &call.arguments.clone().into()),
            false => Sameness::Differs,
        };
        if sameness == Sameness::Differs {
            return self.changed(passing, &record, later);
        }
        match record.outcome.clone() {
            Some(Outcome::Done(value)) => {
                self.tell_replayed(passing, &record);
                if let (Sameness::OtherSecret(names), Sort::Change) = (&sameness, sort) {
                    let text = passing.text();
                    let names = names.join("`, `");
                    let text = format!("{text} was done with an earlier value of `{names}`");
                    self.tell(&Event::Warned { text: text.into() });
                }
                let value = put_together(value);
                self.note_lost(&value, || format!("{} at {}", passing.text(), record.at));
                // A secret is never recorded; it is looked up anew.
                if data::contains(&value, data::SECRET) && sort == Sort::Look {
                    return self.perform(passing, record.attempt, true).map(Next::Return);
                }
                Ok(Next::Return(value))
            }
            Some(Outcome::Failed(failure)) if later => {
                let failure = in_failure(failure, &put_together);
                let place = || format!("{} at {}", passing.text(), record.at);
                let texts = failure.why.iter().chain([&failure.message]);
                texts.for_each(|text| self.note_lost(&text.as_str().into(), place));
                Ok(Next::Fail(failure))
            }
            Some(Outcome::Failed(_)) => Ok(Next::Perform { attempt: record.attempt + 1, begun: false }),
            None if sort == Sort::Change => self.cut_off(passing, record.attempt),
            None => Ok(Next::Perform { attempt: record.attempt, begun: true }),
        }
    }

    fn tell_replayed(&self, passing: &Passing, record: &CallRecord) {
        let Passing { key, call, server, .. } = *passing;
        let (name, text) = (call.name.clone(), passing.text());
        self.tell(&Event::CallStarted {
            key: key.to_buf(),
            name: name.clone(),
            text: text.clone(),
            server: server.map(|server| server.name.clone()),
            at: record.at.to_string(),
            replayed: true,
        });
        self.tell(&Event::CallFinished {
            key: key.to_buf(),
            name,
            text,
            seconds: record.seconds,
            replayed: true,
            outcome: None,
            failure: None,
        });
    }

    /// The script asks for something else than what is recorded. At the frontier that is what a person came to mend,
    /// unless the recorded call may have acted; before it, only a person can say what to do.
    fn changed(&self, passing: &Passing, record: &CallRecord, later: bool) -> Result<Next> {
        let Passing { key, call, .. } = *passing;
        let failed = matches!(record.outcome, Some(Outcome::Failed(_)));
        if failed && !later {
            return Ok(Next::Perform { attempt: record.attempt + 1, begun: false });
        }
        let was = format!("{}  [{}]", primitives::describe(&record.call), record.at);
        let mismatch = self.differs(key, &was, &passing.text());
        let help = mismatch
            .help
            .iter()
            .map(|help| format!("{help}; in a terminal, `banister resume` asks what to do"));
        let help = help.collect::<String>();
        let mismatch = mismatch.help(help);
        let question = Question {
            text: format!(
                "{}\n  {}\nreuse its outcome, redo it as it is now, skip it, or stop?",
                mismatch.message,
                mismatch.why.join("\n  ")
            ),
            form: Form::one_of(&["reuse", "redo", "skip", "stop"]),
        };
        let about = format!("{}.changed.{}", key.folder_name(), record.attempt);
        let answer = match self.person.ask_about(&about, &question) {
            Ok(answer) => answer,
            Err(failure) if failure.kind == Kind::Interrupted => return Err(failure),
            Err(_) => return Err(mismatch),
        };
        let decided = |decision: &str| {
            self.write(
                Entry::Decision { key: key.to_buf(), decision: decision.into(), by: answer.by.clone() },
                true,
            )
        };
        let settled = |value: Value| -> Result<Next> {
            let attempt = record.attempt + 1;
            self.write(
                Entry::Begun { key: key.to_buf(), call: call.clone(), attempt, at: record.at.to_string() },
                false,
            )?;
            let result = Outcome::Done(value.clone());
            self.write(Entry::Ended { key: key.to_buf(), attempt, seconds: record.seconds, result }, true)?;
            Ok(Next::Return(value))
        };
        match (answer.text.as_str(), &record.outcome) {
            ("reuse", Some(Outcome::Done(value))) => {
                decided("reuse").and_then(|()| settled(put_together(value.clone())))
            }
            ("redo", _) => {
                decided("redo").map(|()| Next::Perform { attempt: record.attempt + 1, begun: false })
            }
            ("skip", _) => decided("skip").and_then(|()| settled(Value::Null)),
            _ => Err(mismatch),
        }
    }

    /// The failure that shows both sides. Only for a call that is another one now a person is asked what to do.
    pub(super) fn differs(&self, key: Key, was: &str, now: &str) -> Failure {
        let step = {
            let written = self.written.lock();
            let steps = key.around().filter(|outer| !outer.is_branch());
            let inner = steps.filter_map(|outer| written.index.block(outer)).last();
            inner.map(|block| format!(" in step `{}`", block.name)).unwrap_or_default()
        };
        Failure::new(Kind::Mismatch, "the script no longer matches this run")
            .why(format!("the journal has{step} at {key}: {was}"))
            .why(format!("the script asks for: {now}"))
            .help(
                "restore the script, or `site.toml` if that was changed, or continue with the script as it was when the \
                 run began: `banister resume --original`",
            )
    }
}
