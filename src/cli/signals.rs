//! What signals ask for.
//!
//! Ctrl-C once: let the running command end and stop there; twice: stop the command too. SIGTERM and a terminal that
//! goes away: leave at once, while the command goes on under its supervisor, and `resume` finds it.

use crate::failure::{Context, Kind, Result};
use crate::output;
use crate::stop::{Asked, Stop};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::Arc;

/// Listens from now on.
pub fn listen(stop: &Arc<Stop>) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .or_fail(Kind::Bug, || "signals can't be listened to".into())?;
    output::are_heard();
    let stop = stop.clone();
    std::thread::spawn(move || {
        for signal in signals.forever() {
            hear(signal, &stop);
        }
    });
    Ok(())
}

/// What a signal asks for while something is done.
pub(super) fn hear(signal: i32, stop: &Stop) {
    // Before the question is left: one that ends is not open any more.
    let only_asks = output::is_asking() && !stop.is_working();
    match (signal, stop.asked()) {
        (SIGINT, Asked::Nothing) => {
            stop.ask(Asked::Finish);
            if !only_asks {
                eprintln!("\nstopping after the running command; press Ctrl-C again to stop it now");
            }
        }
        (SIGINT, _) => stop.ask(Asked::Cancel),
        _ => stop.ask(Asked::Leave),
    }
    output::end_questions();
}
