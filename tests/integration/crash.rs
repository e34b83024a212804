//! Killed at every record of the journal, a run goes on to the same end.

use crate::support;

use support::World;

const RUNBOOK: &str = r#"
//! Takes three steps.
fn main() {
    let server = this_server();
    lock(server, "three steps");
    let at;
    step "Ask" { at = now(); confirm("Go on?"); }
    step "Configure" { server.make("config"); }
    parallel(["one", "two"], |name| {
        step `Branch ${name}` { server.run(["sh", "-c", `echo ${name} end >> ../trace`]); }
    });
    step "Start" {
        step "Build" { server.make("build"); }
        server.make("up", #{ DETACH: true });
    }
    note(`done at ${at}`);
}
"#;

/// Every command ended exactly once, whatever was killed.
fn assert_each_once(world: &World, place: &str) {
    let trace = world.read("trace");
    let mut ends: Vec<&str> = trace.lines().filter_map(|line| line.strip_suffix(" end")).collect();
    ends.sort_unstable();
    assert_eq!(ends, ["build", "config", "one", "two", "up"], "{place}: {trace}");
}

#[test]
fn a_run_that_is_killed_at_any_record_is_resumed_to_the_same_end() {
    let world = World::new();
    world.write("runbooks/three.rhai", RUNBOOK);
    let said = world.banister(&["run", "three", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let records = world.records();
    assert_each_once(&world, "undisturbed");
    let mut crashes = 0;
    for place in (0..records).flat_map(|n| [format!("before {n}"), format!("after {n}")]) {
        world.remove("trace");
        world.remove("state");
        let said = world.crash(&["run", "three", "--yes"], &place);
        assert_eq!(said.code, Some(-9), "{place}: {said:?}");
        crashes += 1;
        let said = world.banister(&["resume", "--yes"]);
        if said.out.contains("nothing to resume") {
            // Killed before the first record, nothing was begun; after the last, nothing is left to do.
            assert!(place == "before 0" || place == format!("after {}", records - 1), "{place}");
            if place != "before 0" {
                assert_each_once(&world, &place);
            }
            continue;
        }
        assert_eq!(said.code, Some(0), "{place}: {said:?}");
        assert_each_once(&world, &place);
        let shown = world.banister(&["show", "--json"]).out;
        assert!(shown.contains(r#""state":"done""#), "{place}: {shown}");
        assert_eq!(world.banister(&["lock", "show"]).out, "web: free\n", "{place}");
    }
    println!("killed {crashes} times, at {records} records, before and after each");
}

/// A resume is killed in its turn, at each of its own records.
#[test]
fn a_resume_that_is_killed_is_resumed_in_its_turn() {
    let world = World::new();
    world.write("runbooks/three.rhai", RUNBOOK);
    world.crash(&["run", "three", "--yes"], "after 6");
    // Each resume writes that it began; it has to come some records further to do anything.
    for place in (9..200).step_by(3).map(|n| format!("after {n}")) {
        let said = world.crash(&["resume", "--yes"], &place);
        if said.code == Some(0) {
            assert_each_once(&world, &place);
            return;
        }
        assert_eq!(said.code, Some(-9), "{place}: {said:?}");
    }
    panic!("it never came to its end");
}

#[test]
fn a_failed_step_is_tried_again_and_the_way_back_is_taken_once() {
    let world = World::new();
    let runbook = r#"
        fn main() {
            let server = this_server();
            step "Configure" { server.make("config"); }
            on_failure {
                step "Back" { server.run(["sh", "-c", "echo back end >> ../trace"]); }
                server.run(["sh", "-c", "echo last end >> ../trace"]);
            }
            step "Build" { server.make("fail"); }
        }
    "#;
    world.write("runbooks/back.rhai", runbook);
    let said = world.banister(&["run", "back"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("error: `make fail` ended with status 2"), "{said:?}");
    assert!(said.err.contains("step `Build`, on web"), "{said:?}");
    assert!(said.out.contains("next:  banister resume "), "{said:?}");

    // The cause stays, so it fails again; nothing before it is done again.
    assert_eq!(world.banister(&["resume"]).code, Some(1));
    assert_eq!(world.read("trace").matches("config end").count(), 1);

    let kept = World::new();
    let (before, mut crashes) = (world.read("trace"), 0);
    for place in (world.records()..).flat_map(|n| [format!("before {n}"), format!("after {n}")]) {
        let copied = std::process::Command::new("cp")
            .arg("-a")
            .arg(world.path().join("state"))
            .arg(kept.path())
            .status();
        assert!(copied.unwrap().success());
        let said = world.crash(&["resume", "--rollback"], &place);
        let killed = said.code == Some(-9);
        if killed {
            crashes += 1;
            // Once begun, any resume goes on with the way back.
            let begun = !place.starts_with("before") || crashes > 2;
            let arguments: &[&str] =
                if begun && crashes > 3 { &["resume"] } else { &["resume", "--rollback"] };
            let said = world.banister(arguments);
            assert_eq!(said.code, Some(0), "{place}: {said:?}");
        }
        let trace = world.read("trace");
        assert_eq!(trace.matches("back end").count(), 1, "{place}: {trace}");
        assert_eq!(trace.matches("last end").count(), 1, "{place}: {trace}");
        assert!(world.banister(&["show", "--json"]).out.contains(r#""state":"rolled_back""#), "{place}");
        if !killed {
            break;
        }
        world.remove("state");
        world.write("trace", &before);
        let copied = std::process::Command::new("cp")
            .arg("-a")
            .arg(kept.path().join("state"))
            .arg(world.path())
            .status();
        assert!(copied.unwrap().success());
    }
    println!("the way back was killed {crashes} times");
}

#[test]
fn a_mended_script_is_gone_on_with_and_one_that_denies_what_was_done_is_not() {
    let world = World::new();
    let runbook = |first: &str, second: &str| {
        format!(
            "fn main() {{\n    let server = this_server();\n    step \"Configure\" {{ server.make(\"{first}\"); }}\n    \
             step \"Build\" {{ server.make(\"{second}\"); }}\n}}\n"
        )
    };
    world.write("runbooks/edit.rhai", &runbook("config", "fail"));
    assert_eq!(world.banister(&["run", "edit"]).code, Some(1));

    world.write("runbooks/edit.rhai", &runbook("up", "fail"));
    let said = world.banister(&["resume"]);
    assert_eq!(said.code, Some(5), "{said:?}");
    assert!(said.err.contains("error: the script no longer matches this run"), "{said:?}");
    for text in [
        r#"the journal has in step `Configure` at /0/0: make(web, "config")"#,
        r#"the script asks for: make(web, "up")"#,
        "runbooks/edit.rhai:3, step `Configure`, on web\n",
        "restore the script, or `site.toml` if that was changed",
        "in a terminal, `banister resume` asks what to do",
    ] {
        assert!(said.err.contains(text), "{text}: {said:?}");
    }

    world.write("runbooks/edit.rhai", &runbook("config", "fail").replace("Configure", "Settings"));
    let said = world.banister(&["resume"]);
    assert_eq!(said.code, Some(5), "{said:?}");
    for text in [
        "the journal has at /0: step `Configure`",
        "the script asks for: step `Settings`",
        "runbooks/edit.rhai:3\n",
        "restore the script, or `site.toml` if that was changed",
    ] {
        assert!(said.err.contains(text), "{text}: {said:?}");
    }
    assert!(!said.err.contains("asks what to do"), "for another step nobody is asked: {said:?}");

    world.write("runbooks/edit.rhai", &runbook("config", "build"));
    let said = world.banister(&["resume"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.read("trace"), "config begin\nconfig end\nbuild begin\nbuild end\n");
}

#[test]
fn what_a_script_saw_before_it_failed_is_looked_at_again() {
    let runbook = r#"
        //! Fails by its own words while the checkout is dirty.
        fn main() {
            let server = this_server();
            let before = server.dirty_files();
            step "Configure" { server.make("config"); }
            if before.len() != 1 { throw "what was acted upon is not looked at again"; }
            on_failure { server.make("up"); }
            step "Check" {
                step "Look" { before = server.dirty_files(); }
                if !before.is_empty() { throw `dirty: ${before}`; }
            }
            step "Build" { server.make("build"); }
        }
    "#;
    let begun = || {
        let world = World::new();
        world.write("runbooks/look.rhai", runbook);
        let makefile = world.read("web/Makefile");
        world.write("web/Makefile", &format!("{makefile}\n# edited\n"));
        for command in [&["run", "look"][..], &["resume"]] {
            let said = world.banister(command);
            assert_eq!(said.code, Some(1), "{said:?}");
            assert!(said.err.contains("error: dirty: [\"modified: Makefile\"]"), "{said:?}");
        }
        (world, makefile)
    };
    let ended = |world: &World| {
        let trace = world.read("trace");
        trace.lines().filter_map(|line| line.strip_suffix(" end")).collect::<Vec<_>>().join(" ")
    };
    // Killed at each record of the resume, too: what was forgotten is not missed.
    let (mut n, mut done) = (0, false);
    while !done {
        let (world, makefile) = begun();
        let at = world.records() + n;
        world.write("web/Makefile", &makefile);
        let said = world.crash(&["resume"], &format!("after {at}"));
        done = said.code == Some(0);
        if !done {
            assert_eq!(said.code, Some(-9), "{said:?}");
            let said = world.banister(&["resume"]);
            assert!(said.code == Some(0), "after {at}: {said:?}");
        }
        assert_eq!(ended(&world), "config build", "after {at}");
        n += 1;
    }
    assert!(n > 5, "it was killed {n} times only");
    // The way back is known at any of these moments.
    for n in 0..4 {
        let (world, _) = begun();
        let at = world.records() + n;
        assert_eq!(world.crash(&["resume"], &format!("after {at}")).code, Some(-9), "{at}");
        let said = world.banister(&["resume", "--rollback"]);
        assert_eq!(said.code, Some(0), "after {at}: {said:?}");
        assert_eq!(ended(&world), "config up", "after {at}");
    }
}

#[test]
fn show_lists_the_steps_of_a_rollback_in_their_order_below_those_of_the_script() {
    let world = World::new();
    world.write(
        "runbooks/x.rhai",
        "//! Fails after it said how to roll back.
fn main() {
    let server = this_server();
    step \"Prepare\" {
        on_failure { step \"Undo first\" { server.make(\"up\"); } }
        step \"Configure\" { server.make(\"config\"); }
    }
    on_failure { step \"Undo second\" { step \"Inner\" { server.make(\"up\"); } } }
    step \"Break\" { server.make(\"fail\"); }
}
",
    );
    assert_eq!(world.banister(&["run", "x"]).code, Some(1));
    assert!(!world.banister(&["show"]).out.contains("rollback\n"));
    let said = world.banister(&["resume", "--rollback"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let shown = world.banister(&["show"]);
    let names = shown.out.lines().skip(2).take_while(|line| line.starts_with("  ")).map(|line| {
        let name = line.trim_start();
        let indent = line.len() - name.len();
        &line[..indent + name.find("  ").unwrap_or(name.len())]
    });
    assert_eq!(
        names.collect::<Vec<_>>(),
        [
            "  Prepare",
            "    Configure",
            "  Break",
            "  rollback",
            "    Undo second",
            "      Inner",
            "    Undo first",
        ],
        "{shown:?}"
    );
    let json: serde_json::Value = serde_json::from_str(&world.banister(&["show", "--json"]).out).unwrap();
    let flags = json["steps"].as_array().unwrap().iter().map(|step| step["rollback"].as_bool().unwrap());
    assert_eq!(flags.collect::<Vec<_>>(), [false, false, false, true, true, true], "{json}");
}

/// Without a terminal nobody sees that something still goes on.
#[test]
fn a_log_says_once_a_minute_what_goes_on() {
    if !support::chance::is_long() {
        return;
    }
    let world = World::new();
    world.write(
        "runbooks/wait.rhai",
        "//! Waits.\nfn main() { step \"Wait\" { this_server().run([\"sleep\", \"70\"]); } }\n",
    );
    let said = world.banister(&["run", "wait", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.out.matches("▸ Wait  step 1 of 1  1m").count(), 1, "{said:?}");
}
