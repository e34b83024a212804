//! What signals ask for while lines are typed and done.
//!
//! While a line is done they ask for what they ask for in a run. While one is typed there is nothing to stop: Ctrl-C does
//! nothing then (an editing terminal gives it to the editor), and what ends the program hands everything back first.

use crate::failure::{Context, Kind, Result};
use crate::stop::Stop;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Listens from now on. `leave` hands back what this holds.
pub fn listen(stop: &Arc<Stop>, idle: &Arc<AtomicBool>, leave: impl Fn() + Send + 'static) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .or_fail(Kind::Bug, || "signals can't be listened to".into())?;
    crate::output::are_heard();
    let (stop, idle) = (stop.clone(), idle.clone());
    // As it is now, before anybody edits in it.
    let terminal = tcgetattr(std::io::stdin()).ok();
    std::thread::spawn(move || {
        for signal in signals.forever() {
            match (signal, idle.load(Ordering::SeqCst)) {
                (SIGINT, true) => {}
                (_, true) => {
                    leave();
                    if let Some(terminal) = &terminal {
                        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, terminal);
                    }
                    std::process::exit(i32::from(Kind::Interrupted.exit_code()));
                }
                (_, false) => crate::cli::signals::hear(signal, &stop),
            }
        }
    });
    Ok(())
}
