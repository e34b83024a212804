//! Users are blocked for no longer than the site says: the run is rolled back then, whoever died meanwhile.

use super::{detached, ends, kill, processes, run_folder, said_by, shown, wait_for, wait_for_end, world};
use crate::support::World;
use std::fs;
use std::time::{Duration, Instant};

const KEEPS_OUT: &str = r#"
import "kind" as kind;

//! Keeps users out, and then does this.
fn main() {
    let server = this_server();
    on_failure {
        step "Back" { server.run(["sh", "-c", "echo back end >> ../trace"]); kind::end_maintenance(server, "0.1.0"); }
    }
    step "Keep out" { kind::begin_maintenance(server); server.make("config"); }
    step "Work" { WORK }
    step "Let in" { kind::end_maintenance(server, "0.1.0"); }
}
"#;

/// A world in which users may be blocked for this long.
fn keeping_out(longest: &str, work: &str) -> World {
    let world = world();
    let site = world.read("site.toml").replace(
        "checkout = \"web\"\n",
        &format!(
            "checkout = \"web\"\nlongest_maintenance = \"{longest}\"\n\
             maintenance = {{ begin = [\"touch\", \"../page\"], end = [\"rm\", \"-f\", \"../page\"] }}\n"
        ),
    );
    world.write("site.toml", &site);
    world.write("runbooks/out.rhai", &KEEPS_OUT.replace("WORK", work));
    world
}

fn is_let_in(world: &World) {
    wait_for_end(world);
    let shown = shown(world);
    assert!(shown.contains(r#""state":"rolled_back""#), "{shown}");
    assert!(!world.path().join("page").exists());
    assert_eq!(said_by(world, &["lock", "show"]).out, "web: free\n");
}

fn wait_for_question(world: &World) {
    let asked =
        || fs::read_dir(run_folder(world).join("asked")).is_ok_and(|mut names| names.next().is_some());
    wait_for("it is asked", asked);
}

#[test]
fn a_question_and_a_failure_wait_no_longer_than_users() {
    for (unattended, work) in [
        ("wait", "confirm(\"Go on?\");"),
        ("rollback:1h", "confirm(\"Go on?\");"),
        ("stop", "server.make(\"fail\");"),
        ("wait", "server.make(\"fail\");"),
    ] {
        let world = keeping_out("2s", work);
        let began = Instant::now();
        detached(&world, &["run", "out", "--detach", "--unattended", unattended]);
        wait_for_question(&world);
        assert!(world.path().join("page").exists());
        is_let_in(&world);
        assert!(began.elapsed() >= Duration::from_secs(2), "{unattended}, {work}");
        assert_eq!(ends(&world), ["back", "config"], "{unattended}, {work}");
    }
}

#[test]
fn a_running_command_ends_first_and_nothing_new_begins() {
    let world = keeping_out("2s", "server.make(\"long\"); server.make(\"build\");");
    world.write("hold", "");
    detached(&world, &["run", "out", "--detach"]);
    wait_for("it works", || world.read("trace").contains("long begin"));
    let events = || {
        let sessions = fs::read_dir(run_folder(&world).join("events")).into_iter().flatten().flatten();
        sessions.map(|file| fs::read_to_string(file.path()).unwrap_or_default()).collect::<String>()
    };
    wait_for("its time is over", || {
        events().contains("users were blocked for as long as `longest_maintenance` says")
    });
    assert!(!world.read("trace").contains("back"));
    world.remove("hold");
    is_let_in(&world);
    assert_eq!(ends(&world), ["back", "config", "long"]);
}

#[test]
fn the_time_counts_on_while_runner_and_watcher_are_dead_and_the_status_tells() {
    let world = keeping_out("3s", "confirm(\"Go on?\");");
    detached(&world, &["run", "out", "--detach", "--unattended", "wait"]);
    wait_for_question(&world);
    // A runner that is started again knows it.
    processes(&world, &["run-here"]).into_iter().for_each(kill);
    is_let_in(&world);

    let world = keeping_out("3s", "confirm(\"Go on?\");");
    detached(&world, &["run", "out", "--detach", "--unattended", "wait"]);
    wait_for_question(&world);
    wait_for("both are dead", || {
        processes(&world, &["watch-run", "run-here"]).into_iter().map(kill).count() == 0
    });
    let told = "overdue for ";
    wait_for("it is overdue", || said_by(&world, &["status"]).out.contains(told));
    let said = said_by(&world, &["status", "--short"]);
    assert!(said.out.contains("turn maintenance mode off; roll back with `banister resume "), "{said:?}");
    // Who resumes it knows that.
    let said = said_by(&world, &["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!world.path().join("page").exists());
    assert_eq!(said_by(&world, &["status", "--short"]).out, "");
}

/// Without anything to roll back it would only be left as it is.
#[test]
fn a_run_that_has_nothing_to_roll_back_is_not_stopped() {
    let world = keeping_out("1s", "server.make(\"long\");");
    let script = KEEPS_OUT.replace("WORK", "server.make(\"long\"); server.make(\"build\");");
    let (before, rest) = script.split_once("    on_failure {").unwrap();
    let (_, after) = rest.split_once("    }\n").unwrap();
    world.write("runbooks/out.rhai", &format!("{before}{after}"));
    world.write("hold", "");
    detached(&world, &["run", "out", "--detach"]);
    wait_for("it is overdue", || said_by(&world, &["status"]).out.contains("overdue for "));
    world.remove("hold");
    wait_for_end(&world);
    assert!(shown(&world).contains(r#""state":"done""#), "{}", shown(&world));
    assert_eq!(ends(&world), ["build", "config", "long"]);
}

#[test]
fn a_time_without_a_way_to_keep_users_out_is_found() {
    let world = world();
    let site = world.read("site.toml").replace("checkout", "longest_maintenance = \"30m\"\ncheckout");
    world.write("site.toml", &site);
    let said = said_by(&world, &["check"]);
    assert!(said.out.contains("`longest_maintenance` has no effect"), "{said:?}");
}
