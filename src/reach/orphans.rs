//! Commands on a server that nobody follows any more: their run was abandoned, or its journal is gone.

use super::inquiry::Orphan;
use crate::book;
use crate::command::{Kept, kept};
use crate::failure::Result;
use crate::lock::{self, State};
use crate::site::Server;

/// What still runs for a server, although no run that can be continued has it. A command is the server's if the server knows
/// its run, or if it works in the server's checkout.
pub fn of(server: &Server) -> Result<Vec<(Kept, Orphan)>> {
    let kept = kept();
    if kept.is_empty() {
        return Ok(Vec::new());
    }
    let folder = server.state_folder()?;
    let (book, ended) = (book::read(&folder)?, book::ended(&folder)?);
    let holder = match lock::look(&folder)? {
        State::Held(holder) => Some(holder),
        _ => None,
    };
    let checkout = server.checkout.canonicalize().unwrap_or_else(|_| server.checkout.clone());
    let found = kept.into_iter().filter_map(|kept| {
        let path = kept.run()?;
        let run = path.file_name()?.to_string_lossy().into_owned();
        let open = book.open(&run);
        let works = holder.as_ref().is_some_and(|holder| holder.run == run);
        // What an open run runs is told with it, as long as it can be continued.
        if works || open.is_some() && kept.has_folder() {
            return None;
        }
        let end = ended.iter().rfind(|end| end.run == run);
        let is_here = kept.place.as_ref().is_some_and(|place| {
            place.canonicalize().unwrap_or_else(|_| place.clone()).starts_with(&checkout)
        });
        if open.is_none() && end.is_none() && !is_here {
            return None;
        }
        let state = match (open, end) {
            (Some(_), _) => "its journal is gone".to_owned(),
            (None, Some(end)) => end.state.clone(),
            (None, None) => "unknown".into(),
        };
        let command = kept.command.clone().unwrap_or_else(|| "a command".into());
        let orphan = Orphan { run, command, since: kept.since.clone(), state };
        Some((kept, orphan))
    });
    Ok(found.collect())
}

/// Ends them, and gives what was ended. Fails at the first that can't be ended.
pub fn end(server: &Server) -> Result<Vec<Orphan>> {
    let end = |(kept, orphan): (Kept, Orphan)| kept.end().map(|()| orphan);
    of(server)?.into_iter().map(end).collect()
}
