//! Notices of a run to people who don't look on. The runner writes them, once each; the watcher sends them, and tries again
//! what nobody took. A notice that fails never disturbs the run.

use super::place;
use crate::command::{read_file, write_once};
use crate::event::{Event, Listener, RunState};
use crate::failure::Failure;
use crate::machine::notify::{Notice, Notify, When};
use crate::output::word;
use crate::report::failure::render;
use crate::report::text::Style;
use crate::sync::Mutex;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long nobody may take a notice before it is given up.
const LONGEST: Duration = Duration::from_secs(3600);
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

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
        let About { run, runbook, servers, .. } = self.about.lock().clone();
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let on = servers.join(", ");
        let notice = Notice {
            event,
            title: format!("{on}: {runbook} {says}").replace('\n', " ").into(),
            text: text.into(),
            id: format!("{run}.{name}"),
            run,
            runbook,
            servers,
            host,
            time: format!("{:.3}", jiff::Timestamp::now()),
        };
        // Nobody is told then; the run is not disturbed.
        if let Ok(folder) = place::folder(&self.run, "notices") {
            _ = write_once(&folder, name, &notice);
        }
    }
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
                let said = failure.as_ref().map(|failure: &Failure| render(failure, Style { color: false }));
                let said = said.unwrap_or_default();
                let next = by_hand("next: banister resume");
                let (event, says, next) = match state {
                    RunState::Done => (When::Done, "is done".to_owned(), by_hand("banister show")),
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
                self.write(
                    &format!("{:06}-ended.{ends}", self.session),
                    event,
                    &says,
                    &format!("{said}{next}"),
                );
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

/// The notices of a run that one place hears of and has not taken yet, the oldest first.
fn open(run: &Path, place: &Notify, number: usize) -> Vec<(String, Notice)> {
    let folder = run.join("notices");
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let is_open = |name: &String| {
        let is_notice = !name.starts_with('.') && !name.contains(".sent.");
        is_notice && !folder.join(format!("{name}.sent.{number}")).exists()
    };
    let notices = names.filter(is_open).filter_map(|name| {
        let notice = read_file::<Notice>(&folder, &name).ok()??;
        place.hears(notice.event).then_some((name, notice))
    });
    let mut notices: Vec<(String, Notice)> = notices.collect();
    notices.sort_by(|(_, a), (_, b)| a.time.cmp(&b.time));
    notices
}

/// Sends notices to each place until `is_over` and all are taken, or until it took none for an hour. `places` is asked again
/// when a place fails: somebody may have corrected what is wrong. `complain` hears what fails.
pub fn send(
    run: &Path,
    places: &(dyn Fn() -> Vec<Notify> + Sync),
    is_over: &(dyn Fn() -> bool + Sync),
    complain: &(dyn Fn(&str) + Sync),
) {
    let known = places();
    // One that is slow keeps no other waiting.
    std::thread::scope(|scope| {
        for (number, place) in known.into_iter().enumerate() {
            scope.spawn(move || send_to(run, number, place, places, is_over, complain));
        }
    });
}

fn send_to(
    run: &Path,
    number: usize,
    mut place: Notify,
    places: &dyn Fn() -> Vec<Notify>,
    is_over: &dyn Fn() -> bool,
    complain: &dyn Fn(&str),
) {
    let mut pause = SHORTEST_PAUSE;
    let mut failing: Option<Instant> = None;
    while run.exists() {
        place.learn_secrets(number);
        // What was written before is seen by the look that follows.
        let over = is_over();
        let open = open(run, &place, number);
        if over && open.is_empty() {
            return;
        }
        let mut failed = false;
        for (name, notice) in open {
            match place.send(&notice) {
                Ok(()) => _ = write_once(&run.join("notices"), &format!("{name}.sent.{number}"), &notice.id),
                Err(failure) => {
                    complain(&render(&failure, Style { color: false }));
                    failed = true;
                    // What comes later is not told before it.
                    break;
                }
            }
        }
        if failed {
            if over && failing.get_or_insert_with(Instant::now).elapsed() > LONGEST {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            if let Some(corrected) = places().into_iter().nth(number) {
                place = corrected;
            }
        } else {
            (pause, failing) = (SHORTEST_PAUSE, None);
        }
        std::thread::sleep(pause);
    }
}
