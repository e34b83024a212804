//! Who asks to stop ends a script at its next operation, whatever it computes. Which stop that is, is a matter of the
//! thread that runs the script: one engine serves any number of runs.

use super::values::FailureValue;
use crate::failure::{Failure, Kind};
use crate::stop::Stop;
use rhai::Dynamic;
use std::cell::RefCell;
use std::sync::Arc;

thread_local! {
    static HEEDED: RefCell<Option<Arc<Stop>>> = const { RefCell::new(None) };
}

/// What this thread runs from now on ends when `stop` is asked for. Without one nothing ends it.
pub fn heed(stop: Option<Arc<Stop>>) {
    HEEDED.set(stop);
}

/// The stop that this thread heeds, for those that it starts.
pub fn heeded() -> Option<Arc<Stop>> {
    HEEDED.with_borrow(Clone::clone)
}

/// What ends the script at this operation.
pub fn end() -> Option<Dynamic> {
    let is_asked = HEEDED.with_borrow(|stop| stop.as_ref().is_some_and(|stop| stop.is_asked()));
    is_asked.then(|| Dynamic::from(FailureValue(Failure::new(Kind::Interrupted, "interrupted"))))
}
