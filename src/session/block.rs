//! Blocks: steps, branches and handlers.

use super::{Frame, Session};
use crate::event::{Event, StepState};
use crate::failure::{Failure, Kind, Result};
use crate::journal::Entry;
use crate::key::{Key, KeyBuf};
use crate::person::{Form, Question};
use crate::secret::{Sameness, same};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// A block that was gone into.
pub struct Block {
    pub frame: std::sync::Arc<Frame>,
    name: String,
    began: Instant,
    /// What it took, if it was done in an earlier session.
    replayed: Option<f64>,
    /// Why a person had it left out, if one did.
    pub skipped: Option<String>,
}

impl Block {
    /// Whether all of it was done in an earlier session.
    pub fn is_replayed(&self) -> bool {
        self.replayed.is_some()
    }
}

impl Session {
    /// Goes into a step. `source` is the file it stands in, `ahead` how many outermost steps are certain to follow it, if
    /// that is known.
    pub fn begin_step(&self, outer: &Frame, name: &str, source: &str, ahead: Option<usize>) -> Result<Block> {
        let key = outer.next_key();
        let depth = outer.steps.len();
        let in_course = key.as_key().in_course();
        let is_outermost = depth == 0 && in_course && !self.is_turned_back();
        let number = is_outermost.then(|| self.outermost.fetch_add(1, Ordering::Relaxed) + 1);
        let only_gone_through = self.is_turned_back() && in_course;
        if self.stepwise && !only_gone_through && self.written.lock().index.block(key.as_key()).is_none() {
            self.ask_before(key.as_key(), name)?;
        }
        let mut block = self.begin_block(outer, key, name, Some(name), source)?;
        block.skipped = self.skipped(block.frame.key.as_key(), name);
        self.tell(&Event::StepStarted {
            key: block.frame.key.clone(),
            name: name.into(),
            depth,
            source: source.into(),
            replayed: block.replayed.is_some(),
            number,
            of: number.zip(ahead).map(|(number, ahead)| number + ahead),
        });
        Ok(block)
    }

    /// Asks whether a step may begin.
    fn ask_before(&self, key: Key, name: &str) -> Result<()> {
        let question = Question { text: format!("Begin step `{name}`?"), form: Form::Confirm };
        let answer = self.person.ask_about(&format!("{}.step", key.folder_name()), &question)?;
        self.tell(&Event::Answered {
            question: question.text,
            answer: answer.text.clone(),
            by: answer.by.clone(),
        });
        match answer.is_yes() {
            true => Ok(()),
            false => Err(Failure::new(Kind::Declined, format!("stopped before step `{name}`"))
                .help("continue with the command of the last line")),
        }
    }

    /// Goes into a branch of `parallel`; `key` is that of the whole block with the branch's name.
    pub fn begin_branch(&self, outer: &Frame, key: Key, branch: &str, source: &str) -> Result<Block> {
        self.begin_block(outer, key.branch(branch), branch, None, source)
    }

    /// Whether a branch of this name began in an earlier session.
    pub fn has_begun(&self, key: Key, branch: &str) -> bool {
        self.written.lock().index.block(key.branch(branch).as_key()).is_some()
    }

    /// Whether the script is only replayed here, and not continued: something later is recorded, or it is only to be known
    /// how to roll back.
    pub fn is_passed(&self, key: Key) -> bool {
        let only_gone_through = self.is_turned_back() && key.in_course();
        only_gone_through || self.written.lock().index.goes_on_after(key)
    }

    fn begin_block(
        &self,
        outer: &Frame,
        key: KeyBuf,
        name: &str,
        step: Option<&str>,
        source: &str,
    ) -> Result<Block> {
        let is_other = |was: &str| was != name && same(&was.into(), &name.into()) == Sameness::Differs;
        let known = self.written.lock().index.block(key.as_key()).map(|block| match is_other(&block.name) {
            true => Err(block.name.clone()),
            false => Ok(block.seconds),
        });
        let replayed = match known {
            Some(Err(was)) => {
                return Err(self.differs(key.as_key(), &format!("step `{was}`"), &format!("step `{name}`")));
            }
            Some(Ok(seconds)) => seconds,
            None => {
                self.check_nothing_later(key.as_key(), &format!("step `{name}`"))?;
                if !self.is_turned_back() || !key.as_key().in_course() {
                    self.write(
                        Entry::Block { key: key.clone(), name: name.into(), source: source.into() },
                        false,
                    )?;
                }
                None
            }
        };
        Ok(Block {
            frame: outer.inner(key, step).into(),
            name: name.into(),
            began: Instant::now(),
            replayed,
            skipped: None,
        })
    }

    /// Leaves a block well.
    pub fn end_block(&self, block: &Block) -> Result<()> {
        let key = &block.frame.key;
        // What was done in it before it was left out is not asked for.
        if block.skipped.is_none() {
            self.check_all_used(&block.frame)?;
        }
        let seconds = block.replayed.unwrap_or_else(|| block.began.elapsed().as_secs_f64());
        if block.replayed.is_none() {
            self.write(Entry::BlockEnd { key: key.clone(), seconds }, false)?;
        }
        Ok(())
    }

    /// Leaves a step, however it went, and tells it.
    pub fn end_step(&self, block: &Block, result: Result<()>) -> Result<()> {
        let result = result.and_then(|()| self.end_block(block));
        let state = match &result {
            Ok(()) => StepState::Done,
            Err(failure) if matches!(failure.kind, Kind::Interrupted | Kind::Declined) => {
                StepState::Interrupted
            }
            Err(_) => StepState::Failed,
        };
        self.tell(&Event::StepFinished {
            key: block.frame.key.clone(),
            name: block.name.clone(),
            depth: block.frame.steps.len().saturating_sub(1),
            state,
            seconds: block.replayed.unwrap_or_else(|| block.began.elapsed().as_secs_f64()),
            replayed: block.replayed.is_some(),
        });
        result
    }

    /// At the end of a frame: everything that was recorded in it must have been asked for.
    pub fn check_all_used(&self, frame: &Frame) -> Result<()> {
        let used = self.written.lock().index.used(frame.key.as_key());
        if frame.used() >= used {
            return Ok(());
        }
        let key = frame.coming_key();
        let was = self.recorded_at(key.as_key());
        Err(self.differs(key.as_key(), &was, "the end of the block"))
    }

    /// What is recorded at a key, for people.
    pub(super) fn recorded_at(&self, key: Key) -> String {
        let written = self.written.lock();
        match (written.index.call(key), written.index.block(key)) {
            (Some(call), _) => format!("{}  [{}]", crate::primitives::describe(&call.call), call.at),
            (None, Some(block)) => format!("step `{}`", block.name),
            (None, None) => "a block".into(),
        }
    }

    /// A new effect may only come where nothing later is recorded.
    pub(super) fn check_nothing_later(&self, key: Key, now: &str) -> Result<()> {
        let later = !self.is_turned_back() && self.written.lock().index.goes_on_after(key);
        match later {
            true => Err(self.differs(key, "nothing", now)),
            false => Ok(()),
        }
    }
}
