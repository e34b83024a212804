//! A run as JSON lines, one an event.

use crate::event::{Event, Listener, json_line};
use std::io::Write;

/// Writes each event to standard output.
pub struct JsonLines;

impl Listener for JsonLines {
    fn hear(&self, event: &Event) {
        // Whoever read it may have gone; the run goes on.
        let _ = writeln!(std::io::stdout().lock(), "{}", json_line(event));
    }
}
