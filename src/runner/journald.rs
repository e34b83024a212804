//! What becomes of a run, in the journal of systemd: `journalctl BANISTER_RUN=…` finds it. Only for runs that are units; what
//! is said is redacted as everything is that is shown.

use crate::command::own_unit;
use crate::event::{Event, Listener, RunState};
use crate::report::failure::render;
use crate::report::text::Style;
use crate::sync::Mutex;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;

const SOCKET: &str = "/run/systemd/journal/socket";

/// No message is longer, in bytes: a datagram has to hold it.
const LONGEST: usize = 32 << 10;

/// Priorities, as syslog has them.
const ERROR: u8 = 3;
const NOTICE: u8 = 5;

/// Says to journald what is told to `events`.
pub struct Journald {
    events: Arc<dyn Listener>,
    /// Nothing where nobody listens.
    socket: Option<UnixDatagram>,
    about: Mutex<Vec<(&'static str, String)>>,
}

impl Journald {
    pub fn new(events: Arc<dyn Listener>) -> Journald {
        let connect = || {
            let socket = UnixDatagram::unbound().ok()?;
            socket.connect(SOCKET).ok()?;
            // A journal that is full or dead keeps no run waiting.
            socket.set_nonblocking(true).ok()?;
            Some(socket)
        };
        let socket = own_unit().and_then(|_| connect());
        Journald { events, socket, about: Mutex::default() }
    }

    fn say(&self, event: &str, priority: u8, text: &str) {
        let Some(socket) = &self.socket else { return };
        let end = text.char_indices().map(|(at, _)| at).find(|at| *at > LONGEST).unwrap_or(text.len());
        let mut datagram = Vec::new();
        field(&mut datagram, "MESSAGE", text[..end].trim_end());
        field(&mut datagram, "PRIORITY", &priority.to_string());
        field(&mut datagram, "SYSLOG_IDENTIFIER", "banister");
        field(&mut datagram, "BANISTER_EVENT", event);
        for (name, value) in self.about.lock().iter() {
            field(&mut datagram, name, value);
        }
        _ = socket.send(&datagram);
    }
}

/// A value with a line's end in it has its length before it, and no sign of equality.
fn field(datagram: &mut Vec<u8>, name: &str, value: &str) {
    datagram.extend(name.as_bytes());
    if value.contains('\n') {
        datagram.push(b'\n');
        datagram.extend((value.len() as u64).to_le_bytes());
    } else {
        datagram.push(b'=');
    }
    datagram.extend(value.as_bytes());
    datagram.push(b'\n');
}

impl Listener for Journald {
    fn hear(&self, event: &Event) {
        self.events.hear(event);
        let shown = |failure| render(failure, Style { color: false });
        let subject = || {
            let about = self.about.lock();
            let of =
                |name: &str| about.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
            format!(
                "{}: {}",
                of("BANISTER_SERVERS").unwrap_or_default(),
                of("BANISTER_RUNBOOK").unwrap_or_default()
            )
        };
        match event {
            Event::RunStarted { run, runbook, servers, resumed } => {
                *self.about.lock() = vec![
                    ("BANISTER_RUN", run.clone()),
                    ("BANISTER_RUNBOOK", runbook.clone()),
                    ("BANISTER_SERVERS", servers.join(",")),
                ];
                let (event, says) =
                    if *resumed { ("resumed", "continues") } else { ("started", "has started") };
                self.say(event, NOTICE, &format!("{} {says}", subject()));
            }
            Event::Asked { text, .. } => self.say("asked", NOTICE, &format!("{} asks: {text}", subject())),
            Event::Failed { failure } => {
                self.say("failing", ERROR, &format!("{}: {}", subject(), shown(failure)))
            }
            Event::RunFinished { state, failure, .. } => {
                let priority = if *state == RunState::Done { NOTICE } else { ERROR };
                let why = failure.as_ref().map(|failure| format!("\n{}", shown(failure))).unwrap_or_default();
                let said = state.name().replace('_', " ");
                self.say(state.name(), priority, &format!("{} is {said}{why}", subject()));
            }
            Event::RunnerEnded { failure: Some(failure), .. } => {
                self.say("stopped", ERROR, &format!("{}: {}", subject(), shown(failure)));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_several_lines_has_its_length() {
        let mut datagram = Vec::new();
        field(&mut datagram, "A", "b=c");
        field(&mut datagram, "M", "x\ny");
        assert_eq!(datagram, b"A=b=c\nM\n\x03\0\0\0\0\0\0\0x\ny\n");
    }
}
