//! Whether there is room for a backup.

use super::Plan;
use crate::failure::{Failure, Kind, Result};
use crate::machine::archive::{self, Content, DataSource, Held, Member};
use crate::machine::backup::ENDING;
use crate::machine::files::free_space;
use crate::machine::raw_database;
use crate::site::Server;
use crate::units::Size;
use std::collections::BTreeMap;

/// Fails if the files, uncompressed, would not fit; what a dump needs can't be known. How much there is of each, by its path
/// as it was written.
pub(super) fn enough(plan: &Plan, server: &Server) -> Result<BTreeMap<DataSource, Held>> {
    server.check_backups_there(&plan.folder)?;
    let files = &plan.asked.files;
    let paths = files
        .iter()
        .map(|files| Member { name: files.name.clone(), content: Content::Path(server.path(&files.path)) });
    // In a repository most of it may be already; what may not be backed up is told here all the same.
    let own = server.own_folders(Some(&plan.folder));
    let held = archive::estimate(&paths.collect::<Vec<_>>(), &own, plan.archive.any_tar);
    let held = held.map_err(|failure| match failure.kind {
        Kind::NotFound => failure.help(format!(
            "mount its disk, if that is missing, or correct `backup` of `{}` in `site.toml`",
            server.name
        )),
        _ => failure,
    })?;
    let needed = held.iter().map(|held| held.bytes).fold(0, u64::saturating_add);
    let free = free_space(&plan.folder)?.free;
    if needed <= free || plan.format == ENDING {
        return Ok(files.iter().map(|files| DataSource::path(&files.path)).zip(held).collect());
    }
    let folder = plan.folder.display();
    let message = format!("a backup needs up to {}, and `{folder}` has {}", Size(needed), Size(free));
    Err(Failure::new(Kind::Refused, message).help("make room, or give the option `folder`"))
}

/// Fails if what a running database server keeps its data in is among the files: its copy would be no backup.
pub(super) fn no_running_database(plan: &Plan, server: &Server) -> Result<()> {
    let paths = plan.asked.files.iter().map(|files| (files.name.as_str(), server.path(&files.path)));
    raw_database::refuse(paths, &server.own_folders(Some(&plan.folder)))
}
