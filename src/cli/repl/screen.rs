//! What is seen of a line while it is done.

use crate::cli::context::Context;
use crate::event::{Event, Listener};
use crate::report::json::JsonLines;
use crate::report::lines::Lines;
use crate::report::text::Style;
use crate::sync::Mutex;

/// A report for each line: between two of them nothing may be drawn, because a person types there.
pub struct Screen {
    style: Style,
    live: bool,
    quiet: bool,
    verbose: bool,
    json: bool,
    lines: Mutex<Option<Lines>>,
}

impl Screen {
    pub fn new(context: &Context) -> Screen {
        let Context { style, live, quiet, verbose, json, .. } = *context;
        Screen { style, live, quiet, verbose, json, lines: Mutex::default() }
    }

    /// A line begins to be done.
    pub fn begin(&self) {
        if !self.json {
            *self.lines.lock() = Some(Lines::new(self.style, self.live, self.quiet, self.verbose));
        }
    }

    /// It is done.
    pub fn end(&self) {
        if let Some(lines) = self.lines.lock().take() {
            lines.end();
        }
    }
}

impl Listener for Screen {
    fn hear(&self, event: &Event) {
        // The session itself is no news to who types in it.
        if matches!(event, Event::RunStarted { .. } | Event::RunFinished { .. }) {
            return;
        }
        match self.json {
            true => JsonLines.hear(event),
            false => self.lines.lock().iter().for_each(|lines| lines.hear(event)),
        }
    }
}
