//! Puts files and folders back.
//!
//! The contents of a folder are exchanged, and the folder itself stays: a folder may be where something is mounted, may
//! lie in one that belongs to another user, and may be what a running container has mounted. What no backup holds stays
//! where it is. Everything new is made in the folder itself, where nobody else can reach it, then a plan is written, and
//! then each entry takes its place in one step:
//!
//! ```text
//! /srv/data/               the place: stays
//!   .banister-ID/new/      from the backup; what is exchanged goes from here ...
//!   rows, uploads/         ... to here
//!   .banister-ID/old/      ... and what was here goes there, until all is healthy
//!   media/                 a mount: left alone
//! ```

mod databases;
mod exchange;
mod names;
mod plan;
mod planned;
mod room;
mod single;
mod stage;
mod survey;
mod targets;

use super::{Drilled, Group, Restored, Store};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::archive::Content;
use crate::machine::backup::asked::Asked;
use crate::machine::backup::gathered::{Gathered, Workshop};
use crate::machine::backup::leftover::PLAN;
use crate::machine::backup::{Place, Unpacked};
use crate::machine::files::{kept, write_private_durably};
use crate::machine::part::Part;
use crate::machine::sqlite;
use crate::machine::tree;
use planned::{Plan, Way};
use std::path::PathBuf;
use survey::Survey;
use targets::{Target, targets};

/// Files, and folders with all that is in them.
pub struct Files;

impl Store for Files {
    fn group(&self) -> Group {
        Group::Files
    }

    fn take(&self, asked: &Asked, workshop: &Workshop, gathered: &mut Gathered) -> Result<()> {
        for files in &asked.files {
            let part = Part::Files { name: files.name.clone(), path: files.path.clone() };
            gathered.add(part, Content::Path((workshop.place.path)(&files.path)));
        }
        Ok(())
    }

    /// They were put into a folder of their own, and compared, when they were unpacked. The databases among them are
    /// looked through there.
    fn drill(&self, unpacked: &Unpacked, place: &Place, drilled: &mut Drilled) -> Result<()> {
        databases::check(unpacked, place.stop, drilled)
    }

    fn put_back(&self, unpacked: &Unpacked, place: &Place, done: &mut Restored) -> Result<()> {
        for plan in put_back(unpacked, place)? {
            done.names.extend(plan.restored);
            done.lost.extend(plan.lost);
        }
        Ok(())
    }

    fn drop_aside(&self, unpacked: &Unpacked, place: &Place) -> Result<()> {
        drop_aside(unpacked, place)
    }
}

/// Puts all files and folders of the backup back; how.
fn put_back(unpacked: &Unpacked, place: &Place) -> Result<Vec<Plan>> {
    let file = unpacked.folder.join(PLAN);
    let plans: Vec<Plan> = match kept(&file)? {
        Some(plans) => plans,
        None => {
            let plans = prepare(unpacked, place)?;
            let text = serde_json::to_vec(&plans).or_fail(Kind::Bug, || "a plan is not plain data".into())?;
            write_private_durably(&file, &text)?;
            plans
        }
    };
    for plan in &plans {
        let failed = |failure: Failure| failure.why(format!("while `{}` was restored", plan.place.display()));
        match &plan.way {
            Way::Contents(contents) => exchange::exchange(plan, contents, unpacked).map_err(failed)?,
            Way::Beside { entry, companions } => {
                for companion in companions {
                    let place = plan.place.with_file_name(&companion.name);
                    single::set_aside(&place, companion, unpacked).map_err(failed)?;
                }
                single::exchange(&plan.place, entry, unpacked).map_err(failed)?;
            }
            Way::Written => single::write(plan, unpacked).map_err(failed)?,
        }
    }
    Ok(plans)
}

/// Brings everything new to where it is exchanged, and says what is exchanged for what. Nothing live is changed.
fn prepare(unpacked: &Unpacked, place: &Place) -> Result<Vec<Plan>> {
    let own = place.own.as_in(unpacked.about.as_ref());
    let place = &Place { own: &own, ..*place };
    let targets = targets(&unpacked.parts, &|name| unpacked.path(name), place)?;
    room::check(&targets)?;
    // What is left alone within a part may be a part of its own: its content is taken out of the other's first.
    let mut lost = Vec::new();
    for target in targets.iter().rev() {
        lost.extend(stage::stage(target, unpacked)?);
    }
    let plans = targets.iter().map(|target| plan::plan(target, unpacked, true));
    let mut plans: Vec<Plan> = plans.filter_map(Result::transpose).collect::<Result<_>>()?;
    if let Some(first) = plans.first_mut() {
        first.lost = lost;
    }
    Ok(plans)
}

/// What a restore would do to what is there, for people.
#[derive(Debug, Default)]
pub struct Foreseen {
    /// What it would leave alone, each with the reason.
    pub left_alone: Vec<String>,
    /// The links that it would replace by files or folders: what they lead to, data that was moved since perhaps, would not
    /// be used any more. Only known of a backup that was unpacked.
    pub unlinked: Vec<String>,
}

/// What a restore of these parts would do.
pub fn left_alone(parts: &[Part], place: &Place) -> Result<Foreseen> {
    let targets = targets(parts, &|name| PathBuf::from(name), place)?;
    let left_alone = targets.iter().flat_map(|target| target.survey.told(&target.place)).collect();
    Ok(Foreseen { left_alone, unlinked: Vec::new() })
}

/// The same of a backup that was unpacked, when all of it can be restored. Changes nothing.
///
/// Fails with [`Kind::Refused`] if something can't be both left alone and restored, or can't be moved by this user.
pub fn foresee(unpacked: &Unpacked, place: &Place) -> Result<Foreseen> {
    let own = place.own.as_in(unpacked.about.as_ref());
    let place = &Place { own: &own, ..*place };
    let mut foreseen = Foreseen::default();
    let targets = targets(&unpacked.parts, &|name| unpacked.path(name), place)?;
    room::check(&targets)?;
    for target in &targets {
        plan::plan(target, unpacked, false)?;
        foreseen.left_alone.extend(target.survey.told(&target.place));
        for (below, leads_to) in &target.survey.links {
            if target.from.join(below).symlink_metadata().is_ok_and(|found| !found.is_symlink()) {
                let link = target.place.join(below);
                foreseen.unlinked.push(format!("`{}`, which leads to `{leads_to}`", link.display()));
            }
        }
    }
    Ok(foreseen)
}

/// What putting files back may make before the first of them is exchanged.
pub fn pieces(unpacked: &Unpacked, place: &Place) -> Vec<PathBuf> {
    let paths = unpacked.parts.iter().filter_map(|part| match part {
        Part::Files { path, .. } => Some((place.path)(path)),
        _ => None,
    });
    paths.flat_map(|path| names::staged(&path, unpacked)).collect()
}

fn drop_aside(unpacked: &Unpacked, place: &Place) -> Result<()> {
    let paths = unpacked.parts.iter().filter_map(|part| match part {
        Part::Files { path, .. } => Some((place.path)(path)),
        _ => None,
    });
    let with_companions = |path: PathBuf| {
        let name = path.file_name().unwrap_or_default();
        let beside = sqlite::COMPANIONS.map(|what| path.with_file_name(sqlite::companion(name, what)));
        beside.into_iter().chain([path]).collect::<Vec<_>>()
    };
    for left in paths.flat_map(with_companions).flat_map(|path| names::asides(&path, unpacked)) {
        tree::remove(&left).or_fail(Kind::Refused, || format!("`{}` can't be removed", left.display()))?;
    }
    Ok(())
}
