//! Records of the first version of the format: what was secret in them is hidden, and nobody can say what it was.

use super::{Entry, Outcome};
use crate::data::Arguments;
use crate::secret::{from_version_1, in_failure};
use serde_json::Value;

/// An entry of a journal of the first version, so that nothing hidden is taken for a value.
pub(super) fn read(entry: Entry) -> Entry {
    match entry {
        Entry::Run(mut header) => {
            header.parameters = fields(header.parameters);
            Entry::Run(header)
        }
        Entry::Block { key, name, source } => Entry::Block { key, name: text(name), source },
        Entry::Begun { key, mut call, attempt, at } => {
            call.arguments = fields(call.arguments);
            Entry::Begun { key, call, attempt, at }
        }
        Entry::Ended { key, attempt, seconds, result } => {
            let result = match result {
                Outcome::Done(value) => Outcome::Done(from_version_1(value)),
                Outcome::Failed(failure) => Outcome::Failed(in_failure(failure, &from_version_1)),
            };
            Entry::Ended { key, attempt, seconds, result }
        }
        Entry::Skip { key, name, reason, by } => Entry::Skip { key, name: text(name), reason, by },
        other => other,
    }
}

fn fields(fields: Arguments) -> Arguments {
    fields.into_iter().map(|(name, value)| (name, from_version_1(value))).collect()
}

fn text(text: String) -> String {
    match from_version_1(text.into()) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
