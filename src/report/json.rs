//! A run as JSON lines, one an event.

use crate::event::{Event, Listener, json_line};

/// Writes each event to standard output.
pub struct JsonLines;

impl Listener for JsonLines {
    fn hear(&self, event: &Event) {
        // Whoever read it may have gone; the run goes on.
        println!("{}", json_line(event));
    }
}
