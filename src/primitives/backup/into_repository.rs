//! The same into a repository.

use super::{Arguments, Outcome, Plan, emptied, end, intend, room, wanted};
use crate::data;
use crate::failure::Result;
use crate::machine::archive::Watch;
use crate::machine::backup::{self, Card, ENDING, Intent, Order, Reference, Workshop, gather, take};
use crate::machine::files::private_folder;
use crate::machine::restic::Repository;
use crate::primitive::{Host, Told};
use crate::units::Size;
use serde_json::json;

/// Takes the backup into a repository. What stands for it is written when it was read back; an attempt that was cut off
/// before is made again, which costs little: what it stored is there.
pub(super) fn store(
    arguments: &Arguments,
    host: &Host,
    plan: Plan,
    repository: &Repository,
) -> Result<Outcome> {
    let server = host.server()?;
    let progress = |text: String| (host.tell)(Told::Progress(text.into()));
    let (warn, stop) = (|text: String| (host.tell)(Told::Warning(text.into())), || host.stop.is_asked());
    let holds = |intent: &Intent| intent.path.extension() == Some(ENDING.as_ref());
    let Intent { path, about, .. } = match Intent::kept(host.folder)?.filter(holds) {
        Some(intent) => intent,
        None => {
            let held = room::enough(&plan, server)?;
            room::no_running_database(&plan, server)?;
            intend(arguments, &plan, host, held)?
        }
    };
    let plan_folder = plan.folder.clone();
    let reference = match path.exists() {
        true => {
            backup::read(&Card::of(&path)?, &server.access()?, &stop)?;
            Reference::open(&path)?
        }
        false => {
            private_folder(&plan.folder)?;
            let asked = wanted::complete(plan.asked.clone(), arguments, &about, &plan.archive.snapshot);
            let own = server.own_folders(Some(&plan.folder));
            let ground = server.ground(own.clone(), arguments.project.as_deref());
            let place = ground.place(&stop);
            let workshop =
                Workshop { place: &place, folder: &plan.folder, compressed: false, tell: &progress };
            let gathered = gather(&asked, &workshop)?;
            let about = match emptied::gathered(about, &gathered, &plan, server) {
                Ok(about) => about,
                Err(failure) => return Err(gathered.fail(failure)),
            };
            let watch = Watch { stop: &stop, warn: &warn, own: &own };
            let (folder, members) = (plan.folder.as_path(), gathered.members.as_slice());
            let order = Order { repository, folder, members, about, watch: &watch, tell: &progress };
            let reference = match take(order) {
                Ok(reference) => reference,
                Err(failure) => return Err(gathered.fail(failure)),
            };
            gathered.tidy().into_iter().for_each(warn);
            reference.keep(&path)?;
            reference
        }
    };
    let about = reference.about();
    backup::end(&plan_folder, &server.name, &reference.inventory.set)?;
    let sha256 = reference.sha256();
    let Reference { inventory, added, .. } = reference;
    Card::of(&path)?.about(&about).verified(sha256.clone()).keep()?;
    end(&about, &plan_folder, host)?;
    Ok(Outcome {
        bytes: json!({ data::SIZE: Size(added.unwrap_or_default()) }),
        members: inventory.members(),
        release: about.release,
        commit: about.commit,
        sha256,
        not_included: about.not_included,
        changed: about.changed,
        verified: true,
        readable: true,
        path,
    })
}
