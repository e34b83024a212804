//! A run as lines: one a step, and on a terminal last lines that show what goes on: one, or one for each branch.

use super::failure::render;
use super::text::{Style, elapsed, table};
use super::tracks::Tracks;
use crate::event::{Event, Listener, RunState, StepState};
use crate::output;
use crate::secret::show;
use crate::sync::Mutex;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How often the live lines are drawn again.
const TICK: Duration = Duration::from_millis(200);
/// The same while a person reads a question below them.
const SLOW_TICK: Duration = Duration::from_secs(1);

/// Where nobody watches, what goes on is said again after so long without a line, and looked at so often.
const SILENCE: Duration = Duration::from_secs(60);
const GLANCE: Duration = Duration::from_secs(1);

/// Reports to standard output.
pub struct Lines {
    state: Arc<Mutex<State>>,
}

struct State {
    style: Style,
    /// Whether there are live lines.
    live: bool,
    quiet: bool,
    verbose: bool,
    /// What the live lines show.
    tracks: Tracks,
    /// Name, state and seconds of each step, for the table at the end.
    steps: Vec<(String, StepState, f64, bool)>,
    /// When the last line was printed.
    said: Instant,
}

impl Lines {
    pub fn new(style: Style, live: bool, quiet: bool, verbose: bool) -> Lines {
        let (tracks, steps, said) = (Tracks::default(), Vec::new(), Instant::now());
        let state = Arc::new(Mutex::new(State { style, live, quiet, verbose, tracks, steps, said }));
        let watched = Arc::downgrade(&state);
        if live {
            std::thread::spawn(move || tick(&watched));
        } else if !quiet {
            std::thread::spawn(move || remind(&watched));
        }
        Lines { state }
    }
}

/// Draws the live lines again and again, so that the elapsed time is seen to run.
fn tick(watched: &Weak<Mutex<State>>) {
    while let Some(state) = watched.upgrade() {
        state.lock().draw();
        drop(state);
        std::thread::sleep(if output::is_asking() { SLOW_TICK } else { TICK });
    }
}

/// Says what goes on, so that a log shows during a long wait that it does.
fn remind(watched: &Weak<Mutex<State>>) {
    while let Some(state) = watched.upgrade() {
        state.lock().remind();
        drop(state);
        std::thread::sleep(GLANCE);
    }
}

impl Lines {
    /// Takes the live lines away: nothing goes on any more.
    pub fn end(&self) {
        let mut state = self.state.lock();
        state.tracks = Tracks::default();
        state.draw();
        state.live = false;
    }
}

impl Listener for Lines {
    fn hear(&self, event: &Event) {
        self.state.lock().hear(event);
    }
}

impl State {
    fn hear(&mut self, event: &Event) {
        if self.quiet {
            return self.hear_quietly(event);
        }
        match event {
            Event::RunStarted { run, runbook, servers, resumed } => {
                let verb = if *resumed { "resuming" } else { "run" };
                let on = servers.join(", ");
                self.line(&self.style.dim(&format!("{verb} {run}: {runbook} on {on}")));
            }
            Event::StepStarted { key, name, depth, replayed, number, of, .. } => {
                let count = match (number, of) {
                    (Some(number), Some(of)) => format!("  step {number} of {of}"),
                    (Some(number), None) => format!("  step {number}"),
                    (None, _) => String::new(),
                };
                self.tracks.begin_step(key.as_key(), &format!("{name}{count}"));
                if !self.live && !replayed {
                    let (indent, branch) = ("  ".repeat(*depth), Tracks::prefix(key.as_key()));
                    self.line(&format!("{indent}· {branch}{name}{}", self.style.dim(&count)));
                }
            }
            Event::StepFinished { key, name, depth, state, seconds, replayed } => {
                self.tracks.end_step(key.as_key());
                let name = format!("{}{name}", Tracks::prefix(key.as_key()));
                let (mark, when) = match (state, replayed) {
                    (StepState::Done, true) => {
                        (self.style.dim("✓"), format!("{}, done before", elapsed(*seconds)))
                    }
                    (StepState::Done, false) => (self.style.good("✓"), elapsed(*seconds)),
                    (StepState::Failed, _) => (self.style.bad("✗"), elapsed(*seconds)),
                    (StepState::Interrupted | StepState::Running, _) => {
                        (self.style.warn("‖"), elapsed(*seconds))
                    }
                };
                let when = self.style.dim(&when);
                self.line(&format!("{}{mark} {name}  {when}", "  ".repeat(*depth)));
                self.steps.push((format!("{}{name}", "  ".repeat(*depth)), *state, *seconds, *replayed));
            }
            Event::CallStarted { key, text, replayed: false, .. } => {
                self.tracks.begin_call(key.as_key(), text);
                if self.verbose && !self.live {
                    self.line(&self.style.dim(&format!("    {text}")));
                }
            }
            Event::CallFinished { key, text, seconds, replayed: false, .. } => {
                self.tracks.end_call(key.as_key());
                if self.verbose {
                    self.line(&self.style.dim(&format!("    {text}  {}", elapsed(*seconds))));
                }
            }
            Event::Progressed { key, line } => {
                self.tracks.progress(key.as_key(), line.to_string());
                if self.verbose {
                    self.line(&self.style.dim(&format!("    {line}")));
                }
            }
            Event::Printed { text } => text.as_str().lines().for_each(|line| self.line(line)),
            Event::Noted { text } => self.line(&format!("{} {text}", self.style.bold("note:"))),
            Event::Shown { title, text } => {
                self.line(&self.style.bold(title.as_str()));
                text.as_str().lines().for_each(|line| self.line(&format!("  {line}")));
            }
            Event::Answered { question, answer, by } => {
                self.line(&self.style.dim(&format!("{question} — {answer} ({by})")));
            }
            Event::Warned { text } => self.line(&format!("{} {text}", self.style.warn("warning:"))),
            Event::Failed { failure } => eprint!("{}", render(failure, self.style)),
            Event::RollbackStarted => self.line(&self.style.warn("rolling back")),
            Event::RunFinished { state, seconds, failure, .. } => {
                // Nothing goes on any more.
                self.tracks = Tracks::default();
                self.draw();
                self.summary(*state, *seconds);
                if let Some(failure) = failure {
                    eprint!("{}", render(failure, self.style));
                }
            }
            _ => {}
        }
    }

    /// Only failures are told; nothing is kept for what is not shown.
    fn hear_quietly(&self, event: &Event) {
        if let Event::Failed { failure } | Event::RunFinished { failure: Some(failure), .. } = event {
            eprint!("{}", render(failure, self.style));
        }
    }

    /// The steps once more, as a table; not for runs of one or two.
    fn summary(&mut self, state: RunState, seconds: f64) {
        if self.steps.len() < 3 || state != RunState::Done {
            return;
        }
        let row = |(name, state, seconds, replayed): &(String, StepState, f64, bool)| {
            let state = match (state, replayed) {
                (StepState::Done, true) => "done before",
                (StepState::Done, false) => "done",
                (StepState::Failed, _) => "failed",
                _ => "interrupted",
            };
            vec![name.clone(), state.into(), elapsed(*seconds)]
        };
        let mut rows: Vec<Vec<String>> = self.steps.iter().map(row).collect();
        rows.push(vec!["all".into(), String::new(), elapsed(seconds)]);
        let text = table(&rows);
        self.line("");
        text.lines().for_each(|line| self.line(line));
    }

    fn remind(&mut self) {
        if self.said.elapsed() < SILENCE || output::is_asking() {
            return;
        }
        for line in self.tracks.lines() {
            self.line(&self.style.dim(&line));
        }
    }

    /// Prints a line above the live ones.
    fn line(&mut self, text: &str) {
        self.said = Instant::now();
        println!("{}", show(text));
    }

    fn draw(&mut self) {
        if self.quiet || !self.live {
            return;
        }
        output::live(self.tracks.lines().iter().map(|line| show(line).into_owned()).collect());
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.tracks = Tracks::default();
        self.draw();
    }
}
