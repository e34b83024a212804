//! Users other than root, whose the world is.

use super::{Awkward, Thing};
use banister::internals::practice::Practice;
use std::path::Path;
use std::process::{Command, Stdio};

/// Who it is, by number.
fn user(awkward: &Awkward) -> Option<u32> {
    match () {
        () if awkward.has(Thing::UnknownUser) => Some(54_321),
        () if awkward.has(Thing::Nobody) => Some(65_534),
        () => None,
    }
}

/// What is written before a command to call it as the user of a world.
pub fn before(awkward: &Awkward) -> Vec<String> {
    let words = |user| {
        ["setpriv".to_owned(), format!("--reuid={user}"), format!("--regid={user}"), "--clear-groups".into()]
    };
    user(awkward).map(words).into_iter().flatten().collect()
}

/// Whether the user is not who runs the tests, and needs a program that may be read.
pub fn is_other(awkward: &Awkward) -> bool {
    user(awkward).is_some()
}

/// Gives all that is in a folder to the user, with the servers in it, which are started anew as the user's.
pub fn hand_over(awkward: &Awkward, folder: &Path, program: &Path, practices: &[&Practice]) {
    let Some(user) = user(awkward) else { return };
    practices.iter().for_each(|practice| practice.stop().unwrap());
    let mut chown = Command::new("chown");
    let done = chown.args(["-hR", &format!("{user}:{user}")]).arg(folder).status().unwrap();
    assert!(done.success());
    for practice in practices {
        let words = before(awkward);
        let mut engine = Command::new(&words[0]);
        engine.args(&words[1..]).arg(program).arg("__practice").arg(practice.dir()).arg("engine");
        engine.current_dir("/").env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut engine = engine.spawn().unwrap();
        std::thread::spawn(move || engine.wait());
        practice.wait_for("0.2.10").unwrap();
    }
}
