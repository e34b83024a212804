//! Where the run is that is looked at: its folder on this machine, or its home on another one.

use crate::cli::context::Context;
use crate::cli::outcome;
use crate::event::Event;
use crate::failure::{Context as _, Kind, Result};
use crate::journal::run::{self, Summary};
use crate::key::KeyBuf;
use crate::runner::answers::{self, Given};
use crate::runner::follow::Follower;
use crate::runner::{self, wishes};
use crate::secret::Shown;
use crate::site::Site;
use crate::stop::Asked;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Passes on that the run is to stop.
pub type Wisher = Arc<dyn Fn(Asked) -> Result<()> + Send + Sync>;

/// See the module.
pub trait Place {
    /// The run's name.
    fn name(&self) -> String;

    /// The next event with its line, if there is one by now.
    fn next(&mut self) -> Result<Option<(Event, String)>>;

    /// The last line of each course.
    fn live(&mut self) -> BTreeMap<KeyBuf, Shown>;

    /// The answer to a question, if there is one by now.
    fn answer(&mut self, question: &str) -> Result<Option<Given>>;

    /// Answers a question, and gives the answer that is there now: this one, or that of whoever came first.
    fn give(&mut self, question: &str, given: &Given) -> Result<Given>;

    /// Whether a runner works on it, or will.
    fn is_at_work(&mut self) -> Result<bool>;

    /// Waits for what is new, but no longer than that.
    fn wait(&mut self, time: Duration) -> Result<()>;

    fn wisher(&self) -> Wisher;

    /// Prints how the run stands.
    fn print_outcome(&mut self, context: &Context) -> Result<()>;
}

/// On this machine.
pub struct Here {
    path: PathBuf,
    follower: Follower,
    site: Option<Arc<Site>>,
}

impl Here {
    /// From the beginning of a session on.
    pub fn new(path: &Path, session: u64, site: Option<Arc<Site>>) -> Here {
        Here { path: path.to_owned(), follower: Follower::of(path, session), site }
    }
}

impl Place for Here {
    fn name(&self) -> String {
        run::name(&self.path)
    }

    fn next(&mut self) -> Result<Option<(Event, String)>> {
        self.follower.next().or_fail(Kind::Journal, || "the events of the run can't be read".to_owned())
    }

    fn live(&mut self) -> BTreeMap<KeyBuf, Shown> {
        self.follower.live()
    }

    fn answer(&mut self, question: &str) -> Result<Option<Given>> {
        answers::answer(&self.path, question)
    }

    fn give(&mut self, question: &str, given: &Given) -> Result<Given> {
        answers::give(&self.path, question, given)
    }

    fn is_at_work(&mut self) -> Result<bool> {
        Ok(runner::is_at_work(&self.path))
    }

    fn wait(&mut self, time: Duration) -> Result<()> {
        std::thread::sleep(time);
        Ok(())
    }

    fn wisher(&self) -> Wisher {
        let path = self.path.clone();
        Arc::new(move |asked| wishes::wish(&path, asked))
    }

    fn print_outcome(&mut self, context: &Context) -> Result<()> {
        outcome::print(context, &Summary::as_far_as_readable(&self.path).0, self.site.as_ref());
        Ok(())
    }
}
