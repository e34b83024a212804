//! When the branches of `parallel` begin: so many at a time, each as soon as one before it has ended.
//!
//! Which of them begin at all depends on what failed before, and so on how long each took. The script has seen the results of
//! those that began if something later than the branches is recorded: then the journal says which those are, and another
//! one would begin only after all of them have ended as they did before.

use super::error::to_failure;
use super::values::to_error;
use crate::failure::{Failure, Kind};
use rhai::{Dynamic, EvalAltResult};
use std::collections::BTreeMap;
use std::sync::mpsc::{self, Sender};
use std::thread::{Builder, ScopedJoinHandle};

type Returned = Result<Dynamic, Box<EvalAltResult>>;

/// Address space for the stack of a thread that runs a script. A stack overflow aborts the process and can't be
/// caught; the limit on nested calls is reached long before this is used up.
pub const STACK: usize = 64 << 20;

/// One of the branches.
pub struct Branch<'a> {
    /// Whether it began in an earlier session.
    pub was_begun: bool,
    pub run: Box<dyn Fn() -> Returned + Sync + 'a>,
}

/// How the branches follow each other.
pub struct Pace {
    pub at_most: usize,
    /// When more have failed no new one is begun.
    pub max_failures: usize,
    /// Whether what came after the branches is recorded, or the script is only gone through.
    pub is_passed: bool,
}

impl Pace {
    /// Runs the branches, and gives what those returned that began, in their order.
    pub fn run(&self, branches: &[Branch], source: &str) -> impl Iterator<Item = Returned> + use<> {
        let mut ended = Ended::default();
        std::thread::scope(|scope| {
            let (sender, over) = mpsc::channel();
            let mut running: BTreeMap<usize, ScopedJoinHandle<Returned>> = BTreeMap::new();
            for (number, branch) in branches.iter().enumerate() {
                let places = if self.is_passed && !branch.was_begun { 1 } else { self.at_most };
                while running.len() >= places {
                    for number in over.recv().into_iter().chain(over.try_iter()) {
                        if let Some(thread) = running.remove(&number) {
                            ended.add(number, join(thread), source);
                        }
                    }
                }
                if !self.may_begin(branch, &ended) {
                    continue;
                }
                if self.at_most == 1 {
                    ended.add(number, (branch.run)(), source);
                    continue;
                }
                let over = Over { number, sender: sender.clone() };
                let run = move || {
                    let _over = over;
                    (branch.run)()
                };
                match Builder::new().stack_size(STACK).spawn_scoped(scope, run) {
                    Ok(thread) => _ = running.insert(number, thread),
                    Err(error) => {
                        ended.add(number, Err(bug(format!("no thread for a branch: {error}"))), source)
                    }
                }
            }
            for (number, thread) in running {
                ended.add(number, join(thread), source);
            }
        });
        ended.returned.into_values()
    }

    /// What was begun has a place in its course, and may have said how to roll back: it is replayed whatever failed, but
    /// not continued when nothing may be.
    fn may_begin(&self, branch: &Branch, ended: &Ended) -> bool {
        match branch.was_begun {
            true => self.is_passed || !ended.is_final,
            false => ended.failed <= self.max_failures && !ended.is_final,
        }
    }
}

/// What those returned that have ended, by their numbers.
#[derive(Default)]
struct Ended {
    returned: BTreeMap<usize, Returned>,
    failed: usize,
    /// Only a step that failed may be gone on from; not an interruption, or a bug.
    is_final: bool,
}

impl Ended {
    fn add(&mut self, number: usize, returned: Returned, source: &str) {
        if let Err(error) = &returned {
            self.failed += 1;
            self.is_final |= to_failure(error, source).kind.exit_code() != 1;
        }
        self.returned.insert(number, returned);
    }
}

/// Says that a branch is over, however it ended.
struct Over {
    number: usize,
    sender: Sender<usize>,
}

impl Drop for Over {
    fn drop(&mut self) {
        let _ = self.sender.send(self.number);
    }
}

fn join(thread: ScopedJoinHandle<Returned>) -> Returned {
    thread.join().unwrap_or_else(|_| Err(bug("a branch panicked")))
}

fn bug(message: impl Into<String>) -> Box<EvalAltResult> {
    to_error(Failure::new(Kind::Bug, message))
}
