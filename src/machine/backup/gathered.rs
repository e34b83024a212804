//! What was gathered for a backup so far.

use super::Place;
use crate::command::{self, Exit, Spec};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::archive::{Content, Member};
use crate::machine::part::Part;
use std::fs::File;
use std::path::Path;

/// Removes what was made for one backup alone; what could not be removed, for people.
type Tidy = Box<dyn FnOnce() -> Vec<String>>;

/// All that an archive is written from. What was made for it alone is removed when this is dropped.
#[derive(Default)]
pub struct Gathered {
    pub parts: Vec<Part>,
    pub members: Vec<Member>,
    /// The names in the backup of what changed while it was gathered.
    pub changed: Vec<String>,
    tidies: Vec<Tidy>,
}

impl Gathered {
    /// Adds a part with what it is written from.
    pub(super) fn add(&mut self, part: Part, content: Content) {
        self.members.push(Member { name: part.name().to_owned(), content });
        self.parts.push(part);
    }

    /// Has something done when the archive is written, or can't be.
    pub(super) fn afterwards(&mut self, tidy: impl FnOnce() -> Vec<String> + 'static) {
        self.tidies.push(Box::new(tidy));
    }

    /// Tidies up after a failure, which then tells of what could not be done, too.
    pub fn fail(self, failure: Failure) -> Failure {
        self.tidy().into_iter().fold(failure, Failure::why)
    }

    /// The tidying-up that could not be done, for people; empty if all is clean.
    pub fn tidy(mut self) -> Vec<String> {
        self.tidies.drain(..).flat_map(|tidy| tidy()).collect()
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        self.tidies.drain(..).for_each(|tidy| drop(tidy()));
    }
}

/// Where a backup is gathered.
pub struct Workshop<'a> {
    pub place: &'a Place<'a>,
    /// What has to be kept before it can be written goes into unnamed files in it.
    pub folder: &'a Path,
    /// Whether dumps are to be compressed: a repository finds only in plain ones what it has already.
    pub compressed: bool,
    pub tell: &'a dyn Fn(String),
}

impl Workshop<'_> {
    /// Runs a command; its output in an unnamed file.
    pub fn output(&self, name: &str, spec: &Spec) -> Result<File> {
        let failed = || format!("the output for `{name}` can't be kept in `{}`", self.folder.display());
        let output = tempfile::tempfile_in(self.folder).or_fail(Kind::Refused, failed)?;
        let looked = command::look_into(spec, &output, self.place.stop)?;
        if looked.exit == Exit::Status(0) {
            return Ok(output);
        }
        let lines: Vec<&str> = looked.stderr.trim_end().lines().collect();
        let program = spec.arguments.first().map_or("", String::as_str);
        let message = format!("`{program}` for `{name}` failed ({})", looked.exit);
        let last = lines[lines.len().saturating_sub(STDERR_LINES)..].iter();
        Err(last.fold(Failure::new(Kind::CommandFailed, message), |failure, line| failure.why(line)))
    }
}

/// How many of the last lines of a failed command's stderr are shown.
const STDERR_LINES: usize = 10;
