//! The sweeps of the tidy world in the world outside: with all that is awkward there at once, and each thing alone where it
//! does not hold yet.

use crate::linked::elsewhere;
use crate::linked::servers;
use crate::linked::sweep;
use crate::support;
use crate::sweep::plain;
use crate::sweep::records;
use crate::sweep::round;

use elsewhere::Elsewhere;
use plain::Plain;
use round::{Thin, count};
use servers::Servers;
use std::fs;
use std::panic::catch_unwind;
use support::awkward::not_yet::{NOT_YET, Sweep, not_yet};
use support::awkward::{Awkward, Thing};
use support::chance::{self, Chance};
use support::said;

/// Kills all along a sweep in such a world; how often.
fn sweep(sweep: Sweep, awkward: &Awkward, thin: Thin) -> usize {
    match sweep {
        Sweep::Update => records::update(awkward, thin),
        Sweep::Backup => records::backup(awkward, thin),
        Sweep::Restore => records::restore(awkward, thin),
        Sweep::WayBack => records::way_back(awkward, thin, records::failed),
        Sweep::Rollback => records::rollback(awkward, thin),
        Sweep::Linked => sweep::killed("awkward linked servers", awkward, Servers::within, thin),
        Sweep::Ssh => sweep::killed("awkward linked servers over ssh", awkward, Elsewhere::within, thin),
        Sweep::Plain => plain::update(awkward, thin),
        Sweep::PlainRestore => plain::restore(awkward, thin),
        Sweep::Repl => plain::typed(awkward, thin),
        Sweep::Demo => plain::demo(awkward),
    }
}

/// The sweep in the world with all that holds: from another place on with each seed. A long run leaves nothing out.
fn awkward(named: Sweep, worlds: usize, stride: usize) {
    let awkward = named.awkward();
    // Not from the first on, which is that of the run itself: the tidy world knows it.
    let first = if stride == 1 { 0 } else { 1 + Chance::of(chance::seed()).below(stride) };
    let few = Thin { worlds, stride, first };
    let thin = match named {
        // Each session connects to three hosts before it goes on.
        Sweep::Ssh => Thin { worlds: 2, stride: 7, first: 0 },
        _ => Thin { worlds: 4, stride: 1, first: 0 },
    };
    // Servers of Hoss have all that is awkward in common. Those of one turn weigh as much as those of another.
    let turn = match named {
        Sweep::Ssh | Sweep::Backup => Some(0),
        Sweep::Update | Sweep::Restore => Some(1),
        Sweep::Rollback | Sweep::WayBack | Sweep::Linked => Some(2),
        Sweep::Plain | Sweep::PlainRestore | Sweep::Repl | Sweep::Demo => None,
    };
    if turn.is_some_and(|turn| !chance::is_turn(turn, 3)) {
        return;
    }
    let kills = sweep(named, &awkward, if chance::is_long() { thin } else { few });
    count(&format!(
        "{named:?}, with {} awkward things: killed {kills} times, 0 worlds differ",
        awkward.things().len()
    ));
}

#[test]
fn an_update_in_an_awkward_world_that_is_killed_ends_like_one_that_is_not() {
    awkward(Sweep::Update, 2, 17);
}

#[test]
fn a_backup_in_an_awkward_world_that_is_killed_ends_like_one_that_is_not() {
    awkward(Sweep::Backup, 1, 7);
}

#[test]
fn a_restore_in_an_awkward_world_that_is_killed_ends_like_one_that_is_not() {
    awkward(Sweep::Restore, 1, 19);
}

#[test]
fn a_way_back_in_an_awkward_world_that_is_killed_ends_like_one_that_is_not() {
    awkward(Sweep::WayBack, 1, 17);
}

#[test]
fn a_rollback_in_an_awkward_world_that_is_killed_ends_like_one_that_is_not() {
    awkward(Sweep::Rollback, 1, 19);
}

#[test]
fn an_update_of_linked_servers_in_an_awkward_world_that_is_killed_ends_like_one_that_is_not() {
    awkward(Sweep::Linked, 1, 31);
}

#[test]
fn an_update_of_linked_servers_over_ssh_in_an_awkward_world_that_is_killed_ends_like_one_that_is_not() {
    awkward(Sweep::Ssh, 1, 61);
}

#[test]
fn an_update_of_a_plain_server_in_an_awkward_world_that_is_killed_ends_like_one_that_is_not() {
    awkward(Sweep::Plain, 2, 11);
}

#[test]
fn a_restore_of_a_plain_server_in_an_awkward_world_that_is_killed_ends_like_one_that_is_not() {
    awkward(Sweep::PlainRestore, 2, 11);
}

#[test]
fn a_line_typed_in_an_awkward_world_that_is_killed_leaves_a_run_that_goes_on() {
    awkward(Sweep::Repl, 1, 1);
}

#[test]
fn a_demo_in_an_awkward_world_that_is_killed_is_gone_on_with() {
    awkward(Sweep::Demo, 1, 1);
}

/// What is mended is taken from the list. Each entry is tried at the first of its sweeps.
#[test]
fn what_does_not_hold_in_an_awkward_world_yet_is_listed_only_as_long() {
    let mut other = Vec::new();
    for entry in NOT_YET.iter().filter(|entry| entry.thing.is_possible()) {
        let Some(says) = entry.says else { continue };
        let tried = entry.sweeps[0];
        // No world has so many records: what is listed fails without a kill.
        let thin = Thin { worlds: 1, stride: 1_000, first: 999 };
        match catch_unwind(|| sweep(tried, &Awkward::only(entry.thing), thin)) {
            Ok(_) => {
                other.push(format!("{} holds at {tried:?} now: take it from the list", entry.thing.name()))
            }
            Err(why) => {
                let why = why.downcast_ref::<String>().map_or("", String::as_str);
                if !why.contains(says) {
                    other.push(format!("{} fails at {tried:?} in another way: {why}", entry.thing.name()));
                }
            }
        }
    }
    assert_eq!(other, Vec::<String>::new());
}

#[test]
fn what_holds_in_an_awkward_world_and_what_does_not_yet_is_told() {
    for thing in Thing::ALL {
        let met: Vec<Sweep> = Sweep::ALL.into_iter().filter(|sweep| sweep.meets(thing)).collect();
        let names = |reason: Option<&str>| -> String {
            let named = met.iter().filter(|sweep| not_yet(thing, **sweep) == reason);
            named.map(|sweep| format!("{sweep:?}")).collect::<Vec<_>>().join(", ")
        };
        let reasons = NOT_YET.iter().filter(|entry| entry.thing == thing).map(|entry| entry.reason);
        let not: String =
            reasons.map(|reason| format!("; not yet: {} ({reason})", names(Some(reason)))).collect();
        count(&format!("{:15} holds: {}{not}", thing.name(), names(None)));
    }
}

/// Each thing alone at each sweep, for who looks for what breaks: `THINGS` and `SWEEPS` choose some of them.
#[test]
#[ignore = "takes an hour"]
fn each_awkward_thing_alone_at_each_sweep() {
    let chosen = |variable: &str, name: String| {
        std::env::var(variable).map_or(true, |names| names.split(',').any(|other| other == name))
    };
    for thing in Thing::ALL.into_iter().filter(|thing| chosen("THINGS", format!("{thing:?}"))) {
        for named in Sweep::ALL.into_iter().filter(|sweep| chosen("SWEEPS", format!("{sweep:?}"))) {
            if !named.meets(thing) {
                continue;
            }
            let stride = if named == Sweep::Repl { 4 } else { 40 };
            let tried = catch_unwind(|| {
                sweep(named, &Awkward::only(thing), Thin { worlds: 1, stride, first: stride - 1 })
            });
            let expected = not_yet(thing, named).map_or("holds", |_| "does not hold yet");
            let told = match tried {
                Ok(kills) => format!("holds, killed {kills} times"),
                Err(why) => {
                    format!("does not hold: {}", why.downcast_ref::<String>().map_or("", String::as_str))
                }
            };
            count(&format!("@@ {thing:?} at {named:?} ({expected} by the list): {told}"));
        }
    }
}

#[test]
fn what_a_hook_or_a_make_leaves_in_the_environment_does_not_reach_commands() {
    let world = Plain::within(&Awkward::tidy());
    let show = "//! X.\nfn main() {\n    let server = this_server();\n    let says = server.shell(\"env\").lines;\n    \
                note(`saw ${says}`);\n    server.make(\"config\");\n    \
                server.shell(\"test \\\"$GIT_NAMESPACE\\\" = mine\");\n}\n";
    fs::write(world.site.join("runbooks/x.rhai"), show).unwrap();
    let site = fs::read_to_string(world.site.join("site.toml")).unwrap();
    fs::write(world.site.join("site.toml"), site.replace("{ HOME", "{ GIT_NAMESPACE = \"mine\", HOME"))
        .unwrap();
    let mut command = world.command(&["run", "x"]);
    command.env("GIT_DIR", "/nowhere").env("GIT_NAMESPACE", "theirs");
    command.env("MAKEFLAGS", "n").env("MFLAGS", "-n").env("MAKELEVEL", "1");
    let said = said(command.output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!said.out.contains("GIT_DIR") && !said.out.contains("MAKE"), "{said:?}");
    assert_eq!(world.made(), "config begin, config end, ", "with the `-n` of a make above nothing is made");

    let mut command = world.command(&["run", "x"]);
    command.env("MAKEFLAGS", "--silent");
    let said = support::said(command.output().unwrap());
    assert!(said.out.contains("MAKEFLAGS=--silent"), "what the user says himself stays: {said:?}");
}
