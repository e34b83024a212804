//! Waiting until all checks are true, and stay so.

use super::asked::Asked;
use super::loops::Loops;
use super::round::answers;
use super::{Answer, Check, Place};
use crate::failure::{Failure, Kind, Result};
use crate::units;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two rounds: a quarter of what was waited for already, within these.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(200));
/// How often `stop` is asked in between.
const TICK: Duration = Duration::from_millis(50);
/// How many of its last answers a check that failed is reported with.
const ANSWERS: usize = 3;
/// How many lines of the log of a service that failed are shown.
const LOG_LINES: usize = 20;

/// How it became healthy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// From the first look to the end of the stable window.
    pub seconds: f64,
    pub checks: Vec<Checked>,
}

/// What a check answered last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    pub name: String,
    pub said: String,
}

/// Waits until all checks are true, and stay so for `stable`. They must be true at the end of `within`; a stable
/// window that is under way then may still go on to its end. `on_change` hears a line whenever a check answers
/// otherwise than before.
///
/// Fails with [`Kind::TimedOut`] and the message `otherwise`, as "`web` did not become healthy", and why; before the time
/// is over if a service ends again and again, so that no waiting helps. Fails with [`Kind::Interrupted`] soon after `stop`
/// says so; with [`Kind::Invalid`] if a check itself is wrong.
pub fn wait(
    otherwise: &str,
    checks: &[Check],
    within: units::Duration,
    stable: units::Duration,
    place: &Arc<Place>,
    stop: &dyn Fn() -> bool,
    on_change: &mut dyn FnMut(&str),
) -> Result<Report> {
    let begun = Instant::now();
    let mut histories: Vec<History> = checks.iter().map(|check| History::new(check.name())).collect();
    let mut window: Option<Window> = None;
    let mut loops = Loops::new(checks, place);
    loop {
        let looked_at = Instant::now();
        let asked = Arc::new(Asked::new(place));
        let answers = answers(checks, &asked, place, stop)?;
        for (history, answer) in histories.iter_mut().zip(&answers) {
            if let Some(line) = history.add(answer, looked_at) {
                on_change(&line);
            }
        }
        let marks: Vec<_> = answers.iter().map(|answer| answer.mark.clone()).collect();
        window = match window {
            _ if answers.iter().any(|answer| !answer.ok) => None,
            Some(before) if before.marks == marks => Some(before),
            _ => Some(Window { looked_at, answered_at: Instant::now(), marks }),
        };
        match &window {
            // Measured between what is known: an answer may have been waited for until the service was there, and nothing
            // is known of the time after the last look.
            Some(window) if looked_at.saturating_duration_since(window.answered_at) >= stable.0 => {
                let checks = histories.into_iter().map(History::checked).collect();
                return Ok(Report { seconds: begun.elapsed().as_secs_f64(), checks });
            }
            // A window that began too late does not count as in time.
            Some(window) if window.looked_at.duration_since(begun) <= within.0 => {}
            _ if begun.elapsed() >= within.0 => {
                return Err(failure(otherwise, checks, &histories, within, stable, place, &loops));
            }
            Some(_) => {}
            None => {
                if let Some(service) = loops.look(&asked, stop).cloned() {
                    let message =
                        format!("{otherwise}: its service `{}` ends again and again", service.service);
                    let mut whys = loops.tell(&service.id, place, LOG_LINES);
                    let badly = histories.iter().filter(|history| !history.is_well());
                    whys.extend(badly.map(History::tell));
                    let failure = whys.into_iter().fold(Failure::new(Kind::TimedOut, message), Failure::why);
                    return Err(failure.help("mend what its log says, then use `banister resume`"));
                }
            }
        }
        let pause = Instant::now() + (begun.elapsed() / 4).clamp(PAUSE.0, PAUSE.1);
        // The end of the window is not slept over.
        let end = window.as_ref().and_then(|window| window.answered_at.checked_add(stable.0));
        let until = end.map_or(pause, |end| pause.min(end));
        while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            if stop() {
                return Err(Failure::new(Kind::Interrupted, "interrupted"));
            }
            std::thread::sleep(left.min(TICK));
        }
    }
}

/// All is well since a round of looks.
struct Window {
    looked_at: Instant,
    answered_at: Instant,
    /// Which lives of the services were seen in it.
    marks: Vec<Option<String>>,
}

/// What a check answered, in order.
struct History {
    name: String,
    seen: Vec<Seen>,
    mark: Option<String>,
}

struct Seen {
    ok: bool,
    said: String,
    first: Instant,
    last: Instant,
}

impl History {
    fn new(name: String) -> History {
        History { name, seen: Vec::new(), mark: None }
    }

    /// A line for people if it is another answer than before.
    fn add(&mut self, answer: &Answer, at: Instant) -> Option<String> {
        let said = answer.said.clone();
        let restarted = self.mark.is_some() && answer.mark.is_some() && self.mark != answer.mark;
        if answer.mark.is_some() {
            self.mark.clone_from(&answer.mark);
        }
        if let Some(last) = self.seen.last_mut() {
            // The answer before lasted until this one was asked for.
            last.last = at;
            if last.said == said && last.ok == answer.ok {
                return restarted.then(|| format!("{} was restarted", self.name));
            }
        }
        let line = format!("{} {said}", self.name);
        self.seen.push(Seen { ok: answer.ok, said, first: at, last: at });
        // Only the last ones are ever told.
        if self.seen.len() > 2 * ANSWERS {
            self.seen.drain(..ANSWERS);
        }
        Some(line)
    }

    fn is_well(&self) -> bool {
        self.seen.last().is_some_and(|seen| seen.ok)
    }

    fn was_well_for(&self, time: units::Duration) -> bool {
        let end = self.seen.last().map(|seen| seen.last);
        let lately = |seen: &&Seen| end.is_some_and(|end| end.duration_since(seen.last) <= time.0);
        self.is_well() && self.seen.iter().filter(lately).all(|seen| seen.ok)
    }

    fn checked(mut self) -> Checked {
        Checked { name: self.name, said: self.seen.pop().map(|seen| seen.said).unwrap_or_default() }
    }

    /// `GET http://localhost/ answered 502 for 9s; before that connection refused for 1s`
    fn tell(&self) -> String {
        let told: Vec<String> = self.seen.iter().rev().take(ANSWERS).map(Seen::tell).collect();
        format!("{} {}", self.name, told.join("; before that "))
    }
}

impl Seen {
    fn tell(&self) -> String {
        match self.last.duration_since(self.first).as_secs() {
            0 => self.said.clone(),
            seconds => format!("{} for {}", self.said, units::Duration::seconds(seconds)),
        }
    }
}

fn failure(
    otherwise: &str,
    checks: &[Check],
    histories: &[History],
    within: units::Duration,
    stable: units::Duration,
    place: &Place,
    loops: &Loops,
) -> Failure {
    let mut failure = Failure::new(Kind::TimedOut, format!("{otherwise} in {within}"));
    failure = loops.unchecked(checks, place, LOG_LINES).into_iter().fold(failure, Failure::why);
    let all_well = histories.iter().all(History::is_well);
    for (check, history) in checks.iter().zip(histories) {
        // A service that ends again and again may happen to run at the last look.
        if all_well || history.was_well_for(stable) {
            continue;
        }
        failure = failure.why(history.tell());
        let log = match check {
            Check::Service(service) => service.log(place, LOG_LINES),
            Check::Containers(containers) => containers.log(place, LOG_LINES),
            _ => continue,
        };
        if let Ok(log) = log
            && !log.trim().is_empty()
        {
            failure = failure.why(format!("the end of its log:\n{}", log.trim_end()));
        }
    }
    if all_well {
        failure = failure.why(format!("its checks are well, but were not so for {stable}"));
        let changed = histories.iter().filter(|history| history.seen.len() > 1);
        failure = changed.fold(failure, |failure, history| failure.why(history.tell()));
    }
    failure.help("check again with `banister status`; if it only needs longer, use `banister resume`")
}
