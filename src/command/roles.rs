//! What the processes of a command agree on: how the program is called as one of them, and what they say to each other.

/// This program, also after its file was replaced or deleted: a supervisor must be of the same build as who reads
/// its folder.
pub(super) const OWN_PROGRAM: &str = "/proc/self/exe";

/// The variable by which a supervisor gets the texts with secrets in them. Only this user and root can read it, as they can
/// read the settings that they come from.
pub(super) const SECRETS: &str = "BANISTER_SPEC_SECRETS";

/// The program's first argument when it is to play the supervisor; the second is the command's folder.
pub(super) const SUPERVISE: &str = "__supervise";
/// What it tells its starter on stdout once it holds the lock and has started the stage. Anything else is what went
/// wrong; nothing means that it was killed, or that there is nothing to do for it.
pub(super) const STARTED: &str = "started";

/// The program's first argument when it is to play the stage; the second is the command's folder.
pub(super) const STAGE: &str = "__exec";
