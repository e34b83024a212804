//! That a session is to stop: wishes of whoever looks on, each linked once.

use super::place;
use crate::command::write_once;
use crate::failure::{Context, Kind, Result};
use crate::person::whoami;
use crate::stop::{Asked, Stop};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How often the runner looks for one.
const TICK: Duration = Duration::from_millis(50);

fn name(asked: Asked) -> Option<&'static str> {
    match asked {
        Asked::Nothing => None,
        Asked::Finish => Some("finish"),
        Asked::Leave => Some("leave"),
        Asked::Cancel => Some("cancel"),
    }
}

/// Asks the newest session of the run's runner for it.
pub fn wish(run: &Path, asked: Asked) -> Result<()> {
    let Some(name) = name(asked) else { return Ok(()) };
    let failed = || "the run can't be asked to stop".to_owned();
    let folder = place::folder(run, "wishes").or_fail(Kind::Journal, failed)?;
    let name = format!("{:06}-{name}", place::session(run));
    write_once(&folder, &name, &whoami()).or_fail(Kind::Journal, failed).map(drop)
}

/// Has the wishes heard for a session and for those before it from `first` on, which were killed, until this process ends.
pub fn hear(run: PathBuf, first: u64, session: u64, stop: &Arc<Stop>) {
    let stop = stop.clone();
    std::thread::spawn(move || {
        let wishes = run.join("wishes");
        loop {
            for asked in [Asked::Finish, Asked::Leave, Asked::Cancel] {
                let Some(name) = name(asked) else { continue };
                let is_wished = |session: u64| wishes.join(format!("{session:06}-{name}")).exists();
                if (first..=session).any(is_wished) {
                    stop.ask(asked);
                }
            }
            std::thread::sleep(TICK);
        }
    });
}
