//! Where a script is while it runs: its session and its frame. It travels in the engine's tag, so that one engine
//! serves any number of runs, and a call without it (while a module is loaded) can do nothing.

use super::ahead::Ahead;
use super::assumed::Assumed;
use super::seen::Seen;
use super::values::to_error;
use crate::failure::{Failure, Kind};
use crate::key::KeyBuf;
use crate::script::layers::hooks::Hook;
use crate::session::{Frame, Session};
use crate::sync::Mutex;
use rhai::{Dynamic, EvalAltResult, FnPtr, GlobalRuntimeState};
use serde_json::Value;
use std::sync::{Arc, MutexGuard};

/// The tag.
#[derive(Clone)]
pub struct Here {
    pub session: Arc<Session>,
    pub frame: Arc<Frame>,
    /// What `on_failure` blocks have to do, the newest last.
    pub handlers: Arc<Mutex<Vec<Handler>>>,
    /// What `site.toml` has before and after steps.
    pub hooks: Arc<[Hook]>,
    /// Answers what a plan can't know. Absent in a run.
    pub chooser: Option<Arc<dyn Chooser>>,
    /// How many steps follow each. Absent in a plan, and in what is typed.
    pub ahead: Option<Arc<Ahead>>,
    /// Where what a step sees when it fails is kept, if somebody wants it.
    pub seen: Option<Arc<Mutex<Seen>>>,
}

/// One `on_failure` block.
#[derive(Clone)]
pub struct Handler {
    pub key: KeyBuf,
    pub closure: FnPtr,
    /// The modules and functions that the block can see.
    pub global: GlobalRuntimeState,
    pub position: rhai::Position,
}

/// Decides which of a few possible values a plan goes on with.
pub trait Chooser: Send + Sync {
    /// The index of the chosen one, or an error that ends the path.
    fn choose(&self, about: &str, values: &[String]) -> Result<usize, Box<EvalAltResult>>;

    /// What this path has assumed so far. Not to be held while a choice is made.
    fn assumed(&self) -> MutexGuard<'_, Assumed>;
}

impl Here {
    /// The place of a call: the tag of the engine.
    pub fn of(tag: Option<&Dynamic>) -> Result<Here, Box<EvalAltResult>> {
        tag.and_then(|tag| tag.clone().try_cast::<Here>()).ok_or_else(|| {
            to_error(Failure::new(
                Kind::Invalid,
                "a module may only define functions and constants; this call is outside of them",
            ))
        })
    }

    /// The same place with another frame.
    pub fn with_frame(&self, frame: Arc<Frame>) -> Here {
        Here { frame, ..self.clone() }
    }

    /// One of a few values that only a run can know.
    pub fn choose<'a>(&self, about: &str, values: &'a [Value]) -> Result<&'a Value, Box<EvalAltResult>> {
        let shown: Vec<String> = values.iter().map(crate::data::describe).collect();
        let index = match &self.chooser {
            Some(chooser) => chooser.choose(about, &shown)?,
            None => 0,
        };
        values.get(index).ok_or_else(|| to_error(Failure::new(Kind::Bug, "a choice without values")))
    }
}
