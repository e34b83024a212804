//! A run as lines: one a step, and on a terminal a last line that shows what the running command does.

use super::failure::render;
use super::text::{Style, cut, elapsed, table};
use crate::event::{Event, Listener, RunState, StepState};
use crate::secret::redact;
use std::io::Write;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

/// How often the live line is drawn again.
const TICK: Duration = Duration::from_millis(200);

/// Reports to standard output.
pub struct Lines {
    state: Arc<Mutex<State>>,
}

struct State {
    style: Style,
    /// Whether there is a live line.
    live: bool,
    quiet: bool,
    verbose: bool,
    width: usize,
    /// The steps that are open, outermost first, with their instants.
    open: Vec<(String, Instant)>,
    /// What is shown on the live line.
    call: String,
    output: String,
    drawn: bool,
    /// Name, state and seconds of each step, for the table at the end.
    steps: Vec<(String, StepState, f64, bool)>,
}

impl Lines {
    pub fn new(style: Style, live: bool, quiet: bool, verbose: bool) -> Lines {
        let width = rustix::termios::tcgetwinsize(std::io::stdout())
            .map_or(100, |size| usize::from(size.ws_col).max(20));
        let state = State {
            style,
            live,
            quiet,
            verbose,
            width,
            open: Vec::new(),
            call: String::new(),
            output: String::new(),
            drawn: false,
            steps: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        if live {
            let watched = Arc::downgrade(&state);
            std::thread::spawn(move || tick(&watched));
        }
        Lines { state }
    }
}

/// Draws the live line again and again, so that the elapsed time is seen to run.
fn tick(watched: &Weak<Mutex<State>>) {
    while let Some(state) = watched.upgrade() {
        state.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).draw();
        drop(state);
        std::thread::sleep(TICK);
    }
}

impl Listener for Lines {
    fn hear(&self, event: &Event) {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).hear(event);
    }
}

impl State {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::RunStarted { run, runbook, servers, resumed } => {
                let verb = if *resumed { "resuming" } else { "run" };
                let on = servers.join(", ");
                self.line(&self.style.dim(&format!("{verb} {run}: {runbook} on {on}")));
            }
            Event::StepStarted { name, depth, replayed, .. } => {
                self.open.push((name.clone(), Instant::now()));
                self.call.clear();
                self.output.clear();
                if !self.live && !replayed {
                    self.line(&format!("{}· {name}", "  ".repeat(*depth)));
                }
            }
            Event::StepFinished { name, depth, state, seconds, replayed, .. } => {
                self.open.pop();
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
            Event::CallStarted { text, replayed: false, .. } => {
                self.call = text.clone();
                self.output.clear();
                if self.verbose && !self.live {
                    self.line(&self.style.dim(&format!("    {text}")));
                }
            }
            Event::CallFinished { text, seconds, replayed: false, .. } if self.verbose => {
                self.line(&self.style.dim(&format!("    {text}  {}", elapsed(*seconds))));
            }
            Event::Progressed { line, .. } => {
                self.output = redact(line).into_owned();
                if self.verbose {
                    self.line(&self.style.dim(&format!("    {line}")));
                }
            }
            Event::Noted { text } => self.line(&format!("{} {text}", self.style.bold("note:"))),
            Event::Shown { title, text } => {
                self.line(&self.style.bold(title));
                text.lines().for_each(|line| self.line(&format!("  {line}")));
            }
            Event::Answered { question, answer, by } => {
                self.line(&self.style.dim(&format!("{question} — {answer} ({by})")));
            }
            Event::Warned { text } => self.line(&format!("{} {text}", self.style.warn("warning:"))),
            Event::Failed { failure } => {
                self.erase();
                eprint!("{}", render(failure, self.style));
            }
            Event::RollbackStarted => self.line(&self.style.warn("going back")),
            Event::RunFinished { state, seconds, failure, .. } => {
                self.erase();
                self.summary(*state, *seconds);
                if let Some(failure) = failure {
                    eprint!("{}", render(failure, self.style));
                }
            }
            _ => {}
        }
    }

    /// The steps once more, as a table; not for runs of one or two.
    fn summary(&mut self, state: RunState, seconds: f64) {
        if self.quiet || self.steps.len() < 3 || state != RunState::Done {
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

    /// Prints a line above the live one.
    fn line(&mut self, text: &str) {
        if self.quiet {
            return;
        }
        self.erase();
        let _ = writeln!(std::io::stdout().lock(), "{}", redact(text));
    }

    fn erase(&mut self) {
        if std::mem::take(&mut self.drawn) {
            let _ = write!(std::io::stdout().lock(), "\r\x1b[K");
        }
    }

    fn draw(&mut self) {
        let Some((step, began)) = self.open.last().filter(|_| !self.quiet) else { return };
        let what = if self.output.is_empty() { &self.call } else { &self.output };
        let text = format!("▸ {step}  {}  {what}", elapsed(began.elapsed().as_secs_f64()));
        let text = cut(&redact(&text), self.width.saturating_sub(1));
        let mut out = std::io::stdout().lock();
        let _ = write!(out, "\r\x1b[K{text}").and_then(|()| out.flush());
        self.drawn = true;
    }
}
