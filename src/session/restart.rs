//! An earlier step from which a run starts again: what it would do there once more, and which steps it can't be.

use super::Session;
use crate::data;
use crate::failure::{Failure, Kind, Result};
use crate::journal::Entry;
use crate::journal::index::Index;
use crate::key::{Key, KeyBuf};
use crate::primitive::{Sort, changes_server};
use crate::primitives;
use std::collections::BTreeSet;

/// A step of a run, with all that the run did from there on.
#[derive(Debug)]
pub struct Restart {
    /// The step's name.
    pub step: String,
    /// Of the calls and blocks that are forgotten.
    pub keys: BTreeSet<KeyBuf>,
    /// The changes among them, in their order.
    pub changes: Vec<Change>,
}

/// A change that was made, or begun, and would be made again.
#[derive(Debug)]
pub struct Change {
    /// As a script writes it.
    pub text: String,
    pub ended: bool,
}

impl Restart {
    /// The step of this name that the run began last; with `server`, of those that are about it. `run` is what the run is
    /// called on a command line.
    ///
    /// Fails with [`Kind::Invalid`] if the run began none, if nobody can say which is meant, or if a rollback was declared
    /// there or later: what it undoes was read then, and would be read from the changed server.
    pub fn from(index: &Index, step: &str, server: Option<&str>, run: &str) -> Result<Restart> {
        let refused = |message: String| Failure::new(Kind::Invalid, message);
        if index.rollback {
            return Err(refused("the rollback of this run has begun: no step can be started again".into())
                .help(format!("continue the rollback with `banister resume {run}`")));
        }
        let known = index.header.iter().flat_map(|header| &header.servers);
        if let Some(server) = server.filter(|server| !known.clone().any(|known| known == server)) {
            let known = known.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            return Err(refused(format!("this run is not about `{server}`"))
                .help(format!("name one of its servers with `--server NAME`: {known}")));
        }
        let is_theirs = |key: Key| server.is_none_or(|server| index.servers_in(key).contains(&server));
        let steps: Vec<(Key, &str)> = index
            .block_order()
            .filter(|key| key.in_course() && !key.is_branch() && is_theirs(*key))
            .filter_map(|key| Some((key, index.block(key)?.name.as_str())))
            .collect();
        let possible = |after: Option<Key>| {
            let is_possible =
                |key: Key| !index.declares_from(key) && after.is_none_or(|after| key.is_from(after));
            let mut names: Vec<String> = Vec::new();
            for (_, name) in steps.iter().filter(|(key, _)| is_possible(*key)) {
                let name = format!("`{name}`");
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            names.join(", ")
        };
        let named: Vec<Key> = steps.iter().filter(|(_, name)| *name == step).map(|(key, _)| *key).collect();
        let Some(&from) = named.last() else {
            return Err(refused(format!("this run has not begun a step `{step}`")).help(
                match possible(None) {
                    names if names.is_empty() => {
                        format!("continue it where it stopped with `banister resume {run}`")
                    }
                    names => format!("name one of these with `banister resume {run} --from STEP`: {names}"),
                },
            ));
        };
        if named.iter().any(|other| !from.is_from(*other)) {
            return Err(refused(format!("several branches of this run have a step `{step}`")).help(format!(
                "name the server with `banister resume {run} --from '{step}' --server NAME`"
            )));
        }
        if index.declares_from(from) {
            let names = possible(Some(from));
            let later = match names.is_empty() {
                true => String::new(),
                false => format!("start again from a later step ({names}), or "),
            };
            return Err(refused(format!("a rollback was declared in step `{step}` or later"))
                .why("repeated, it would undo what it reads from the changed server")
                .help(format!("{later}roll back first with `banister resume {run} --rollback`")));
        }
        let keys = index.keys().filter(|key| key.is_from(from)).map(Key::to_buf).collect();
        let changes = index.course().into_iter().chain(index.to_repeat()).filter(|(key, record)| {
            let primitive = primitives::find(&record.call.name);
            key.is_from(from) && primitive.is_none_or(|primitive| primitive.sort() == Sort::Change)
        });
        let changes = changes.map(|(_, record)| Change {
            text: primitives::describe(&record.call),
            ended: record.outcome.is_some(),
        });
        Ok(Restart { step: step.to_owned(), changes: changes.collect(), keys })
    }
}

impl Session {
    /// Takes the servers of what is done again, ends what is still running of it, and writes down that it is done again.
    /// Gives a note of that.
    pub(super) fn restart(&self, restart: Restart) -> Result<String> {
        let Restart { step, keys, changes } = restart;
        let calls: Vec<_> = {
            let written = self.written.lock();
            let calls = written.index.course().into_iter().filter(|(key, _)| keys.contains(key.as_str()));
            calls.map(|(_, record)| record.call.clone()).collect()
        };
        for call in calls {
            let primitive = primitives::find(&call.name).filter(|primitive| primitive.sort() == Sort::Change);
            if let (Some(primitive), Some(server)) = (primitive, data::server_of(&call.arguments)) {
                self.own(self.site.server(server)?, &step, changes_server(primitive))?;
            }
        }
        self.end_open(|key| keys.contains(key.as_str()), &format!("to start again from step `{step}`"))?;
        let note = format!("starting again from step `{step}`; changes to repeat: {}", changes.len());
        let keys = keys.into_iter().collect();
        self.write(Entry::Restarted { step, keys, by: crate::person::whoami() }, true)?;
        Ok(note)
    }
}
