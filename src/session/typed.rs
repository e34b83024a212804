//! What a person types in a REPL: it passes the same gate, each line in a key space of its own, and is written down from
//! the first change on. Lines that only look leave nothing.

use super::passing::Passing;
use super::written::{Open, Waiting, Written};
use super::{Frame, Parts, Session};
use crate::data;
use crate::event::Event;
use crate::failure::{Failure, Kind, Result};
use crate::journal::index::Index;
use crate::journal::{Call, Entry, Outcome};
use crate::key::{Key, KeyBuf};
use crate::primitive::{Given, Probe, Sort, changes_server};
use crate::primitives;
use crate::secret::put_together;
use serde_json::Value;
use std::sync::Arc;

impl Session {
    /// A session that is a run of its own, in which all is typed.
    pub fn by_hand(parts: Parts, open: Open) -> Session {
        let header = Entry::Run(parts.header.clone());
        let by = crate::person::whoami();
        let session = Entry::Session { by, pid: std::process::id(), rollback: false };
        let waiting = Waiting { open, entries: vec![header, session], lasting: 2 };
        Session::over(parts, Written { waiting: Some(waiting), ..Written::default() }, false)
    }

    /// A session beside a run that stopped, of which `index` is known: what is typed there does not disturb it.
    pub fn beside(parts: Parts, index: Index, open: Open) -> Session {
        let waiting = Waiting { open, entries: Vec::new(), lasting: 0 };
        Session::over(parts, Written { index, waiting: Some(waiting), ..Written::default() }, false)
    }

    /// A session that only goes through what a run has done, as `index` has it. Nothing is written; that nothing is done
    /// either is up to the reach, and to a stop that is asked for.
    pub fn through(parts: Parts, index: Index) -> Session {
        Session::over(parts, Written { index, ..Written::default() }, false)
    }

    /// Begins a line; all that it does is done in the frame that this gives.
    pub fn begin_line(&self, text: &str) -> Result<Arc<Frame>> {
        let key = {
            let mut written = self.written.lock();
            if let Some(waiting) = &mut written.waiting {
                // What the lines before only looked at.
                waiting.entries.truncate(waiting.lasting);
            }
            KeyBuf::line(written.index.typed.len())
        };
        let by = crate::person::whoami();
        self.write(Entry::Typed { key: key.clone(), text: text.into(), by }, false)?;
        Ok(Arc::new(Frame::default().inner(key, None)))
    }

    /// Whether anything that was typed is written down.
    pub fn is_written(&self) -> bool {
        let written = self.written.lock();
        written.run.is_some() && written.waiting.is_none()
    }

    /// Leaves the run beside which this session was, in the state that it was found in.
    pub fn leave(&self) -> Result<()> {
        self.locks.lock().clear();
        let (state, way_back) = {
            let written = self.written.lock();
            (written.index.finished.clone(), written.index.way_back)
        };
        if let Some((state, failure)) = state
            && self.is_written()
        {
            self.write(Entry::Finished { state, failure, way_back }, true)?;
        }
        self.written.lock().run = None;
        Ok(())
    }

    /// Writes down that a step is left out. Until the run is gone on with nothing comes of it.
    pub fn skip(&self, key: Key, name: &str, reason: &str) -> Result<()> {
        self.open_for_change()?;
        let by = crate::person::whoami();
        self.write(Entry::Skip { key: key.to_buf(), name: name.into(), reason: reason.into(), by }, true)
    }

    /// Why a person had the step left out, if one did.
    pub fn skipped(&self, key: Key, name: &str) -> Option<String> {
        let written = self.written.lock();
        written.index.skip(key).filter(|skip| skip.name == name).map(|skip| skip.reason.clone())
    }

    /// What was typed beside the run and was cut off comes to its end before the script goes on: the two would be in each
    /// other's way.
    pub fn settle_typed(&self) -> Result<()> {
        let open: Vec<_> = {
            let written = self.written.lock();
            let typed = written.index.open_calls().filter(|(key, _)| key.is_typed());
            typed.map(|(key, record)| (key.to_buf(), record.clone())).collect()
        };
        for (key, record) in open {
            let arguments = record.call.arguments.iter();
            let together = |(name, value): (&String, &Value)| (name.clone(), put_together(value.clone()));
            let call = &Call { name: record.call.name.clone(), arguments: arguments.map(together).collect() };
            let attempt = record.attempt;
            let Some(primitive) = primitives::find(&call.name).filter(|p| p.sort() == Sort::Change) else {
                continue;
            };
            let server = data::server_of(&call.arguments).map(|name| self.site.server(name)).transpose()?;
            let given = &Given::new(primitive, &call.arguments);
            let passing = Passing { key: key.as_key(), at: &record.at, call, given, server };
            if let Some(server) = server {
                self.own(server, "", changes_server(primitive))?;
            }
            let text = passing.text();
            let probe = self
                .with_host(server, key.as_key(), attempt, true, |host| self.reach.after_crash(given, host))?;
            let result = match probe {
                Probe::Done(value) => Outcome::Done(value),
                Probe::GoOn => {
                    self.tell(&Event::Warned {
                        text: format!("{text} was typed and interrupted: it is finished now").into(),
                    });
                    match self.act(&passing, attempt) {
                        Err(failure) if failure.kind.exit_code() != 1 => return Err(failure),
                        Err(failure) => {
                            self.tell(&Event::Warned { text: format!("{text} failed: {failure}").into() })
                        }
                        Ok(_) => {}
                    }
                    continue;
                }
                Probe::Again => {
                    Outcome::Failed(Failure::new(Kind::CommandFailed, format!("{text} was stopped")))
                }
                Probe::Unknown(why) => {
                    self.tell(&Event::Warned {
                        text: format!("{text} was typed and interrupted: {why}").into(),
                    });
                    Outcome::Failed(
                        Failure::new(Kind::CommandFailed, format!("{text} was interrupted")).why(why),
                    )
                }
            };
            self.write(Entry::Ended { key, attempt, seconds: 0.0, result }, true)?;
        }
        Ok(())
    }
}
