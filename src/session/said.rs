//! What a script says on its way: a line of the run, and a line of the log.

use super::{Frame, Session};
use crate::event::Event;

impl Session {
    /// Whether what comes next in a frame was gone through in an earlier session.
    pub(super) fn catches_up(&self, frame: &Frame) -> bool {
        self.written.lock().index.goes_on_after(frame.coming_key().as_key())
    }

    /// Says a line, once: it is not recorded.
    pub fn print(&self, frame: &Frame, at: &str, text: &str) {
        if !self.catches_up(frame) {
            tracing::info!(target: "banister::script", "{at}: {text}");
            self.tell(&Event::Printed { text: text.into() });
        }
    }

    /// Says a line to who looks for the cause of something.
    pub fn debug(&self, frame: &Frame, at: &str, text: &str) {
        if !self.catches_up(frame) {
            tracing::debug!(target: "banister::script", "{at}: {text}");
        }
    }
}
