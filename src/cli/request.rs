//! What a runner is asked to do: the part of a command line that it needs, in the folder of the run.

use super::arguments::{Answers, WhenFailed};
use super::context::Context;
use crate::clock::Instant;
use crate::failure::{Context as _, Failure, Kind, Result};
use crate::machine::files::write_private_durably;
use crate::site::{Site, Then, Unattended};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const FILE: &str = "request";

/// See the module.
#[derive(Serialize, Deserialize)]
pub struct Request {
    /// `site.toml`.
    pub site: PathBuf,
    pub server: Option<String>,
    pub way: Way,
    /// Whether the scripts are those that the run began with.
    pub original: bool,
    pub answers: Answers,
    pub verbose: bool,
    /// The terminal from which it was asked for, or where its SSH session came from.
    pub from: String,
    /// How many sessions the run had: with another one that has ended, this is done.
    pub sessions: usize,
    /// The number of the first session of a runner that is to work on it.
    pub first: u64,
    /// The same of an earlier request whose runner was killed: an answer that came after that is still one.
    #[serde(default)]
    pub earlier: Option<u64>,
    /// When it was asked for.
    #[serde(default)]
    pub at: Option<Instant>,
}

/// Where the run is taken up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    On,
    Back,
    /// From an earlier step; whoever asked for it wants that its changes are made again.
    From(String),
}

/// What happens where nobody is there, if the command line does not say it.
fn unless_said(context: &Context, site: &Site, detached: bool) -> Unattended {
    let is_at_terminal = context.is_interactive() && !detached;
    // Whoever sits there needs a moment to answer: what happens at once is for runs that nobody looks at.
    let fits = |said: &Unattended| !is_at_terminal || said.wait().is_none_or(|wait| !wait.is_zero());
    if let Some(said) = site.unattended.filter(fits) {
        return said;
    }
    // What is asked after a failure is asked of a person who was there at the beginning.
    let then = if context.is_interactive() || detached { Then::Wait } else { Then::Stop };
    Unattended { then, after: None }
}

impl Request {
    pub fn new(context: &Context, site: &Site, answers: &Answers, way: Way) -> Request {
        let mut answers = answers.clone();
        let unattended =
            *answers.unattended.get_or_insert_with(|| unless_said(context, site, answers.detach));
        // One that is to be rolled back after a time waits for somebody until then.
        let waits = context.is_interactive() || unattended.then == Then::Rollback;
        if answers.on_failure == WhenFailed::Ask && !waits {
            answers.on_failure = WhenFailed::Stop;
        }
        Request {
            site: site.file.clone(),
            server: context.given_server.clone(),
            way,
            original: false,
            answers,
            verbose: context.verbose,
            from: crate::lock::origin(),
            sessions: 0,
            first: 1,
            earlier: None,
            at: Some(Instant::now()),
        }
    }

    /// Writes it into the folder of the run.
    pub fn write(&self, run: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).or_fail(Kind::Bug, || "can't write a request".into())?;
        write_private_durably(&run.join(FILE), &text)
    }

    pub fn read(run: &Path) -> Result<Request> {
        let path = run.join(FILE);
        let unread = |why: &dyn std::fmt::Display| {
            Failure::new(Kind::Journal, format!("`{}` can't be read", path.display())).why(why.to_string())
        };
        let text = std::fs::read(&path).map_err(|error| unread(&error))?;
        serde_json::from_slice(&text).map_err(|error| unread(&error))
    }
}
