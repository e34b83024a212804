//! What is in the environment because a git hook or a make started banister, and is about their repository and their
//! targets: commands must not see it. What the user says of git and make stays.

use std::ffi::OsStr;

/// Where the repository of a hook is, and what of it.
const OF_A_HOOK: [&str; 14] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_REPLACE_REF_BASE",
];

/// With which options a make above is run, as `-n`, and how deep it is. Without the depth they are the user's own.
const OF_A_MAKE: [&str; 5] = ["MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKE_TERMOUT", "MAKE_TERMERR"];
const DEPTH: &str = "MAKELEVEL";

/// The variables that are not handed on.
pub(super) fn variables() -> impl Iterator<Item = &'static OsStr> {
    let made = std::env::var_os(DEPTH).is_some_and(|depth| depth != "0");
    let of_make = OF_A_MAKE.into_iter().chain([DEPTH]).filter(move |_| made);
    OF_A_HOOK.into_iter().chain(of_make).map(OsStr::new)
}
