//! Notices of a run to people who don't look on. The runner writes them, once each; the watcher sends them (`courier`). A
//! notice that can't be written never disturbs the run.

use super::moved::moved;
use super::place;
use crate::command::write_once;
use crate::event::{Event, Listener, RunState};
use crate::failure::Failure;
use crate::journal::run::{self, Summary};
use crate::machine::notify::{Moved, Notice, When};
use crate::output::word;
use crate::report::failure::render;
use crate::report::text::Style;
use crate::sync::Mutex;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Writes notices of what is told to `events`.
pub struct Noticing {
    pub run: PathBuf,
    pub session: u64,
    pub events: Arc<dyn Listener>,
    about: Mutex<About>,
}

#[derive(Clone, Default)]
struct About {
    run: String,
    runbook: String,
    servers: Vec<String>,
    /// The step that failed, or is worked on.
    step: String,
    /// How often it ended: after a failure a rollback may follow.
    ends: usize,
}

impl Noticing {
    pub fn new(run: PathBuf, session: u64, events: Arc<dyn Listener>) -> Noticing {
        Noticing { run, session, events, about: Mutex::default() }
    }

    fn write(&self, name: &str, event: When, says: &str, text: &str) {
        self.write_with(name, event, says, text, Vec::new());
    }

    fn write_with(&self, name: &str, event: When, says: &str, text: &str, releases: Vec<Moved>) {
        let About { run, runbook, servers, .. } = self.about.lock().clone();
        let text = without_home(text, &self.run);
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let on = servers.join(", ");
        let notice = Notice {
            event,
            title: format!("{on}: {runbook} {says}").replace('\n', " ").into(),
            text: text.as_str().into(),
            id: format!("{run}.{name}"),
            run,
            runbook,
            servers,
            releases,
            host,
            time: format!("{:.3}", jiff::Timestamp::now()),
        };
        // Nobody is told then; the run is not disturbed.
        if let Ok(folder) = place::folder(&self.run, "notices") {
            _ = write_once(&folder, name, &notice);
        }
    }
}

/// Paths of a site that was sent to this machine for the run are shown as they are in the site: nobody knows the folder here.
fn without_home(text: &str, run: &Path) -> String {
    let (Some(state), Some(name)) = (run.parent().and_then(Path::parent), run.file_name()) else {
        return text.to_owned();
    };
    let begin = format!("{}/", state.join("sites").display());
    let end = format!("/{}/", name.to_string_lossy());
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(&begin) {
        shown.push_str(before);
        // A key has no line's end in it.
        rest = match after.split_once(&end).filter(|(key, _)| !key.contains(['\n', ' '])) {
            Some((_, path)) => path,
            None => {
                shown.push_str(&begin);
                after
            }
        };
    }
    shown + rest
}

/// Writes a notice that is of no run, into a folder that is made for that. Says whether it is written.
pub fn write(folder: &Path, name: &str, notice: &Notice) -> bool {
    let made = std::fs::create_dir_all(folder).and_then(|()| place::folder(folder, "notices"));
    made.is_ok_and(|notices| write_once(&notices, name, notice).is_ok())
}

impl Listener for Noticing {
    fn hear(&self, event: &Event) {
        self.events.hear(event);
        let by_hand = |words: &str| {
            let run = self.about.lock().run.clone();
            format!("{words} {}", word(run))
        };
        match event {
            Event::RunStarted { run, runbook, servers, resumed } => {
                let mut about = self.about.lock();
                let (run, runbook, servers) = (run.clone(), runbook.clone(), servers.clone());
                *about = About { run, runbook, servers, step: String::new(), ends: about.ends };
                drop(about);
                if !resumed {
                    self.write("started", When::Started, "has started", &by_hand("banister attach"));
                }
            }
            Event::StepStarted { name, replayed: false, .. } => name.clone_into(&mut self.about.lock().step),
            Event::Asked { question, text, then, left, .. } => {
                let then = then.iter().zip(left);
                let then: String =
                    then.map(|(then, left)| format!("\nwithout an answer in {left:.0} s: {then}")).collect();
                let text = format!("{text}{then}\nanswer: {}", by_hand("banister attach"));
                self.write(&format!("asked-{question}"), When::Asked, "asks something", &text);
            }
            Event::RunFinished { state, failure, .. } => {
                let step = self.about.lock().step.clone();
                let step = if step.is_empty() { String::new() } else { format!(" in step `{step}`") };
                let summary = Summary::as_far_as_readable(&self.run).0;
                // Of one that was rolled back only the journal knows why.
                let failure = failure.as_ref().or(summary.index.failure());
                let said = failure.map(|failure: &Failure| render(failure, Style { color: false }));
                let said = said.unwrap_or_default();
                // What touched nothing is begun anew.
                let next = match run::is_untouched(&self.run) {
                    true => "next: banister status".to_owned(),
                    false => by_hand("next: banister resume"),
                };
                let releases = if *state == RunState::Done { moved(&self.run) } else { Vec::new() };
                let (event, says, next) = match state {
                    RunState::Done => (When::Done, done(&releases), by_hand("banister show")),
                    RunState::RolledBack => {
                        (When::RolledBack, "was rolled back".to_owned(), by_hand("banister show"))
                    }
                    RunState::Failed => (When::Failed, format!("failed{step}"), next),
                    _ => (When::Interrupted, format!("was interrupted{step}"), next),
                };
                let ends = {
                    let mut about = self.about.lock();
                    about.ends += 1;
                    about.ends
                };
                let name = format!("{:06}-ended.{ends}", self.session);
                let each = |moved: &Moved| format!("{}: {} → {}\n", moved.server, moved.from, moved.to);
                let brought: String = releases.iter().map(each).collect();
                self.write_with(&name, event, &says, &format!("{said}{brought}{next}"), releases);
            }
            Event::RunnerEnded { failure: Some(failure), .. } => {
                let said = render(failure, Style { color: false });
                let text = format!("{said}{}", by_hand("next: banister resume"));
                let name = format!("{:06}-stopped", self.session);
                self.write(&name, When::Interrupted, "can't be continued", &text);
            }
            _ => {}
        }
    }
}

/// What is said of a run that is done; of one server, with its release.
fn done(releases: &[Moved]) -> String {
    match releases {
        [only] => format!("is done, {} → {}", only.from, only.to),
        _ => "is done".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_a_site_that_was_sent_here_is_shown_as_it_is_in_the_site() {
        let run = Path::new("/home/ops/state/runs/one");
        let text =
            "at   /home/ops/state/sites/0a1b/one/runbooks/try.rhai:3\nsee /home/ops/state/sites/ and /srv";
        let shown = "at   runbooks/try.rhai:3\nsee /home/ops/state/sites/ and /srv";
        assert_eq!(without_home(text, run), shown);
        assert_eq!(without_home("nothing", run), "nothing");
    }
}
