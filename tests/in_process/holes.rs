//! A value that is not there reaches no command: bundled scripts and scripts as sites write them are spoilt in 2,000 places,
//! each of which is found by the check, or ends the run before a command is started that lacks something. A long run tries
//! all of them, others one of four.
//!
//! The runs are those of the gate's test, over its stand-in for the servers: no process is started.

mod generate;
mod played;
mod scene;

use crate::gate::{model, stand_in};
use crate::mutations::tokens;
use crate::support::chance;
use generate::Mutation;
use scene::{CASES, Scene};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How a spoilt script was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Met {
    FoundByCheck,
    RefusedByRun,
    /// The script says what holds if nothing is there, or what was spoilt plays no part: nothing that runs lacks anything.
    NoMistake,
    /// No run of the cases comes there.
    NotReached,
}

fn meet(mutation: &Mutation, scenes: &[Scene]) -> Result<Met, String> {
    let mut reads = scenes.iter().filter(|scene| scene.reads(&mutation.path));
    let shortest = reads.clone().min_by_key(|scene| scene.letters());
    if shortest.is_some_and(|scene| scene.is_found(&scene.spoil(mutation))) {
        return Ok(Met::FoundByCheck);
    }
    let Some(scene) = reads.find(|scene| scene.comes_to(mutation)) else { return Ok(Met::NotReached) };
    let played = scene.play(&scene.spoil(mutation));
    if let Some(hole) = played.hole(&scene.whole) {
        return Err(format!("{mutation} in {}: {hole}", scene.case.name));
    }
    Ok(if played.failure.is_some() { Met::RefusedByRun } else { Met::NoMistake })
}

#[test]
fn no_command_is_started_with_a_hole_in_it() {
    let mut scenes: Vec<Scene> = CASES.into_iter().map(Scene::new).collect();
    // What several come to is tried in the shortest.
    scenes.sort_by_key(|scene| scene.whole.calls.len());
    let mutations = generate::all(&scenes);
    let made = mutations.len();
    let mutations = chance::part(mutations, 8);
    let of_all = |count: usize| count * mutations.len() / made;
    let counts = Mutex::new(BTreeMap::<(&str, Met), usize>::new());
    let wrong = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(mutation) = mutations.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match meet(mutation, &scenes) {
                        Ok(met) => *counts.lock().unwrap().entry((mutation.sort, met)).or_default() += 1,
                        Err(hole) => wrong.lock().unwrap().push(hole),
                    }
                }
            });
        }
    });
    let counts = counts.into_inner().unwrap();
    let wrong = wrong.into_inner().unwrap();
    let of =
        |met: Met| counts.iter().filter(|((_, of), _)| *of == met).map(|(_, count)| count).sum::<usize>();
    let (found, refused) = (of(Met::FoundByCheck), of(Met::RefusedByRun));
    let _ = writeln!(
        std::io::stderr(),
        "{} spoilt: {found} found by the check, {refused} refused by a run, {} ran with a hole; not counted: {} that are no \
         mistake, {} that no run reaches\n{counts:?}",
        found + refused,
        wrong.len(),
        of(Met::NoMistake),
        of(Met::NotReached),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(found + refused >= of_all(2_000) && refused >= of_all(500), "{found} {refused}");
    for sort in generate::SORTS {
        let met = |met| counts.get(&(sort, met)).copied().unwrap_or_default();
        assert!(met(Met::FoundByCheck) + met(Met::RefusedByRun) >= of_all(10), "{sort}: {counts:?}");
    }
}
