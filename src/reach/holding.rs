//! Holding a server on its own machine: the lock, and what the server's book says of who may have it.

use super::Held;
use crate::book::{self, Book, End, Ended, FailedRelease, Left, Open};
use crate::command::{self, Attention, From};
use crate::event::RunState;
use crate::failure::{Failure, Kind, Result};
use crate::lock::{self, Grant, Holder, Lock, State};
use crate::primitive::Told;
use crate::site::Server;
use crate::stop::Stop;
use std::collections::BTreeMap;
use std::path::Path;

/// A server that this process holds.
struct HeldHere {
    lock: Lock,
    /// Whether the book says already that the run is half-way.
    changed: bool,
}

/// Takes the server for `holder`.
///
/// Fails with [`Kind::Locked`] if somebody holds it, if another run is half-way there or left a command behind that still
/// runs, and if the run rests on what it saw before another run worked on the server.
pub fn hold(server: &Server, holder: Holder) -> Result<Box<dyn Held>> {
    let folder = server.state_folder()?;
    let lock = lock::take(&folder, holder.clone(), &|last| may_hold(server, &folder, &holder, last))?;
    let by_hand = holder.by_hand;
    let changed = book::change(&folder, |book| {
        let superseded = book.enter(entry(lock.holder()));
        let by = format!("{}, run {}", holder.by, holder.run);
        book::close_all(&folder, superseded, "superseded", Some(by))?;
        Ok(book.open(&holder.run).is_some_and(|open| open.changed))
    })?;
    Ok(Box::new(HeldHere { lock, changed: changed || by_hand }))
}

fn entry(holder: &Holder) -> Open {
    Open {
        run: holder.run.clone(),
        runbook: holder.runbook.clone(),
        purpose: holder.purpose.clone(),
        by: holder.by.clone(),
        from: holder.from.clone(),
        folder: holder.folder.clone(),
        journal: holder.journal.clone(),
        since: holder.since.clone(),
        grant: holder.grant,
        changed: false,
        linked: holder.linked,
        by_hand: holder.by_hand,
        state: RunState::Running,
        back: false,
        running: Vec::new(),
        unread: None,
    }
}

/// Whether the run of `holder` may go on, before anything is written in its journal. Who holds the server is not looked at.
pub fn may_resume(server: &Server, holder: &Holder) -> Result<()> {
    let folder = server.state_folder()?;
    may_hold(server, &folder, holder, &lock::grant(&folder)?)
}

/// Asked while nobody else can take the lock.
fn may_hold(server: &Server, folder: &Path, holder: &Holder, last: &Grant) -> Result<()> {
    let mut book = with_running(book::read(folder)?, &holder.run);
    // Nobody else works now.
    book.stop_all_but("");
    // An earlier version keeps no book.
    if let Some(before) =
        lock::left(folder).filter(|before| before.run != holder.run && book.open(&before.run).is_none())
    {
        refuse_running(server, &before.run, &running(&before.folder).unwrap_or_default())?;
    }
    for open in book.open.iter().filter(|open| open.run != holder.run) {
        refuse_running(server, &open.run, &open.running)?;
    }
    if let Some(open) = book.half_way_beside(&holder.run) {
        return Err(book::refused(&server.name, &book, open));
    }
    let own = book.open(&holder.run);
    // Who wanted to abandon it and was killed before the book said so has changed nothing.
    let was_spared = own.is_some_and(|own| own.grant.saturating_add(1) == last.number)
        && last.run.as_ref() == Some(&book::abandoner(&holder.run));
    let is_ours = was_spared || last.run.as_ref() == Some(&holder.run);
    // Nobody worked on it after a release by force but whom the book names.
    let was_forced = last.run.is_none() && own.is_some_and(|own| own.grant < last.number);
    // All was done, and this server knows it already: nothing more will be changed.
    let is_done = own.is_none() && book::end_of(folder, &holder.run)?.is_some_and(|end| end.is_settled());
    if is_done && holder.again {
        return Ok(());
    }
    // A run that is open has not ended, whatever was noted before its entry was to be removed.
    if own.is_none() {
        refuse_ended(server, folder, holder)?;
    }
    if is_ours || was_forced || !holder.again || last.number == 0 {
        return Ok(());
    }
    let instant = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let is_later = last.at.as_deref().is_none_or(|at| instant(at) >= instant(&holder.began));
    if own.is_some() || is_later { Err(in_between(server, folder, holder, last)) } else { Ok(()) }
}

fn refuse_running(server: &Server, run: &str, running: &[String]) -> Result<()> {
    let Some(command) = running.first() else { return Ok(()) };
    let message = format!("{command} of the run {run} is still running on `{}`", server.name);
    Err(Failure::new(Kind::Locked, message)
        .help(format!("wait for its end, or follow it with `banister resume {run}`")))
}

/// A run that somebody abandoned, or began over, is not continued.
fn refuse_ended(server: &Server, folder: &Path, holder: &Holder) -> Result<()> {
    let Some(own) = book::end_of(folder, &holder.run)?.filter(Ended::is_by_others) else { return Ok(()) };
    let by = own.ended_by.as_deref().unwrap_or("somebody");
    let message = format!("the run {} was {} on `{}` by {by}", holder.run, own.state, server.name);
    Err(Failure::new(Kind::Locked, message)
        .why(format!("at {}", own.at))
        .help("see how the server is with `banister status`, then begin a new run"))
}

/// Nobody continues, or rolls back, over another's work unseen.
fn in_between(server: &Server, folder: &Path, holder: &Holder, last: &Grant) -> Failure {
    let name = last.run.as_deref().unwrap_or("another run");
    let message = format!("another run held `{}` since the run {} did", server.name, holder.run);
    let ended = book::ended(folder).unwrap_or_default();
    let line = ended.iter().rfind(|line| Some(&line.run) == last.run.as_ref());
    let theirs = match line {
        Some(Ended { purpose, by, at, state, .. }) => {
            format!("run {name} of {by}: {purpose}, {state} at {at}")
        }
        None => format!("run {name}{}", last.at.as_ref().map(|at| format!(", at {at}")).unwrap_or_default()),
    };
    Failure::new(Kind::Locked, message)
        .why(theirs)
        .why(format!("this run: {} of {}, since {}", holder.purpose, holder.by, holder.began))
        .help(format!(
            "what it read may have changed: check the server with `banister status`, then start again with \
             `banister run {} --abandon`",
            holder.runbook
        ))
}

impl Held for HeldHere {
    fn beat(&mut self, step: &str, changes: bool) -> Result<()> {
        self.lock.check()?;
        if changes && !self.changed {
            let run = self.lock.holder().run.clone();
            let holder = self.lock.holder();
            book::change(self.lock.folder(), |book| {
                match book.open.iter_mut().find(|open| open.run == run) {
                    Some(open) => open.changed = true,
                    // Somebody put the book aside meanwhile.
                    None => book.open.push(Open { changed: true, ..entry(holder) }),
                }
                Ok(())
            })?;
            self.changed = true;
        }
        self.lock.beat(Some(step))
    }

    fn end(&mut self, end: &End, _: &Stop, _: &dyn Fn(Told)) -> Result<()> {
        self.lock.check()?;
        let holder = self.lock.holder().clone();
        let folder = self.lock.folder().to_owned();
        book::change(&folder, |book| {
            let owes = book.owed_by(&holder.run).next().is_some();
            let half_way =
                owes || book.open(&holder.run).is_some_and(|open| open.changed || open.linked && end.changed);
            match end.state {
                RunState::Done | RunState::RolledBack => {
                    let reason = format!("the run is {}", end.state.name().replace('_', " "));
                    let left = Left { by: holder.by.clone(), at: crate::units::now(), reason };
                    let Some(open) = book.close(&holder.run, &left) else { return Ok(()) };
                    book::note_end(&folder, open, end)
                }
                // It is continued, or begun anew.
                state if half_way => {
                    let own = book.open.iter_mut().filter(|open| open.run == holder.run);
                    own.for_each(|open| (open.state, open.back) = (state, end.back));
                    Ok(())
                }
                _ => {
                    let reason = "nothing is left to continue".to_owned();
                    book.close(&holder.run, &Left { by: holder.by.clone(), at: crate::units::now(), reason });
                    Ok(())
                }
            }
        })
    }
}

/// The book as it is told: with what still runs of each open run but `own`.
pub fn with_running(mut book: Book, own: &str) -> Book {
    for open in book.open.iter_mut().filter(|open| open.run != own) {
        match running_of(open) {
            Ok(running) => open.running = running,
            Err(why) => open.unread = Some(why),
        }
    }
    book
}

/// The same, as it is told to whoever asks: with the run that works now as one that does.
pub fn told(server: &Server) -> Result<Book> {
    let folder = server.state_folder()?;
    let mut book = with_running(book::read(&folder)?, "");
    let works = match lock::look(&folder)? {
        State::Held(holder) => holder.run,
        _ => String::new(),
    };
    book.stop_all_but(&works);
    Ok(book)
}

/// The same for an open run. One that changed something has a folder: where it is gone, nobody knows what still runs.
fn running_of(open: &Open) -> std::result::Result<Vec<String>, String> {
    match open.changed && !open.folder.exists() {
        true => Err(format!("its folder `{}` is not there, or can't be entered", open.folder.display())),
        false => running(&open.folder),
    }
}

/// Commands of the run in `folder` that still run, as they were typed; or why that can't be known.
fn running(folder: &Path) -> std::result::Result<Vec<String>, String> {
    let unknown = |why: &dyn std::fmt::Display| format!("`{}` can't be read: {why}", folder.display());
    let logs = match std::fs::read_dir(folder.join("logs")) {
        Ok(logs) => logs,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unknown(&error)),
    };
    let mut found = Vec::new();
    for log in logs {
        let log = log.map_err(|error| unknown(&error))?.path();
        match command::state(&log) {
            Ok(command::State::Running) => found.push(match command::Spec::read(&log) {
                Ok(spec) => format!("`{}`", spec.arguments.join(" ")),
                Err(_) => "a command".into(),
            }),
            Ok(_) => {}
            Err(failure) => return Err(unknown(&failure)),
        }
    }
    Ok(found)
}

/// Releases the lock; see [`lock::release`]. What a holder that is pushed out still runs is ended: its lock kept others
/// from beginning beside it.
pub fn release(server: &Server, force: bool) -> Result<State> {
    let folder = server.state_folder()?;
    let state = lock::release(&folder, force)?;
    if let State::Held(holder) = &state {
        end_all(&holder.folder)?;
        let still = running(&holder.folder).unwrap_or_default();
        refuse_running(server, &holder.run, &still)
            .map_err(|failure| failure.why("the lock was released"))?;
    }
    Ok(state)
}

/// Abandons a run: takes the lock, ends what it still runs (with `end`), notes for each thing that it owes why it is left,
/// and closes it.
///
/// Fails with [`Kind::Locked`] while somebody holds the server or something of the run still runs; with
/// [`Kind::Declined`] if there is no reason for something owed. Nothing changed then, but that commands were ended.
pub fn abandon(
    server: &Server,
    holder: Holder,
    run: &str,
    (reasons, reason): (&BTreeMap<String, String>, &str),
    end: bool,
) -> Result<()> {
    let folder = server.state_folder()?;
    let check = |_: &Grant| {
        let book = book::read(&folder)?;
        if book.open(run).is_none() && book::end_of(&folder, run)?.is_some_and(|end| end.is_settled()) {
            let message =
                format!("the run {run} was done on `{}` meanwhile: there is nothing to abandon", server.name);
            return Err(Failure::new(Kind::Locked, message).help("see how it is with `banister status`"));
        }
        let theirs = book.open(run).map(|open| open.folder.clone());
        let theirs =
            theirs.or_else(|| lock::left(&folder).filter(|left| left.run == run).map(|left| left.folder));
        if let Some(theirs) = theirs {
            if end {
                end_all(&theirs)?;
            }
            // What can't be known was told to whoever abandons it.
            refuse_running(server, run, &running(&theirs).unwrap_or_default())?;
        }
        match book.owed_by(run).find(|owed| owed.left.is_none() && !reasons.contains_key(&owed.name)) {
            None => Ok(()),
            Some(owed) => Err(Failure::new(
                Kind::Declined,
                format!("the run {run} still owes `{}`: {}", server.name, owed.text),
            )
            .help("say why it is left")),
        }
    };
    let by = holder.by.clone();
    let _lock = lock::take(&folder, holder, &check)?;
    book::change(&folder, |book| {
        let mut why: Vec<String> = (!reason.is_empty()).then(|| reason.to_owned()).into_iter().collect();
        for owed in book.owed.iter_mut().filter(|owed| owed.run == run && owed.left.is_none()) {
            let reason = reasons.get(&owed.name).cloned().unwrap_or_default();
            if !why.contains(&reason) {
                why.push(format!("{}: {reason}", owed.name));
            }
            owed.left = Some(Left { by: by.clone(), at: crate::units::now(), reason });
        }
        // What was begun to be installed is not begun again automatically.
        let release = book.owed_by(run).find_map(|owed| owed.release.clone());
        if let Some(release) = release {
            let (run, at, end) = (run.to_owned(), crate::units::now(), "abandoned".to_owned());
            book.note_failed(FailedRelease { release, run, by: by.clone(), at, end });
        }
        let left = Left { by: by.clone(), at: crate::units::now(), reason: String::new() };
        let closed = book.close(run, &left).into_iter().collect();
        let why = if why.is_empty() { by.clone() } else { format!("{by} ({})", why.join("; ")) };
        book::close_all(&folder, closed, "abandoned", Some(why))
    })
}

/// Ends the commands of a run that still run, with all that they started.
pub fn end_all(folder: &Path) -> Result<()> {
    let Ok(logs) = std::fs::read_dir(folder.join("logs")) else { return Ok(()) };
    for log in logs.flatten() {
        let log = log.path();
        if matches!(command::state(&log)?, command::State::Running) {
            command::cancel(&log)?;
            // One that had not begun never will.
            command::follow(&log, From::Now, &|| Attention::Cancel, &mut |_| {}).map(drop)?;
        }
    }
    Ok(())
}
