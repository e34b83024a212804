//! Turns the files of a run into lines for who looks on from elsewhere, and their lines into answers.

use super::site_of;
use crate::cli::context::Context;
use crate::cli::outcome;
use crate::event::Event;
use crate::failure::{Context as _, Kind, Result};
use crate::home::wire::{Says, Wish};
use crate::journal::run::Summary;
use crate::reach::desk::{Desk, say};
use crate::reach::talk::Heard;
use crate::runner::answers;
use crate::runner::follow::Follower;
use crate::runner::{self, wishes};
use crate::site::Site;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const TICK: Duration = Duration::from_millis(25);

/// So many looks pass until it is looked whether somebody works on the run.
const SELDOM: u32 = 10;

/// Tells what happens in a run from `since` on, until nobody looks on any more or the end was asked for. Gives the exit code.
pub fn follow(context: &Context, desk: &Desk, run: &str, since: (u64, u64)) -> Result<u8> {
    let glance = site_of(context, run)?;
    let path = &glance.path;
    let mut follower = Follower::of(path, since.0);
    // Questions whose answers are to be told.
    let mut open: Vec<String> = Vec::new();
    let (mut live, mut works, mut looks) = (BTreeMap::new(), None, 0);
    loop {
        let unread = || "the events of the run can't be read".to_owned();
        while let Some((event, line)) = follower.next().or_fail(Kind::Journal, unread)? {
            if let Event::Asked { question, .. } = &event
                && !is_answered(path, question)?
            {
                open.push(question.clone());
            }
            let at = follower.position();
            if at > since {
                say(&Says::Event { at, line });
            }
        }
        let mut waiting = Vec::new();
        for question in open.drain(..) {
            if !is_answered(path, &question)? {
                waiting.push(question);
            }
        }
        open = waiting;
        let now = follower.live();
        if now != live {
            say(&Says::Live(now.clone()));
            live = now;
        }
        if looks % SELDOM == 0 {
            let now = runner::is_at_work(path);
            if works != Some(now) {
                say(&Says::Works(now));
                works = Some(now);
            }
        }
        looks = looks.wrapping_add(1);
        match desk.next(TICK) {
            Heard::Nothing => {}
            Heard::Lost(_) => return Ok(0),
            Heard::Said(line) => match serde_json::from_slice(&line) {
                // It is the name of a file.
                Ok(Wish::Give { question, .. }) if question.contains('/') => {}
                Ok(Wish::Give { question, given }) => {
                    let given = answers::give(path, &question, &given)?;
                    say(&Says::Answered { question, given });
                }
                Ok(Wish::Stop(asked)) => {
                    wishes::wish(path, asked)?;
                    say(&Says::Stopping(asked));
                }
                Ok(Wish::Outcome {}) => {
                    let site = Site::load(&glance.header.site).ok().map(Arc::new);
                    outcome::print(context, &Summary::as_far_as_readable(path).0, site.as_ref());
                    return Ok(0);
                }
                Ok(Wish::Answer(_)) | Err(_) => {}
            },
        }
    }
}

/// Tells the answer to a question, if there is one.
fn is_answered(path: &Path, question: &str) -> Result<bool> {
    let Some(given) = answers::answer(path, question)? else { return Ok(false) };
    say(&Says::Answered { question: question.to_owned(), given });
    Ok(true)
}
