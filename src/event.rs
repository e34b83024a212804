//! What happens in a run, told once, in the past tense. Terminal, plain log, JSON and journal views hear the same
//! facts.

use crate::failure::Failure;
use crate::key::KeyBuf;
use crate::person::Form;
use crate::secret::Shown;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One fact. As a JSON line it is an object with `event` and the fields given here.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A session began to work on a run. `resumed` if the run had begun before.
    RunStarted { run: String, runbook: String, servers: Vec<String>, resumed: bool },
    /// A step began. `depth` counts the steps around it; `replayed` if all of it or a part was done before. An outermost
    /// step of the run has a number, from 1, and `of` says how many there will be, if that is known: those that a run may
    /// leave out count as soon as they begin.
    StepStarted {
        key: KeyBuf,
        name: String,
        depth: usize,
        source: String,
        replayed: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<usize>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<usize>,
    },
    /// A step ended. `seconds` is what it took when it was done, also if that was in an earlier session.
    StepFinished { key: KeyBuf, name: String, depth: usize, state: StepState, seconds: f64, replayed: bool },
    /// A primitive was called; `text` is the call as a person reads it, `at` its place in the script.
    CallStarted {
        key: KeyBuf,
        name: String,
        text: String,
        server: Option<String>,
        at: String,
        replayed: bool,
    },
    /// It ended, with its outcome or its failure.
    CallFinished {
        key: KeyBuf,
        name: String,
        text: String,
        seconds: f64,
        replayed: bool,
        outcome: Option<Value>,
        failure: Option<Failure>,
    },
    /// A line that a running command wrote, or how far something is.
    Progressed { key: KeyBuf, line: Shown },
    /// What a script printed.
    Printed { text: Shown },
    /// What a script wanted a person to read.
    Noted { text: Shown },
    /// A longer text, with a title.
    Shown { title: Shown, text: Shown },
    /// A run that works without a terminal waits for an answer to this question. `question` names it in the run, as
    /// answers to it are named; `left` is how many seconds it waits, and `then` what happens after that.
    Asked {
        question: String,
        text: Shown,
        form: Form,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        left: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        then: Option<String>,
    },
    /// A person answered a question.
    Answered { question: String, answer: String, by: String },
    /// Something that a person should know, but that stops nothing.
    Warned { text: Shown },
    /// The run failed, and will now be rolled back.
    Failed { failure: Failure },
    /// The way back began.
    RollbackStarted,
    /// The session ended.
    RunFinished { run: String, state: RunState, seconds: f64, failure: Option<Failure> },
    /// Whoever worked on the run without a terminal ended; `code` is the exit code. Any `failure` is one before or after
    /// the session.
    RunnerEnded { code: u8, failure: Option<Failure> },
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    Running,
    Done,
    Failed,
    Interrupted,
}

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Running,
    Done,
    Failed,
    Interrupted,
    RolledBack,
    /// Its journal can't be read, and so nobody knows. Never written down.
    Damaged,
    /// A newer program wrote its journal. Never written down.
    Newer,
}

impl RunState {
    /// As JSON and people name it.
    pub fn name(self) -> &'static str {
        match self {
            RunState::Running => "running",
            RunState::Done => "done",
            RunState::Failed => "failed",
            RunState::Interrupted => "interrupted",
            RunState::RolledBack => "rolled_back",
            RunState::Damaged => "damaged",
            RunState::Newer => "newer",
        }
    }
}

/// Somebody who hears events.
pub trait Listener: Send + Sync {
    fn hear(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync> Listener for F {
    fn hear(&self, event: &Event) {
        self(event)
    }
}
