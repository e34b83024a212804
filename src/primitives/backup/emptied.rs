//! Whether something that a backup is to hold is empty although earlier ones have data there: its disk may not be mounted.

use super::Plan;
use crate::failure::{Failure, Kind, Result};
use crate::machine::archive::{self, About, DataSource, Held};
use crate::machine::backup::{Card, Gathered, catalogue, lost};
use crate::machine::part::Part;
use crate::site::Server;
use std::collections::BTreeMap;

/// Adds what there is of some parts to what is known of the backup.
///
/// Fails with [`Kind::Refused`] if all of one is gone since the last backup, or most of it with what was mounted there,
/// unless the site says that this may be.
pub(super) fn add(
    about: About,
    held: BTreeMap<DataSource, Held>,
    plan: &Plan,
    server: &Server,
) -> Result<About> {
    let now = jiff::Timestamp::now();
    let is_own = |card: &&Card| card.server.as_ref() == Some(&server.name) && !card.is_future(now);
    let cards = catalogue(&plan.folder)?;
    let own: Vec<&Card> = cards.iter().filter(is_own).collect();
    let mut lost = lost(&held, &own);
    lost.retain(|lost| !server.may_be_empty(&lost.source));
    if let Some(grave) = lost.iter().find(|lost| lost.is_grave()) {
        let written = grave.source.written();
        return Err(Failure::new(Kind::Refused, grave.text("the last backup"))
            .why("such a backup would be no copy of what is gone; none was taken")
            .help(format!(
                "mount its disk, if that is missing, then start it again; if there is to be nothing, write \
                 `may_be_empty = [\"{written}\"]` into the table of `{}` in `site.toml`",
                server.name
            )));
    }
    let lacking =
        about.lacking.into_iter().chain(lost.iter().map(|lost| lost.text("the backup before"))).collect();
    let held = about.held.into_iter().chain(held).collect();
    Ok(About { held, lacking, ..about })
}

/// The same of the volumes, once they were copied; and the parts that were gathered.
pub(super) fn gathered(about: About, gathered: &Gathered, plan: &Plan, server: &Server) -> Result<About> {
    let mut held = BTreeMap::new();
    for part in &gathered.parts {
        let Part::Volume { name, volume } = part else { continue };
        let own = gathered.members.iter().filter(|member| member.name == *name);
        let holds = |member| archive::estimate(std::slice::from_ref(member), &archive::Own::default(), false);
        let all = own.map(holds);
        let all = all.collect::<Result<Vec<_>>>()?.concat();
        held.extend(all.into_iter().map(|of| (DataSource::volume(volume), of)));
    }
    let about = add(about, held, plan, server)?;
    Ok(About { parts: gathered.parts.clone(), changed: gathered.changed.clone(), ..about })
}
