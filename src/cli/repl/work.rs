//! What the typed lines belong to: a run of their own, or one that stopped.

use super::screen::Screen;
use crate::cli::context::Context;
use crate::cli::{outcome, resume, work};
use crate::command;
use crate::event::{Event, RunState};
use crate::failure::{Failure, Kind, Result};
use crate::journal::Header;
use crate::journal::run::{self, OpenRun, Summary};
use crate::key::Key;
use crate::person::{Form, Nobody, Person, Question};
use crate::primitives;
use crate::reach::Reach;
use crate::reach::frozen::Frozen;
use crate::script::repl::Repl;
use crate::session::{self, Direction, Open, Parts, Session};
use crate::site::Site;
use crate::stop::{Asked, Stop};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// See the module.
pub struct Work {
    site: Arc<Site>,
    header: Header,
    reach: Arc<dyn Reach>,
    person: Arc<dyn Person>,
    stop: Arc<Stop>,
    screen: Arc<Screen>,
    sort: Sort,
    /// The innermost step in which the run stopped that was opened.
    stopped_in: Option<String>,
}

enum Sort {
    /// One session from the first line to the last. It is a run as soon as it changes something.
    ByHand { session: Arc<Session>, folder: PathBuf, told: AtomicBool },
    /// Each line has a session of its own beside the run in this folder: between two lines anybody may go on with it.
    /// `reported` says that its state was printed, and that nothing was typed since.
    Beside { folder: PathBuf, reported: AtomicBool },
}

impl Work {
    /// A run in which all is typed.
    pub fn by_hand(context: &Context, stop: &Arc<Stop>, screen: &Arc<Screen>) -> Result<Work> {
        let site = Arc::new(context.site()?);
        let names = context.servers(&site)?.iter().map(|server| server.name.clone()).collect();
        let header = Header { by_hand: true, ..session::header(&site, "repl", Default::default(), names) };
        let (state, name) = (context.state.clone(), header.run.clone());
        let folder = run::folder(&state).join(&name);
        let (reach, person) = (context.reach(&site), context.person(&super::answers()));
        let (stop, screen) = (stop.clone(), screen.clone());
        let parts = parts(&site, &header, &reach, &person, &stop, &screen);
        let session = Session::by_hand(parts, Box::new(move || OpenRun::create(&state, &name)));
        let sort = Sort::ByHand { session: session.into(), folder, told: AtomicBool::new(false) };
        Ok(Work { site, header, reach, person, stop, screen, sort, stopped_in: None })
    }

    /// Beside the run of this name, which stopped.
    pub fn beside(context: &Context, name: &str, stop: &Arc<Stop>, screen: &Arc<Screen>) -> Result<Work> {
        let folder = run::find(&context.state, name).map_err(|failure| context.not_here(name, failure))?;
        let summary = Summary::read(&folder)?;
        let name = summary.name.clone();
        let refused = |why: &str| {
            Err(Failure::new(Kind::Invalid, format!("the run `{name}` {why}"))
                .help(format!("see what it did with `banister show {name}`")))
        };
        match summary.state {
            RunState::Done => return refused("is done"),
            RunState::RolledBack => return refused("was rolled back"),
            RunState::Running => {
                return Err(Failure::new(
                    Kind::Locked,
                    format!("another process is working on the run `{name}`"),
                )
                .help("see its progress with `banister show`"));
            }
            RunState::Damaged | RunState::Newer => return refused("can't be read"),
            RunState::Failed | RunState::Interrupted if !summary.is_open() => {
                return refused("can't be continued");
            }
            RunState::Failed | RunState::Interrupted => {}
        }
        let site = Arc::new(resume::site_of(context, &summary.header)?);
        let (reach, person) = (context.reach(&site), context.person(&super::answers()));
        let (stop, screen, sort) =
            (stop.clone(), screen.clone(), Sort::Beside { folder, reported: AtomicBool::new(false) });
        let stopped_in = summary.index.open_steps().last().map(|(_, block)| block.name.clone());
        Ok(Work { site, header: summary.header, reach, person, stop, screen, sort, stopped_in })
    }

    pub fn site(&self) -> &Arc<Site> {
        &self.site
    }

    /// The names of the servers that the lines are about.
    pub fn servers(&self) -> &[String] {
        &self.header.servers
    }

    /// The folder of the run that is open, if one is.
    pub fn run_folder(&self) -> Option<&Path> {
        match &self.sort {
            Sort::Beside { folder, .. } => Some(folder),
            Sort::ByHand { .. } => None,
        }
    }

    /// The innermost step in which the run stopped, when it was opened.
    pub fn stopped_in(&self) -> Option<String> {
        self.stopped_in.clone()
    }

    /// The steps in which the run stopped.
    pub fn open_steps(&self) -> Vec<String> {
        let summary = self.run_folder().and_then(|folder| Summary::read(folder).ok());
        let steps = summary.iter().flat_map(|summary| summary.index.open_steps());
        steps.map(|(_, block)| block.name.clone()).collect()
    }

    /// The session for the next line.
    pub fn session(&self) -> Result<Arc<Session>> {
        match &self.sort {
            Sort::ByHand { session, .. } => Ok(session.clone()),
            Sort::Beside { folder, reported } => {
                reported.store(false, Ordering::Relaxed);
                let summary = Summary::read(folder)?;
                let running = still_running(&summary)?;
                let index = summary.index;
                let (folder, known) = (folder.clone(), index.last.clone());
                let open: Open = Box::new(move || {
                    // A run that was killed has left it behind; the two would be in each other's way.
                    if let Some(call) = &running {
                        return Err(Failure::new(
                            Kind::Locked,
                            format!("{call} of this run is still running"),
                        )
                        .help("type `resume`, which follows it, or wait for its end"));
                    }
                    let run = OpenRun::open(&folder)?;
                    match run.index.last == known {
                        true => Ok(run),
                        false => Err(Failure::new(Kind::Locked, "somebody else has continued this run")
                            .help("type `evidence` to see how it is, then type the line again")),
                    }
                });
                // What others read who find the server held.
                let header = Header { runbook: "repl".into(), ..self.header.clone() };
                Ok(Arc::new(Session::beside(self.parts(&header), index, open)))
            }
        }
    }

    /// After a line: a run beside which it was is left.
    pub fn done_with(&self, context: &Context, session: &Session) -> Result<()> {
        match &self.sort {
            Sort::Beside { .. } => session.leave(),
            Sort::ByHand { told, .. } => {
                let is_new = session.is_written() && !told.swap(true, Ordering::Relaxed);
                if is_new && !context.quiet && !context.json {
                    let on = self.header.servers.join(", ");
                    let text = format!("run {}: repl on {on}", self.header.run);
                    println!("{}", context.style.dim(&text));
                }
                Ok(())
            }
        }
    }

    /// What ends it from outside, while nothing is done.
    pub fn leaver(&self) -> impl Fn() + Send + 'static {
        let by_hand = match &self.sort {
            Sort::ByHand { session, folder, .. } => Some((session.clone(), folder.clone())),
            Sort::Beside { .. } => None,
        };
        move || {
            if let Some((session, folder)) = by_hand.as_ref().filter(|(session, _)| session.is_written()) {
                session.finish(Ok(()), folder.clone());
            }
        }
    }

    /// Hands back what is held, and says what state things are in.
    pub fn end(&self, context: &Context) -> Result<()> {
        match &self.sort {
            Sort::ByHand { session, folder, .. } if session.is_written() => {
                outcome::print(context, &session.finish(Ok(()), folder.clone()), None);
            }
            Sort::ByHand { .. } => {}
            Sort::Beside { reported, .. } if reported.load(Ordering::Relaxed) => {}
            Sort::Beside { folder, .. } => outcome::print(context, &Summary::read(folder)?, None),
        }
        Ok(())
    }

    /// Gives the lines what the step saw in which the run failed.
    pub fn see(&self, repl: &mut Repl) -> Result<()> {
        let Sort::Beside { folder, .. } = &self.sort else { return Ok(()) };
        // As they are now, if they still fit what was done; else as they were.
        let seen = self.look_through(folder, false).or_else(|_| self.look_through(folder, true))?;
        repl.see(seen);
        Ok(())
    }

    fn look_through(&self, folder: &Path, original: bool) -> Result<crate::script::engine::seen::Seen> {
        let runbook = resume::prepare(&self.site, &self.header, folder, original)?;
        // Nothing new is begun by who is asked to stop.
        let stop = Arc::new(Stop::new());
        stop.ask(Asked::Finish);
        let parts = Parts {
            stop,
            reach: Arc::new(Frozen(self.reach.clone())),
            listener: Arc::new(|_: &Event| {}),
            person: Arc::new(Nobody),
            ..self.parts(&self.header)
        };
        let session = Arc::new(Session::through(parts, Summary::read(folder)?.index));
        runbook.seen(&session, &self.header.parameters)
    }

    /// Writes down that the step is left out which stopped the run.
    pub fn skip(&self, step: &str, reason: Option<String>) -> Result<()> {
        let Sort::Beside { folder, .. } = &self.sort else { return Ok(()) };
        let summary = Summary::read(folder)?;
        let open: Vec<(Key, &str)> =
            summary.index.open_steps().map(|(key, block)| (key, block.name.as_str())).collect();
        if !open.iter().any(|(_, name)| *name == step) {
            let names: Vec<String> = open.iter().map(|(_, name)| format!("skip \"{name}\"")).collect();
            return Err(Failure::new(Kind::Invalid, format!("the run did not stop in a step `{step}`"))
                .help(format!("to continue without the failed step: `{}`", names.join("`, `"))));
        }
        let reason = match reason {
            Some(reason) => reason,
            None => {
                let text = format!("Why can step `{step}` be left out?");
                self.person.ask(&Question { text, form: Form::Line { suggestion: None } })?.text
            }
        };
        if reason.trim().is_empty() {
            return Err(Failure::new(Kind::Declined, "a step is only left out for a reason")
                .help(format!("type `skip \"{step}\", \"why\"`")));
        }
        let session = self.session()?;
        for (key, _) in open.iter().filter(|(_, name)| *name == step) {
            session.skip(*key, step, reason.trim())?;
        }
        session.leave()
    }

    /// Goes on with the run, or back, and reports as ever. Gives the exit code.
    pub fn go_on(&self, context: &Context, rollback: bool) -> Result<u8> {
        let Sort::Beside { folder, reported } = &self.sort else { return Ok(0) };
        let summary = Summary::read(folder)?;
        if !summary.is_open() {
            let state = summary.state.name().replace('_', " ");
            return Err(Failure::new(
                Kind::Invalid,
                format!("the run is {state}: nothing is left to do in it"),
            ));
        }
        let site = self.site.clone();
        let runbook = resume::prepare(&site, &summary.header, folder, false)?;
        let run = OpenRun::open(folder)?;
        let answers = super::answers();
        let direction = if rollback { Direction::Back } else { Direction::On };
        let (header, stop) = (summary.header, &self.stop);
        let code = work::work_until(context, site, runbook, header, run, &answers, direction, false, stop)?;
        reported.store(true, Ordering::Relaxed);
        Ok(code)
    }

    fn parts(&self, header: &Header) -> Parts {
        parts(&self.site, header, &self.reach, &self.person, &self.stop, &self.screen)
    }
}

/// A call of a run's script whose command goes on although nobody follows it.
pub fn still_running(summary: &Summary) -> Result<Option<String>> {
    for (key, record) in summary.index.open_calls().filter(|(key, _)| !key.is_typed()) {
        let folder = run::log(&summary.path, key, record.attempt);
        if folder.exists() && matches!(command::state(&folder)?, command::State::Running) {
            return Ok(Some(primitives::describe(&record.call)));
        }
    }
    Ok(None)
}

fn parts(
    site: &Arc<Site>,
    header: &Header,
    reach: &Arc<dyn Reach>,
    person: &Arc<dyn Person>,
    stop: &Arc<Stop>,
    screen: &Arc<Screen>,
) -> Parts {
    Parts {
        site: site.clone(),
        header: header.clone(),
        stop: stop.clone(),
        reach: reach.clone(),
        listener: screen.clone(),
        person: person.clone(),
        stepwise: false,
    }
}
