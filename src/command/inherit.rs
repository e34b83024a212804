//! What a command inherits of the program that starts it, and what it doesn't.
//!
//! Secrets that were given to banister in its environment are for those that a script hands them to, by an option of the
//! primitive, and what steers banister itself steers no other banister that a command may start. No process of ours leaves
//! a core file, which would hold the secrets that it knows; a command has the limit that it would have without us.

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::sync::OnceLock;

/// Tells the processes between the program and the command what the limit was; a number, or nothing for none.
pub(super) const CORE_LIMIT: &str = "BANISTER_CORE_LIMIT";

/// Tells a process that systemd started which unit it is.
pub(super) const UNIT: &str = "BANISTER_UNIT";

const OWN: [&str; 7] = [
    "BANISTER_CRASH_AT",
    "BANISTER_TEST_PAUSE",
    "BANISTER_COMPLETE",
    "BANISTER_FOREGROUND",
    "BANISTER_SYSTEMD",
    CORE_LIMIT,
    UNIT,
];

static CORE: OnceLock<Rlimit> = OnceLock::new();

/// The variables of our environment that a command does not inherit.
pub(super) fn withheld() -> Vec<OsString> {
    let mut names = secrets();
    names.extend(OWN.map(OsString::from));
    names
}

/// What a command needs of our environment whatever it does: by these names, and by what they begin with.
const NEEDED: [&str; 13] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TERM",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NO_COLOR",
];
const NEEDED_BEGINNINGS: [&str; 4] = ["LC_", "XDG_", "DOCKER_", "BANISTER_"];

/// The variables of our environment that such a command does without.
pub(super) fn needless() -> Vec<OsString> {
    std::env::vars_os().map(|(name, _)| name).filter(|name| !is_needed(name)).collect()
}

fn is_needed(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    NEEDED.contains(&name)
        || NEEDED_BEGINNINGS.iter().any(|begin| name.starts_with(begin))
        || name.to_ascii_lowercase().ends_with("_proxy")
}

/// What a terminal lends, and secrets.
const OF_A_TERMINAL: [&str; 5] =
    ["SSH_AUTH_SOCK", "TERM", "XDG_SESSION_", "BANISTER_SECRET_", "BANISTER_TEST_PAUSE"];

/// Whether a variable is kept for work that goes on after a boot.
pub(super) fn outlives_a_boot(name: &OsStr) -> bool {
    let is_lent = OF_A_TERMINAL.iter().any(|begin| name.as_encoded_bytes().starts_with(begin.as_bytes()));
    is_needed(name) && !is_lent
}

/// Secrets that came over a connection, for the processes that work on a run.
static LENT: OnceLock<BTreeMap<String, String>> = OnceLock::new();

/// Has [`Detached`](super::Detached) processes get these variables, and do without what is gone with the connection: an ssh
/// agent that was forwarded over it.
pub fn lend(variables: BTreeMap<String, String>) {
    _ = LENT.set(variables);
}

/// The variables that belong to the connection over which this process is asked.
pub(super) fn of_connection() -> Option<&'static str> {
    LENT.get().map(|_| "SSH_AUTH_SOCK")
}

pub(super) fn lent() -> BTreeMap<String, String> {
    LENT.get().cloned().unwrap_or_default()
}

/// Those of them that hold secrets.
pub fn secrets() -> Vec<OsString> {
    let names = std::env::vars_os().map(|(name, _)| name);
    names.filter(|name| name.as_encoded_bytes().starts_with(b"BANISTER_SECRET_")).collect()
}

/// Has this process leave no core file. `is_part` says that another process of ours started it, and told it the limit.
pub(super) fn leave_no_core(is_part: bool) {
    let now = getrlimit(Resource::Core);
    let told = std::env::var(CORE_LIMIT).ok().filter(|_| is_part);
    let current = told.map_or(now.current, |told| told.parse().ok());
    CORE.get_or_init(|| Rlimit { current, maximum: now.maximum });
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: now.maximum });
}

/// For [`CORE_LIMIT`]; nothing if the limit was never lowered.
pub(super) fn core_limit() -> Option<String> {
    CORE.get().map(|limit| limit.current.map(|bytes| bytes.to_string()).unwrap_or_default())
}

/// Gives the limit back: to this process, which is about to become the command, or to the process of a command that was
/// just started.
pub(super) fn give_back(command: Option<i32>) {
    let Some(limit) = CORE.get().filter(|limit| limit.current != Some(0)) else { return };
    let limit = Rlimit { current: limit.current, maximum: limit.maximum };
    let _ = match command {
        None => setrlimit(Resource::Core, limit),
        Some(pid) => prlimit(Pid::from_raw(pid), Resource::Core, limit).map(drop),
    };
}
