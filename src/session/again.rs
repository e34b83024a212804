//! An earlier step at which a run begins again: what is done there once more, and which steps can't be.

use super::Session;
use crate::event::Event;
use crate::failure::{Failure, Kind, Result};
use crate::journal::index::Index;
use crate::journal::{Entry, key};
use crate::primitive::Sort;
use crate::primitives;
use std::collections::BTreeSet;

/// A step of a run, with all that the run did from there on.
#[derive(Debug)]
pub struct Again {
    /// The step's name.
    pub step: String,
    /// Of the calls and blocks that are forgotten.
    pub keys: BTreeSet<String>,
    /// The changes among them, in their order.
    pub changes: Vec<Change>,
}

/// A change that was done, or begun, and would be done again.
#[derive(Debug)]
pub struct Change {
    /// As a script writes it.
    pub text: String,
    pub ended: bool,
}

impl Again {
    /// The step of this name that the run began last; with `server`, of those that are about it.
    ///
    /// Fails with [`Kind::Invalid`] if it began none, or if what its rollback needs was found there or later.
    pub fn at(index: &Index, name: &str, server: Option<&str>) -> Result<Again> {
        let refused = |message: String| Failure::new(Kind::Invalid, message);
        if index.rollback {
            return Err(refused("the rollback of this run has begun, so no step can be begun again".into())
                .help("continue the rollback with `banister resume`"));
        }
        let is_theirs = |key: &str| server.is_none_or(|server| index.servers_in(key).contains(&server));
        let steps: Vec<(&str, &str)> = index
            .block_order
            .iter()
            .filter(|key| key::in_course(key) && !key.ends_with(']'))
            .filter_map(|key| Some((&**key, index.block(key)?.name.as_str())))
            .collect();
        let found = steps.iter().rfind(|(key, known)| *known == name && is_theirs(key));
        let Some((step, _)) = found else {
            let mut known: Vec<String> = steps
                .iter()
                .filter(|(key, _)| is_theirs(key) && !index.declares_after(key))
                .map(|(_, name)| format!("`{name}`"))
                .collect();
            known.dedup();
            let message = format!("this run has not begun a step `{name}`");
            return Err(refused(message).help(match known.as_slice() {
                [] => "continue it where it stopped, with `banister resume`".to_owned(),
                known => {
                    format!("name one of these with `banister resume --from STEP`: {}", known.join(", "))
                }
            }));
        };
        if index.declares_after(step) {
            let help =
                steps.iter().find(|(key, _)| key::begins_after(key, step) && !index.declares_after(key));
            let help =
                help.map_or_else(String::new, |(_, name)| format!("begin again at `{name}` or later, or "));
            return Err(refused(format!(
                "the rollback of this run uses what step `{name}` and those after it found"
            ))
            .why("done again, they would find the server as it is now")
            .help(format!("{help}roll back first: `banister resume --rollback`")));
        }
        let keys: BTreeSet<String> =
            index.keys().filter(|key| key::is_from(key, step)).map(str::to_owned).collect();
        let changes = index.course().into_iter().filter(|(key, _)| key::is_from(key, step));
        let changes = changes.filter(|(_, record)| {
            primitives::find(&record.call.name).is_none_or(|primitive| primitive.sort() == Sort::Change)
        });
        let changes = changes.map(|(_, record)| Change {
            text: primitives::describe(&record.call),
            ended: record.outcome.is_some(),
        });
        Ok(Again { step: name.to_owned(), changes: changes.collect(), keys })
    }
}

impl Session {
    /// Ends what is still running of what is done again, and writes down that it is. Gives a note of that.
    pub(super) fn begin_again(&self, again: Again) -> Result<String> {
        let Again { step, keys, changes } = again;
        self.end_open(|key| keys.contains(key), &format!("to begin again at step `{step}`"))?;
        let note =
            format!("begins again at step `{step}`; changes that are made once more: {}", changes.len());
        let keys = keys.into_iter().collect();
        self.write(Entry::Again { step, keys, by: crate::person::whoami() }, true)?;
        Ok(note)
    }

    /// Whether a rollback has come to where the script went another way after it had begun again at an earlier step. What
    /// it declared later that way is not found, which is told.
    pub(super) fn is_elsewhere(&self, key: &str) -> bool {
        let steps: Vec<String> = {
            let written = self.written();
            written.index.restarts.iter().map(|restart| format!("`{}`", restart.step)).collect()
        };
        if steps.is_empty() {
            return false;
        }
        let text = format!(
            "after it began again at step {}, the run took another way, at {key}: what it declared for a rollback later on \
             that way is left out",
            steps.join(", ")
        );
        self.tell(&Event::Warned { text: text.into() });
        true
    }
}
