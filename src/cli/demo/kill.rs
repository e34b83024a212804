//! The fault `kill`: the program ends itself in the middle of `make build`, as a power cut or the system would end it.

use super::super::context::Context;
use crate::event::{Event, Listener};
use crate::key::KeyBuf;
use crate::output::{Stream, last};
use crate::report::text::Style;
use crate::sync::Mutex;
use rustix::process::{Signal, getpid, kill_process};

/// A line that `make build` prints when a part of it is done.
const HALF_WAY: &str = "Building core";

/// Hears of the run, and kills the program half-way.
pub struct Kill {
    style: Style,
    /// Whether standard output is for programs: what people should read goes to standard error then.
    json: bool,
    /// Options that the next command needs, too.
    site: String,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    run: String,
    /// What runs, and on what, as the state says it.
    runbook: String,
    servers: String,
    step: String,
    /// The key of the call that builds.
    build: Option<KeyBuf>,
}

impl Kill {
    pub fn new(context: &Context) -> Kill {
        let site = context.command("").trim_start_matches("banister").trim().to_owned();
        Kill { style: context.style, json: context.json, site, seen: Mutex::default() }
    }

    /// Says what happens now, because nobody could afterwards, and dies. No signal handler and no destructor runs.
    fn die(&self, seen: &Seen) {
        let text = format!(
            "{} banister now kills itself, in the middle of `make build`; the build continues in the background\n\
             {} `{}` was interrupted on {} in step `{}`\n{}  banister resume {} {}\n",
            self.style.warn("fault:"),
            self.style.bold("state:"),
            seen.runbook,
            seen.servers,
            seen.step,
            self.style.bold("next:"),
            seen.run,
            self.site,
        );
        // Held to the end: whoever draws the live line would draw over it.
        let _last = last(if self.json { Stream::Error } else { Stream::Out }, &text);
        let _ = kill_process(getpid(), Signal::KILL);
    }
}

impl Listener for Kill {
    fn hear(&self, event: &Event) {
        let mut seen = self.seen.lock();
        match event {
            Event::RunStarted { run, runbook, servers, .. } => {
                seen.run.clone_from(run);
                seen.runbook.clone_from(runbook);
                seen.servers = servers.join(", ");
            }
            Event::StepStarted { name, .. } => seen.step.clone_from(name),
            Event::CallStarted { key, name, text, replayed: false, .. }
                if name == "make" && text.contains("\"build\"") =>
            {
                seen.build = Some(key.clone());
            }
            Event::Progressed { key, line }
                if seen.build.as_ref() == Some(key) && line.as_str().starts_with(HALF_WAY) =>
            {
                self.die(&seen);
            }
            _ => {}
        }
    }
}
