//! Servers that need each other: the order in which `update-linked` takes those of any kind.

use crate::support;

use std::process::Command;
use support::{Said, World, chance};

/// A site with these servers, in this order, each with what it needs. All have a release to update to.
fn world(servers: &[(&str, &str)]) -> World {
    let world = World::new();
    let mut site = String::new();
    for (name, needs) in servers {
        site += &server(name, needs);
        checkout(&world, name);
    }
    world.write("site.toml", &site);
    world.write("data/rows", "before");
    world
}

/// The table of a server. It is healthy unless there is a file `sick-NAME`, or `NAME-breaks-OTHER` while a file of `NAME`
/// says that it runs 0.2.0.
fn server(name: &str, needs: &str) -> String {
    let needs = if needs.is_empty() { String::new() } else { format!("needs = [{needs}]\n") };
    format!(
        "[servers.{name}]\nkind = \"plain\"\ncheckout = \"{name}\"\nbackups = \"~/kept-{name}\"\nbackup = [\"~/data\"]\n\
         health = [{{ command = [\"sh\", \"-c\", \"echo health {name} >> ../looks; ! test -e ../sick-{name}\"] }}]\n\
         healthy = {{ within = \"300ms\", stable = \"0s\" }}\n{needs}\n"
    )
}

fn checkout(world: &World, name: &str) {
    let makefile = "build:\n\t@true\nup:\n\t@echo up NAME `git describe --tags` >> ../trace; echo up NAME >> ../looks; if test -e ../NAME-breaks; then touch ../sick-`cat ../NAME-breaks`; fi; ! test -e ../NAME-fails\n";
    world.write(&format!("{name}/Makefile"), &makefile.replace("NAME", name));
    let git = |arguments: &[&str]| {
        let status = Command::new("git")
            .args(["-c", "user.name=Test", "-c", "user.email=test@example.org", "-C"])
            .arg(world.path().join(name))
            .args(arguments)
            .status()
            .unwrap();
        assert!(status.success(), "git {arguments:?}");
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "first"]);
    git(&["tag", "0.1.0"]);
    git(&["commit", "-q", "--allow-empty", "-m", &format!("second of {name}")]);
    git(&["tag", "0.2.0"]);
    git(&["checkout", "-q", "0.1.0"]);
}

const RUN: [&str; 3] = ["run", "update-linked", "--yes"];

/// What was started, in order.
fn started(world: &World) -> Vec<String> {
    world.read("trace").lines().map(|line| line.trim_start_matches("up ").to_owned()).collect()
}

fn assert_done(said: &Said) {
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
}

/// `hub` is needed by `lab`, and that by `app`; the site has them in another order.
fn chain() -> World {
    world(&[("app", "\"lab\""), ("lab", "\"hub\""), ("hub", "")])
}

/// `b` and `c` need `a`, and `d` needs both.
fn diamond() -> World {
    world(&[("d", "\"b\", \"c\""), ("c", "\"a\""), ("b", "\"a\""), ("a", "")])
}

#[test]
fn each_is_updated_after_what_it_needs_and_those_that_need_it_are_awaited() {
    let world = chain();
    assert_done(&world.banister(&["check"]));
    let plan = world.banister(&["plan", "update-linked"]);
    assert_done(&plan);
    let summary: Vec<&str> = plan.out.lines().take(12).filter(|line| !line.contains("servers  ")).collect();
    let steps = [
        "Update hub",
        "See that hub serves the others",
        "Update lab",
        "See that lab serves the others",
        "Update app",
    ];
    let places: Vec<usize> =
        steps.iter().map(|step| plan.out.find(&format!("\n  {step}  ")).unwrap()).collect();
    assert!(places.is_sorted(), "{summary:?}: {}", plan.out);
    assert!(!plan.out.contains("See that app"), "{}", plan.out);
    let said = world.banister(&RUN);
    assert_done(&said);
    assert!(said.out.contains("`update-linked` is done; app, hub, lab: done"), "{}", said.out);
    assert!(
        said.out.contains("in this order: hub from 0.1.0 to 0.2.0 (1 releases), lab from"),
        "{}",
        said.out
    );
    for name in ["hub", "lab", "app"] {
        assert!(said.out.contains(&format!("second of {name}")), "{}", said.out);
    }
    assert_eq!(started(&world), ["hub 0.2.0", "lab 0.2.0", "app 0.2.0"]);
    // After each, the one that needs it was asked before anything else was started.
    let looks = world.read("looks");
    let after =
        |started: &str| looks.split(&format!("up {started}\n")).nth(1).unwrap().split("up ").next().unwrap();
    assert!(after("hub").contains("health lab\n") && !after("hub").contains("health app\n"), "{looks}");
    assert!(after("lab").contains("health app\n") && !after("lab").contains("health hub\n"), "{looks}");
    let again = world.banister(&RUN);
    assert_done(&again);
    assert!(again.out.contains("there is nothing to update"), "{}", again.out);
}

#[test]
fn what_no_need_orders_stays_as_the_site_has_it() {
    let world = diamond();
    assert_done(&world.banister(&RUN));
    assert_eq!(started(&world), ["a 0.2.0", "c 0.2.0", "b 0.2.0", "d 0.2.0"]);
    let world = diamond();
    assert_done(&world.banister(&["run", "update-linked", "--batch", "4", "--yes"]));
    let mut order = started(&world);
    order[1..3].sort();
    assert_eq!(order, ["a 0.2.0", "b 0.2.0", "c 0.2.0", "d 0.2.0"]);
}

#[test]
fn a_failure_in_the_middle_stops_the_run_and_a_rollback_goes_the_other_way() {
    let world = chain();
    world.write("lab-fails", "");
    let said = world.banister(&RUN);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(started(&world), ["hub 0.2.0", "lab 0.2.0"]);
    assert!(
        said.out.contains("hub: done") && said.out.contains("app: not changed") || said.out.contains("app"),
        "{said:?}"
    );
    world.remove("lab-fails");
    let said = world.banister(&["resume", "--rollback", "--yes"]);
    assert_done(&said);
    assert_eq!(started(&world)[2..], ["lab 0.1.0", "hub 0.1.0"]);
}

#[test]
fn one_that_breaks_what_needs_it_is_found_before_that_is_updated() {
    let world = diamond();
    world.write("c-breaks", "d");
    let said = world.banister(&RUN);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("step `See that c serves the others`"), "{said:?}");
    assert_eq!(started(&world), ["a 0.2.0", "c 0.2.0"]);
    world.remove("c-breaks");
    world.remove("sick-d");
    assert_done(&world.banister(&["resume", "--yes"]));
    assert_eq!(started(&world)[2..], ["b 0.2.0", "d 0.2.0"]);
}

#[test]
fn a_resume_continues_in_the_same_order_wherever_the_run_is_killed() {
    let whole = chain();
    assert_done(&whole.banister(&RUN));
    for record in chance::part((3..=whole.records()).collect(), 19) {
        let world = chain();
        world.crash(&RUN, &format!("after {record}"));
        let said = world.banister(&["resume", "--yes"]);
        assert_eq!(said.code, Some(0), "{record}: {said:?}");
        assert_eq!(started(&world), ["hub 0.2.0", "lab 0.2.0", "app 0.2.0"], "{record}");
    }
}

#[test]
fn only_some_of_them_keep_their_order_and_what_they_need_stays_as_it_is() {
    let world = chain();
    assert_done(&world.banister(&["run", "update-linked", "--only", "app, lab", "--yes"]));
    assert_eq!(started(&world), ["lab 0.2.0", "app 0.2.0"]);
    let wrong = world.banister(&["run", "update-linked", "--only", "labb", "--yes"]);
    assert!(wrong.err.contains("--only names labb"), "{wrong:?}");
}

#[test]
fn needs_that_can_not_be_are_refused_with_their_place() {
    for (servers, place, told) in [
        (&[("a", "\"b\""), ("b", "\"a\"")][..], "8:10", "in a circle: `a` needs `b` needs `a`"),
        (
            &[("z", "\"a\""), ("a", "\"b\""), ("b", "\"c\""), ("c", "\"a\"")],
            "17:10",
            "in a circle: `a` needs `b` needs `c` needs `a`",
        ),
        (&[("a", "\"a\"")], "8:10", "`a` can't need itself"),
        (&[("hub", ""), ("b", "\"hub\", \"hubb\"")], "16:17", "did you mean `hub`?"),
        (&[("a", "\"elsewhere\"")], "8:10", "`a` needs `elsewhere`, and there is no such server"),
        (&[("a", "5")], "8:10", "text is expected here"),
    ] {
        let world = world(servers);
        let check = world.banister(&["check"]);
        assert_eq!(check.code, Some(2), "{check:?}");
        assert!(check.out.contains(told), "{told}: {check:?}");
        assert!(check.out.contains(&format!("site.toml:{place}\n")), "{place}: {check:?}");
        let run = world.banister(&RUN);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.err.contains(told), "{told}: {run:?}");
        assert_eq!(world.records(), 0);
    }
}

#[test]
fn hooks_run_in_the_steps_of_their_own_server_only() {
    let world = chain();
    let site = world.read("site.toml").replace(
        "[servers.lab]\n",
        "[servers.lab]\nhooks.before = { \"Back up\" = [[\"sh\", \"-c\", \"echo up lab-quiet >> ../trace\"]], Start = [[\"sh\", \"-c\", \"echo up lab-off >> ../trace\"]] }\n\
         hooks.after = { \"Update lab\" = [[\"sh\", \"-c\", \"echo up lab-on >> ../trace\"]], \
         \"Roll lab back to *\" = [[\"sh\", \"-c\", \"echo up lab-back >> ../trace\"]] }\n",
    );
    world.write("site.toml", &site);
    world.write("app-fails", "");
    assert_eq!(world.banister(&RUN).code, Some(1));
    assert_eq!(started(&world), ["lab-quiet", "hub 0.2.0", "lab-off", "lab 0.2.0", "lab-on", "app 0.2.0"]);
    world.remove("app-fails");
    assert_done(&world.banister(&["resume", "--rollback", "--yes"]));
    assert_eq!(started(&world)[6..], ["app 0.1.0", "lab 0.1.0", "lab-back", "hub 0.1.0"]);
}
