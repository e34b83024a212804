//! A terminal that looks on while a runner works: shows what is told, asks what is asked, and passes on the wish to stop.
//! Whatever becomes of it, the run goes on.

pub mod place;

use super::context::Context;
use super::work;
use crate::event::{Event, Listener};
use crate::failure::{Context as _, Failure, Kind, Result};
use crate::journal::run;
use crate::key::KeyBuf;
use crate::output::{self, word};
use crate::person::{Answer, Person, Question};
use crate::report::prompt::Terminal;
use crate::runner::answers::{self, Given};
use crate::secret::Shown;
use crate::site::Site;
use crate::stop::Asked;
use place::{Here, Place, Wisher};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, atomic};
use std::time::{Duration, Instant};

/// How often it is looked for what is new.
const TICK: Duration = Duration::from_millis(25);
/// How long nobody may be at work before a run counts as one on which nobody works.
const GRACE: Duration = Duration::from_secs(5);

/// Whether this viewer is to be left.
static LEAVES: atomic::AtomicBool = atomic::AtomicBool::new(false);

/// The same, for a place that waits.
pub fn is_left() -> bool {
    LEAVES.load(atomic::Ordering::SeqCst)
}

/// Looks on from the beginning of a session until the run ends, or this is left. Gives the exit code.
pub fn view(context: &Context, path: &Path, session: u64, site: Option<Arc<Site>>) -> Result<u8> {
    let person: Option<Arc<dyn Person>> = context.is_interactive().then(|| Arc::new(Terminal) as _);
    view_with(context, path, session, site, person, false)
}

/// The same; `person` answers what is asked, if somebody does here. With `leaves`, a question that nobody here can answer is
/// not waited for.
pub fn view_with(
    context: &Context,
    path: &Path,
    session: u64,
    site: Option<Arc<Site>>,
    person: Option<Arc<dyn Person>>,
    leaves: bool,
) -> Result<u8> {
    if let Some(abroad) = &context.abroad {
        // They look on from there.
        *abroad.viewed.lock() = Some((run::name(path), session));
        return Ok(0);
    }
    view_at(context, &mut Here::new(path, session, site), person, leaves)
}

/// The same, wherever the run is.
///
/// Fails with [`Kind::Declined`] if it `leaves` a question that stands.
pub fn view_at(
    context: &Context,
    place: &mut dyn Place,
    person: Option<Arc<dyn Person>>,
    leaves: bool,
) -> Result<u8> {
    listen(place.wisher())?;
    let mut viewer = Viewer {
        context,
        place: &mut *place,
        person,
        report: work::report(context),
        shown: BTreeSet::new(),
        live: BTreeMap::new(),
        open: VecDeque::new(),
        asking: None,
        waited: BTreeSet::new(),
        leaves,
        waits: BTreeSet::new(),
        unanswered: None,
    };
    let code = viewer.follow()?;
    drop(viewer);
    match code {
        Some(code) => {
            place.print_outcome(context)?;
            Ok(code)
        }
        None => {
            let command = context.command(&format!("attach {}", word(place.name())));
            if !context.json {
                println!("the run continues; `{command}` shows it again");
            }
            Ok(0)
        }
    }
}

struct Viewer<'a> {
    context: &'a Context,
    place: &'a mut dyn Place,
    person: Option<Arc<dyn Person>>,
    report: Arc<dyn Listener>,
    /// The keys of steps whose end was shown.
    shown: BTreeSet<KeyBuf>,
    live: BTreeMap<KeyBuf, Shown>,
    /// Questions that wait, in their order.
    open: VecDeque<(String, Question)>,
    /// The question at the terminal, and what comes of it.
    asking: Option<(String, Receiver<Result<Answer>>)>,
    /// Questions that were left here; somebody else may answer them.
    waited: BTreeSet<String>,
    /// Whether a question that nobody here can answer ends this.
    leaves: bool,
    /// Questions that wait for as long as nobody answers.
    waits: BTreeSet<String>,
    /// One of them to which the answers that were given are none.
    unanswered: Option<Question>,
}

impl Viewer<'_> {
    /// Nothing if this is left while the run goes on.
    fn follow(&mut self) -> Result<Option<u8>> {
        let mut alone: Option<Instant> = None;
        loop {
            while let Some((event, line)) = self.place.next()? {
                if let Event::RunnerEnded { code, failure } = event {
                    self.end_question();
                    if let Some(failure) = failure {
                        super::failed(&failure, self.context.style.color);
                    }
                    return Ok(Some(code));
                }
                self.show(&event, &line);
            }
            self.show_live();
            self.ask()?;
            self.leave_question()?;
            if is_left() {
                self.end_question();
                return Ok(None);
            }
            match self.place.is_at_work()? {
                true => alone = None,
                // What it told last is read first.
                false if alone.get_or_insert_with(Instant::now).elapsed() > GRACE => {
                    self.end_question();
                    return Ok(Some(Kind::Interrupted.exit_code()));
                }
                false => {}
            }
            self.place.wait(TICK)?;
        }
    }

    fn show(&mut self, event: &Event, line: &str) {
        match event {
            Event::Asked { question, text, form, left, .. } => {
                if left.is_none() {
                    self.waits.insert(question.clone());
                }
                let asked = Question { text: text.to_string(), form: form.clone() };
                if !self.open.iter().any(|(name, _)| name == question) {
                    self.open.push_back((question.clone(), asked));
                }
                if !self.context.json && self.person.is_none() {
                    println!("{text}\nanswer with `{}`", self.context.command("attach"));
                }
            }
            // A runner that was started again tells what was done before.
            Event::StepStarted { key, replayed: true, .. } if self.shown.contains(key) => return,
            Event::StepFinished { key, replayed: true, .. } if self.shown.contains(key) => return,
            Event::StepFinished { key, .. } => _ = self.shown.insert(key.clone()),
            _ => {}
        }
        match self.context.json {
            true => output::line(line),
            false => self.report.hear(event),
        }
    }

    fn show_live(&mut self) {
        if !self.context.live || self.context.json {
            return;
        }
        let live = self.place.live();
        for (key, line) in &live {
            if self.live.get(key) != Some(line) {
                self.report.hear(&Event::Progressed { key: key.clone(), line: line.clone() });
            }
        }
        self.live = live;
    }

    /// Asks the next question, takes the answer to the one that is asked, or takes it away if somebody else gave one.
    fn ask(&mut self) -> Result<()> {
        if let Some((name, coming)) = &self.asking {
            let name = name.clone();
            match coming.try_recv() {
                Ok(Ok(answer)) => self.give(&name, answer)?,
                // It was left; the run waits on.
                Ok(Err(_)) | Err(mpsc::TryRecvError::Disconnected) if self.leaves => {
                    let asked = self.open.iter().find(|(open, _)| *open == name && self.waits.contains(open));
                    self.unanswered = asked.map(|(_, question)| question.clone());
                    self.waited.insert(name);
                    self.asking = None;
                }
                Ok(Err(_)) | Err(mpsc::TryRecvError::Disconnected) => {
                    eprintln!("the question stays open; `{}` asks it again", self.context.command("attach"));
                    self.waited.insert(name);
                    self.asking = None;
                }
                Err(mpsc::TryRecvError::Empty) => match self.place.answer(&name)? {
                    Some(given) => {
                        self.end_question();
                        self.take_away(&name);
                        eprintln!("answered by {}: {}", given.by, given.text);
                    }
                    None => return Ok(()),
                },
            }
        }
        while let Some(name) = self.open.front().map(|(name, _)| name.clone()) {
            let is_over = self.waited.contains(&name) || self.place.answer(&name)?.is_some();
            if !is_over {
                break;
            }
            self.open.pop_front();
        }
        if let (Some((name, question)), Some(person)) = (self.open.front(), &self.person) {
            let (send, coming) = mpsc::channel();
            let (name, question, person) = (name.clone(), question.clone(), person.clone());
            std::thread::spawn(move || send.send(person.ask(&question)));
            self.asking = Some((name, coming));
        }
        Ok(())
    }

    /// Fails if this would wait for somebody who is not here.
    fn leave_question(&self) -> Result<()> {
        let standing = self.open.front().filter(|_| self.person.is_none());
        let standing = standing.filter(|(name, _)| self.waits.contains(name)).map(|(_, question)| question);
        let Some(question) = standing.or(self.unanswered.as_ref()).filter(|_| self.leaves) else {
            return Ok(());
        };
        let run = word(self.place.name());
        let message =
            format!("the run `{}` waits for an answer, and nobody is here to ask", self.place.name());
        let option = if question.form.is_confirmable() { "--yes" } else { "--answer TEXT" };
        let (attach, resume) = (format!("attach {run}"), format!("resume {run} {option}"));
        Err(Failure::new(Kind::Declined, message).why(&question.text).help(format!(
            "answer at a terminal with `{}`, or with `{}`",
            self.context.command(&attach),
            self.context.command(&resume)
        )))
    }

    fn give(&mut self, name: &str, answer: Answer) -> Result<()> {
        let mine = Given { text: answer.text, by: answer.by, id: answers::new_id(), prepared: None };
        let kept = self.place.give(name, &mine)?;
        if kept.id != mine.id {
            eprintln!("{} had answered before: {}", kept.by, kept.text);
        }
        self.take_away(name);
        Ok(())
    }

    fn take_away(&mut self, name: &str) {
        self.asking = None;
        self.open.retain(|(open, _)| open != name);
    }

    /// Takes the question away from the terminal.
    fn end_question(&mut self) {
        if let Some((_, coming)) = self.asking.take() {
            output::end_questions();
            // The terminal gets its modes back.
            _ = coming.recv_timeout(Duration::from_secs(1));
        }
    }
}

/// What signals ask for: Ctrl-C stops the run after the running command, and twice at once; everything else leaves this
/// viewer.
fn listen(wish: Wisher) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT])
        .or_fail(Kind::Bug, || "signals can't be listened to".into())?;
    output::are_heard();
    output::quit_is_heard();
    std::thread::spawn(move || {
        let mut interrupted = false;
        for signal in signals.forever() {
            let asked = match (signal, std::mem::replace(&mut interrupted, signal == SIGINT)) {
                (SIGINT, false) => Asked::Finish,
                (SIGINT, true) => Asked::Cancel,
                _ => {
                    LEAVES.store(true, atomic::Ordering::SeqCst);
                    continue;
                }
            };
            match wish(asked) {
                Err(failure) => eprintln!("{failure}"),
                Ok(()) if asked == Asked::Finish && !output::is_asking() => eprintln!(
                    "\nstopping after the running command; press Ctrl-C again to stop it now (Ctrl-\\ leaves a run without \
                     stopping it)"
                ),
                Ok(()) => {}
            }
        }
    });
    Ok(())
}
