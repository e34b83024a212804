//! Supervised commands: started at most once, followed, cancelled, and read after whatever died in between.
//!
//! A command has a folder of its own. Three small processes, all this same program, share it:
//!
//! ```text
//! starter (banister)      writes `spec`, starts the supervisor, then only reads the folder
//!   └ supervisor          own session; holds the lock on `lock`; at the end writes `exit`
//!       └ stage           holds the same lock as its stdin; links `begun`, then becomes the command by exec
//! ```
//!
//! Why nothing runs twice: `begun` is made by the very process that becomes the command, before it does, and by a
//! hard link, which fails if the name exists. So no `begun` and a free lock mean that nothing ran, and whoever comes
//! late must pass the same gate. Why no result is lost: the command's output goes straight into `log` and its end
//! into `exit`, and neither needs the starter. Only the death of the supervisor costs a result; then the folder says
//! so, instead of guessing.
//!
//! Redaction is left to whoever shows or copies what is read here: `log` is raw, and so are the lines of a follower.
//! What a second attempt may do is left to the primitives.

// From bottom to top, like the list in `lib.rs`.
mod pause;

mod begun;
mod exit;
mod folder;
mod foreign;
mod found;
mod inherit;
mod line;
mod lock;
mod log;
mod mark;
mod process;
mod roles;
mod spec;
mod tree;

mod took;

mod state;

mod stage;
mod supervise;

mod cancel;
mod kept;
mod follow;
mod look;
mod start;

mod aide;
mod detached;
mod filter;
mod handed;
mod parts;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

pub use aide::Aide;
pub use cancel::cancel;
pub use detached::{Detached, own_session};
pub use exit::Exit;
pub use filter::{Feed, Filter};
pub use folder::{read as read_file, write_new as write_once};
pub use follow::{Attention, Followed, From, follow};
pub use handed::{hand_over, hand_over_lastingly, in_environment, own_unit, take_over};
pub use inherit::{lend, secrets};
pub use kept::{Kept, kept};
pub use log::{log, tail};
pub use look::{Looked, feed, look, look_into};
pub use mark::{Survivor, processes_with_mark};
pub use parts::{cancel_all, kill};
pub use spec::Spec;
pub use start::{start, supervise_with};
pub use state::{State, state, void};
pub use took::took;

/// Has this process leave no core file: it may hold secrets. The commands that it starts may leave theirs. `main` calls
/// it first, with all arguments, the program's own name first.
pub fn leave_no_core(arguments: &[OsString]) {
    inherit::leave_no_core(
        arguments.len() == 3 && (arguments[1] == roles::SUPERVISE || arguments[1] == roles::STAGE),
    );
}

/// Plays the supervisor or the stage if the program was started as one. `main` calls it before anything else, with
/// all arguments, the program's own name first.
pub fn entry(arguments: &[OsString]) -> Option<ExitCode> {
    let [_, role, folder] = arguments else { return None };
    let folder = Path::new(folder);
    if role == roles::SUPERVISE {
        Some(supervise::supervise(folder))
    } else if role == roles::STAGE {
        Some(stage::execute(folder))
    } else {
        None
    }
}
