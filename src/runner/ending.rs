//! The end of a unit from outside: by `systemctl stop`, or because the machine is shut down. The run is not over: its runner
//! is killed, which it survives, and nobody starts another one until the unit is started again, or the machine.

use super::{unit, watch};
use crate::command::{cancel_all, kill};
use crate::failure::{Context, Kind, Result};
use signal_hook::consts::SIGTERM;
use signal_hook::iterator::Signals;
use std::path::Path;
use std::time::Duration;

/// How long commands may take to end at a shutdown.
const PATIENCE: Duration = Duration::from_secs(30);

/// Has the unit's main process end so at a SIGTERM.
pub fn listen(run: &Path) -> Result<()> {
    let mut signals = Signals::new([SIGTERM]).or_fail(Kind::Bug, || "signals can't be listened to".into())?;
    let run = run.to_owned();
    std::thread::spawn(move || signals.forever().for_each(|_| end(&run)));
    Ok(())
}

fn end(run: &Path) {
    watch::start_no_more();
    let is_shutdown = unit::manager_of(run).is_some_and(|manager| manager.is_stopping());
    // First of all, or it would take what ends now for failed.
    kill("run-here", run);
    if is_shutdown {
        // Commands would lose what they need, such as Docker, and fail.
        cancel_all(run, PATIENCE);
    }
    std::process::exit(0);
}
