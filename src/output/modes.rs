//! The terminal's modes while a question is open, and its own ones again afterwards.
//!
//! Lines and echo are off, so that this program draws what is typed; signals stay on, so that Ctrl-C and Ctrl-Z are what
//! they are everywhere.

use crate::sync::Mutex;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr,
    tcgetpgrp, tcsetattr,
};
use std::io::stdin;

/// The modes as they were, while they are others.
static OWN: Mutex<Option<Termios>> = Mutex::new(None);

/// Whether this process may read from the terminal: one in the background would be stopped by that.
pub fn is_foreground() -> bool {
    match tcgetpgrp(stdin()) {
        Ok(group) => group == rustix::process::getpgrp(),
        // It is not the terminal of this session; nobody is in front of anybody.
        Err(_) => true,
    }
}

/// Keys come one by one from now on. What was typed before was no answer to what is asked now, and is thrown away.
pub fn begin_keys() -> rustix::io::Result<()> {
    let mut own = OWN.lock();
    if own.is_some() {
        return Ok(());
    }
    let before = tcgetattr(stdin())?;
    let mut modes = before.clone();
    modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
    modes.input_modes.remove(InputModes::ICRNL);
    modes.special_codes[SpecialCodeIndex::VMIN] = 1;
    modes.special_codes[SpecialCodeIndex::VTIME] = 0;
    tcsetattr(stdin(), OptionalActions::Flush, &modes)?;
    *own = Some(before);
    Ok(())
}

/// Throws away what was typed before, and leaves the modes as they are.
pub fn forget_keys() {
    _ = tcflush(stdin(), QueueSelector::IFlush);
}

/// Gives the terminal its own modes back. Gives whether it had others.
pub fn restore() -> bool {
    // A thread that panics may hold it: waiting would hang.
    let Some(mut own) = OWN.try_lock() else { return false };
    match own.take() {
        Some(modes) => {
            _ = tcsetattr(stdin(), OptionalActions::Now, &modes);
            true
        }
        None => false,
    }
}
