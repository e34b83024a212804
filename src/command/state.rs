//! What a command's folder says, for everyone who comes to it: the starter itself, a resumer, a person who asks.

use super::begun::{self, Begun};
use super::exit::Exit;
use super::folder::{self, EXIT, NOT_EXECUTED};
use super::lock::{self, Probe};
use super::mark::{Survivor, processes_with_mark};
use super::process::Identity;
use crate::failure::{Context, Kind, Result};
use std::io;
use std::path::Path;

/// What the folder of a command says, looked at now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing ran. It may run: by [`super::start`], or by a supervisor that is late.
    NotBegun,
    /// Nothing ran, and nothing will.
    Void,
    /// It runs, or is about to.
    Running,
    Ended(Exit),
    /// It began and is gone, and nobody wrote how it ended: its supervisor was killed, or the machine went down.
    /// It may have run to its end or only in part.
    CutOff {
        survivors: Vec<Survivor>,
    },
}

/// Looks at a command's folder. Fails with [`Kind::Journal`] if it can't be read.
pub fn state(folder: &Path) -> Result<State> {
    Ok(match look(folder)? {
        Seen::NotBegun => State::NotBegun,
        Seen::Void => State::Void,
        Seen::Held | Seen::Alone(_) => State::Running,
        Seen::Ended(exit) => State::Ended(exit),
        Seen::CutOff => State::CutOff { survivors: processes_with_mark(folder) },
    })
}

/// Decides that the command will never run, also not by a supervisor that comes late. False if it is too late to
/// say so: it began, ended, or is about to begin.
pub fn void(folder: &Path) -> Result<bool> {
    let decide = || -> io::Result<bool> {
        let Some(_lock) = lock::take(folder)? else { return Ok(false) };
        if folder.join(EXIT).exists() {
            return Ok(false);
        }
        Ok(begun::pass(folder, &Begun::Void)? || begun::read(folder)? == Some(Begun::Void))
    };
    decide().or_fail(Kind::Journal, || format!("cannot set the command in `{}` aside", folder.display()))
}

/// As [`State`], with what only this module's parts need to know.
pub(super) enum Seen {
    NotBegun,
    Void,
    /// A supervisor or a stage holds the lock: it will end in an exit, or in a free lock.
    Held,
    /// The supervisor is dead and the command lives; how it ends will not be known.
    Alone(Identity),
    Ended(Exit),
    CutOff,
}

pub(super) fn look(folder: &Path) -> Result<Seen> {
    look_closely(folder)
        .or_fail(Kind::Journal, || format!("cannot read the command's folder `{}`", folder.display()))
}

fn look_closely(folder: &Path) -> io::Result<Seen> {
    if let Some(exit) = folder::read(folder, EXIT)? {
        return Ok(Seen::Ended(exit));
    }
    let Probe::Free { _held } = lock::probe(folder)? else { return Ok(Seen::Held) };
    // Again: the supervisor may have written it and let go of the lock since.
    if let Some(exit) = folder::read(folder, EXIT)? {
        return Ok(Seen::Ended(exit));
    }
    let identity = match begun::read(folder)? {
        None => return Ok(Seen::NotBegun),
        Some(Begun::Void) => return Ok(Seen::Void),
        Some(Begun::Process(identity)) => identity,
    };
    if identity.open().is_some() {
        return Ok(Seen::Alone(identity));
    }
    // Read after the process was seen dead, or it could still write it.
    match folder::read(folder, NOT_EXECUTED)? {
        Some(why) => Ok(Seen::Ended(Exit::NotStarted(why))),
        None => Ok(Seen::CutOff),
    }
}
