//! Notices of a run to people who don't look on. The runner writes them, once each; the watcher sends them, and tries again
//! what nobody took. A notice that fails never disturbs the run.

use super::moved::moved;
use super::place::{self, COURIER};
use crate::command::{read_file, write_once};
use crate::event::{Event, Listener, RunState};
use crate::failure::Failure;
use crate::machine::files::write_private_durably;
use crate::machine::notify::{Moved, Notice, Notify, When};
use crate::output::word;
use crate::report::failure::render;
use crate::report::text::Style;
use crate::secret::Shown;
use crate::sync::Mutex;
use serde::{Deserialize, Serialize};
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

/// A notice that a place did not take.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Untaken {
    /// What it is about, in one line.
    pub title: Shown,
    /// The place, by a name without its address.
    pub place: String,
    /// RFC 3339, UTC: when that was seen first.
    pub since: String,
    /// What the place said.
    pub why: Shown,
    /// Whether it is tried no more.
    pub is_given_up: bool,
}

/// What places of a run's notices did not take, the oldest first.
pub fn untaken(run: &Path) -> Vec<Untaken> {
    let folder = run.join("notices");
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let is_open = |name: &String| {
        let (notice, number) = name.split_once(".failed.").unwrap_or_default();
        !name.starts_with('.')
            && !number.is_empty()
            && !folder.join(format!("{notice}.sent.{number}")).exists()
    };
    let read = |name: String| read_file::<Untaken>(&folder, &name).ok()?;
    let mut found: Vec<Untaken> = names.filter(is_open).filter_map(read).collect();
    // Whoever sent them was killed, and nobody came in its place.
    let is_sent = place::is_taken(run, COURIER);
    found.iter_mut().for_each(|untaken| untaken.is_given_up |= !is_sent);
    found.sort_by(|a, b| a.since.cmp(&b.since));
    found
}

impl Untaken {
    /// For people, in one line.
    pub fn line(&self) -> String {
        let tried = if self.is_given_up { "not tried any more" } else { "tried again" };
        format!("notice not taken by {}, {tried}: `{}`: {}", self.place, self.title, self.why)
            .replace('\n', " ")
    }
}

/// Notes why a place does not take a notice. That it can't be noted disturbs nobody.
fn note_failure(run: &Path, name: &str, untaken: &Untaken) {
    let text = serde_json::to_vec(untaken).unwrap_or_default();
    _ = write_private_durably(&run.join("notices").join(name), &text);
}

/// The notices of a run that one place hears of and has not taken yet, the oldest first.
fn open(run: &Path, place: &Notify, number: usize) -> Vec<(String, Notice)> {
    let folder = run.join("notices");
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let is_open = |name: &String| {
        let is_notice = !name.starts_with('.') && !name.contains(".sent.") && !name.contains(".failed.");
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
    let (mut failing, mut failed_since): (Option<Instant>, Option<String>) = (None, None);
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
                Ok(said) => {
                    said.iter().for_each(|said| complain(&format!("{said}\n")));
                    _ = write_once(&run.join("notices"), &format!("{name}.sent.{number}"), &notice.id);
                }
                Err(failure) => {
                    let said = render(&failure, Style { color: false });
                    complain(&said);
                    failed = true;
                    let is_over = failing.get_or_insert_with(Instant::now).elapsed() > LONGEST;
                    let since = failed_since.get_or_insert_with(|| format!("{:.0}", jiff::Timestamp::now()));
                    let why = failure.why.first().map_or(failure.message.clone(), |why| why.to_string());
                    let untaken = Untaken {
                        title: notice.title.clone(),
                        place: place.name(),
                        since: since.clone(),
                        why: why.as_str().into(),
                        is_given_up: over && is_over,
                    };
                    note_failure(run, &format!("{name}.failed.{number}"), &untaken);
                    // What comes later is not told before it.
                    break;
                }
            }
        }
        if failed {
            if over && failing.is_some_and(|since| since.elapsed() > LONGEST) {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            if let Some(corrected) = places().into_iter().nth(number) {
                place = corrected;
            }
        } else {
            (pause, failing, failed_since) = (SHORTEST_PAUSE, None, None);
        }
        std::thread::sleep(pause);
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
