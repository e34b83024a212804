//! Sends a run's notices, and tries again what nobody took. A place is known by what it is, and not by where in `site.toml` it
//! stands: the site may be changed meanwhile.

use super::untaken::{FAILED, REFUSED, SENT, Untaken, forget, names};
use crate::command::{read_file, write_once};
use crate::failure::{Failure, Kind};
use crate::machine::notify::{Notice, Notify};
use crate::report::failure::render;
use crate::report::text::Style;
use crate::sync::Mutex;
use std::collections::BTreeSet;
use std::path::Path;
use std::thread::Scope;
use std::time::{Duration, Instant};

/// How long notices of a run are tried after its end.
pub const AFTER_A_RUN: Duration = Duration::from_secs(3600);
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Of whose notices, and to whom.
pub struct Courier<'a> {
    pub run: &'a Path,
    /// Who hears of the run by `site.toml`, as it is now: somebody may correct what is wrong. Nothing if it can't be read, as
    /// while it is being written.
    pub places: &'a (dyn Fn() -> Option<Vec<Notify>> + Sync),
    /// Whether no more notices will be written.
    pub is_over: &'a (dyn Fn() -> bool + Sync),
    /// Hears what fails.
    pub complain: &'a (dyn Fn(&str) + Sync),
    /// How long a place may take nothing, once no more notices will be written, before they are given up.
    pub patience: Duration,
}

/// A courier at work.
struct Round<'a> {
    courier: &'a Courier<'a>,
    /// The keys of the places that are served.
    known: Mutex<BTreeSet<String>>,
}

impl Courier<'_> {
    /// Sends to each place until it is over and all are taken, or refused for good, or for as long as the patience after that.
    pub fn send(&self) {
        let round = Round { courier: self, known: Mutex::default() };
        // One that is slow keeps no other waiting.
        std::thread::scope(|scope| round.serve_new(scope));
    }

    /// The places with their keys. Two that are the same are two.
    fn keyed(&self) -> Option<Vec<(String, Notify)>> {
        let mut seen: Vec<String> = Vec::new();
        let keyed = |place: Notify| {
            let key = place.key();
            let earlier = seen.iter().filter(|other| **other == key).count();
            seen.push(key.clone());
            (if earlier == 0 { key } else { format!("{key}-{}", earlier + 1) }, place)
        };
        (self.places)().map(|places| places.into_iter().map(keyed).collect())
    }

    /// The notices that a place hears of, and has neither taken nor refused for good, the oldest first.
    fn open(&self, place: &Notify, key: &str) -> Vec<(String, Notice)> {
        let folder = self.run.join("notices");
        let is_open = |name: &String| {
            ![SENT, FAILED, REFUSED].iter().any(|mark| name.contains(mark))
                && ![SENT, REFUSED].iter().any(|mark| folder.join(format!("{name}{mark}{key}")).exists())
        };
        let notices = names(self.run).into_iter().filter(is_open).filter_map(|name| {
            let notice = read_file::<Notice>(&folder, &name).ok()??;
            place.hears(notice.event).then_some((name, notice))
        });
        let mut notices: Vec<(String, Notice)> = notices.collect();
        notices.sort_by(|(_, a), (_, b)| a.time.cmp(&b.time));
        notices
    }
}

/// How one place gets on.
struct Place {
    key: String,
    place: Notify,
    /// In the order of the site.
    number: usize,
    pause: Duration,
    failed_since: Option<String>,
    /// Since when no more notices are written.
    over_since: Option<Instant>,
    /// What it took, also where that can't be written down.
    taken: BTreeSet<String>,
}

impl Round<'_> {
    /// Serves the places that nobody serves yet.
    fn serve_new<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        for (number, (key, place)) in self.courier.keyed().into_iter().flatten().enumerate() {
            if self.known.lock().insert(key.clone()) {
                place.learn_secrets(number);
                let place = Place {
                    key,
                    place,
                    number,
                    pause: SHORTEST_PAUSE,
                    failed_since: None,
                    over_since: None,
                    taken: BTreeSet::new(),
                };
                scope.spawn(move || self.serve(scope, place));
            }
        }
    }

    fn serve<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, mut to: Place) {
        let run = self.courier.run;
        while run.exists() {
            // What was written before is seen by the look that follows.
            let over = (self.courier.is_over)();
            if over {
                to.over_since.get_or_insert_with(Instant::now);
            }
            if !self.open(&to).is_empty() {
                // Corrected, it is the same place, or another one that has yet to hear of all.
                self.serve_new(scope);
                if !self.reload(&mut to) {
                    forget(run, &to.key);
                    // It may come again.
                    self.known.lock().remove(&to.key);
                    return;
                }
            }
            let open = self.open(&to);
            if over && open.is_empty() {
                return;
            }
            if self.send_all(&mut to, open) {
                (to.pause, to.failed_since) = (SHORTEST_PAUSE, None);
            } else if self.is_late(&to) {
                return;
            } else {
                to.pause = (to.pause * 2).min(LONGEST_PAUSE);
            }
            std::thread::sleep(to.pause);
        }
    }

    fn open(&self, to: &Place) -> Vec<(String, Notice)> {
        let open = self.courier.open(&to.place, &to.key).into_iter();
        open.filter(|(name, _)| !to.taken.contains(name)).collect()
    }

    fn is_late(&self, to: &Place) -> bool {
        to.over_since.is_some_and(|since| since.elapsed() > self.courier.patience)
    }

    /// Reads the place again; what it refused before it was corrected is sent anew. False if it is named no more.
    fn reload(&self, to: &mut Place) -> bool {
        let Some(places) = self.courier.keyed() else { return true };
        let Some((_, now)) = places.into_iter().find(|(key, _)| *key == to.key) else { return false };
        if now != to.place {
            now.learn_secrets(to.number);
            forget(self.courier.run, &to.key);
            to.place = now;
        }
        true
    }

    /// Sends what is open. False if something was not taken.
    fn send_all(&self, to: &mut Place, open: Vec<(String, Notice)>) -> bool {
        let run = self.courier.run;
        let mut all = true;
        for (name, notice) in open {
            match to.place.send(&notice) {
                Ok(said) => {
                    said.iter().for_each(|said| (self.courier.complain)(&format!("{said}\n")));
                    let mark = format!("{name}{SENT}{}", to.key);
                    // Without it a later courier sends it again, under the same name.
                    all &= write_once(&run.join("notices"), &mark, &notice.id).is_ok();
                    to.taken.insert(name);
                }
                Err(failure) => {
                    (self.courier.complain)(&render(&failure, Style { color: false }));
                    all = false;
                    let is_refused = failure.kind == Kind::Invalid;
                    let untaken = to.untaken(&notice, &failure, is_refused || self.is_late(to));
                    let mark = if is_refused { REFUSED } else { FAILED };
                    untaken.note(run, &format!("{name}{mark}{}", to.key));
                    if !is_refused {
                        // What comes later is not told before it.
                        break;
                    }
                }
            }
        }
        all
    }
}

impl Place {
    fn untaken(&mut self, notice: &Notice, failure: &Failure, is_given_up: bool) -> Untaken {
        let since = self.failed_since.get_or_insert_with(|| format!("{:.0}", jiff::Timestamp::now()));
        let why = match failure.why.first().filter(|why| !why.is_empty()) {
            Some(why) if failure.kind == Kind::Invalid => format!("{}: {why}", failure.message),
            Some(why) => why.to_string(),
            None => failure.message.clone(),
        };
        let (title, place, since) = (notice.title.clone(), self.place.name(), since.clone());
        Untaken { title, place, since, why: why.as_str().into(), is_given_up }
    }
}
