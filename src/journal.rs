//! What a run did, on disk, so that it can be gone on with after any crash.
//!
//! A run is a folder: `journal.jsonl` (one record a line), `logs/` (a folder per command), `script/` (the text that
//! ran), `session` (a lock held by the process that works on the run), `about.json` (what the run is about, should the
//! journal be damaged). Folders are 0700, files 0600.
//!
//! A record's [`key`](crate::key) is its place in the script's course. File and line are for people and never part of a key,
//! so an edit that changes no effect changes no key. What a person typed has keys of its own, so that it is never before
//! or after anything that the script does.

mod about;
pub mod file;
pub mod index;
mod record;
pub mod run;
mod version_1;

use crate::data::Arguments;
use crate::event::RunState;
use crate::failure::Failure;
use crate::key::KeyBuf;
use crate::secret::stored;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the format of `journal.jsonl`. In the first, secrets were hidden in what is stored; since the second
/// their names are there, so that values can be read back as they were. Since the third a run may be started again from an
/// earlier step, and a `parallel` without items has no place in the course. A journal of a newer version is refused; older
/// ones are read.
pub const VERSION: u32 = 3;

/// A call of a primitive: what is compared when a run is resumed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    pub name: String,
    #[serde(with = "stored::fields")]
    pub arguments: Arguments,
}

impl Call {
    /// As a script writes it: `checkout(cloud, "0.2.13")`.
    pub fn describe(&self) -> String {
        // Maps are sorted by name; the subject of a call is read first.
        let subject = self.arguments.get("server").map(crate::data::describe);
        let others = self.arguments.iter().filter(|(name, _)| *name != "server");
        let others = others.map(|(name, value)| format!("{name}: {}", crate::data::describe(value)));
        format!("{}({})", self.name, subject.into_iter().chain(others).collect::<Vec<_>>().join(", "))
    }
}

/// The decision that is an answer to a question of the script.
pub const ANSWERED: &str = "answered";

/// What can be written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// The first record.
    Run(Header),
    /// A process began to work on the run.
    Session { by: String, pid: u32, rollback: bool },
    /// A step, a branch or a handler began.
    Block {
        key: KeyBuf,
        #[serde(with = "stored")]
        name: String,
        source: String,
    },
    /// It ended well. A block that failed has no end: it is gone into again.
    BlockEnd { key: KeyBuf, seconds: f64 },
    /// A call is about to act. `attempt` counts from 0; each has a folder of its own in `logs/`.
    Begun { key: KeyBuf, call: Call, attempt: u32, at: String },
    /// It ended.
    Ended { key: KeyBuf, attempt: u32, seconds: f64, result: Outcome },
    /// A person decided what nobody could know, or what to do where journal and script differ; or, as [`ANSWERED`], whose
    /// the answer is that follows.
    Decision { key: KeyBuf, decision: String, by: String },
    /// A text for whoever reads the journal.
    Note {
        #[serde(with = "stored")]
        text: String,
    },
    /// What was only looked at since the last act counts no more: the run failed, and a person may have mended what
    /// was seen. It is looked at again. The keys are those of calls and of blocks.
    Anew { keys: Vec<KeyBuf> },
    /// A person starts again from an earlier step: what was done from there on is done again. The keys are those of calls
    /// and of blocks.
    Restarted {
        #[serde(with = "stored")]
        step: String,
        keys: Vec<KeyBuf>,
        by: String,
    },
    /// A person typed this in a REPL; `key` is that of the line, in which its calls are.
    Typed {
        key: KeyBuf,
        #[serde(with = "stored")]
        text: String,
        by: String,
    },
    /// A person decided that the step with this key is left out.
    Skip {
        key: KeyBuf,
        #[serde(with = "stored")]
        name: String,
        #[serde(with = "stored")]
        reason: String,
        by: String,
    },
    /// The way back began, after this failure if that is why; from now on the run can only be rolled back.
    Rollback(Option<Failure>),
    /// The session ended, and this is the run's state.
    Finished {
        state: RunState,
        #[serde(default, with = "stored::maybe_failure")]
        failure: Option<Failure>,
        /// Whether the script had said what is to be done if it fails. Earlier versions did not write it down.
        #[serde(default = "yes")]
        way_back: bool,
    },
}

fn yes() -> bool {
    true
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Done(#[serde(with = "stored::value")] Value),
    Failed(#[serde(with = "stored::failure")] Failure),
}

/// What a run is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    pub version: u32,
    pub run: String,
    pub runbook: String,
    /// Given on the command line, by the names of `main`'s parameters.
    #[serde(with = "stored::fields")]
    pub parameters: Arguments,
    pub servers: Vec<String>,
    /// The path of `site.toml`.
    pub site: std::path::PathBuf,
    /// The program's version.
    pub program: String,
    pub by: String,
    /// The name of the schedule that began it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Whether it has no script: all of it was typed in a REPL.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_hand: bool,
}

/// A record: an entry with its number and its instant (RFC 3339, UTC).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record {
    pub n: u64,
    pub time: String,
    #[serde(flatten)]
    pub entry: Entry,
}
