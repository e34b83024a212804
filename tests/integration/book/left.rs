//! What is left of a run that was abandoned, killed while it was, or typed; and books that can't be read.

use super::*;

/// The first administrator's update, killed where much of it is done and owed.
fn killed() -> (World, String) {
    let world = world();
    let said = crash(&world, &["run", "update", "--yes"], &half_way());
    assert_eq!(said.code, Some(-9), "{said:?}");
    let name = run(&world).0;
    (world, name)
}

const BOOK: &str = "web/.git/banister/book.json";
const ENDED: &str = "web/.git/banister/ended.jsonl";
const GRANT: &str = "web/.git/banister/grant";

#[test]
fn who_is_killed_while_they_abandon_a_run_leaves_it_open_or_abandoned() {
    // After the lock, and after the line of the run that ends: the book says that it is open, so it is.
    for is_noted in [false, true] {
        let (world, name) = killed();
        let number: u64 = world.read(GRANT).split(' ').next().unwrap().parse().unwrap();
        world.write(GRANT, &format!("{} abandon-{name} 2099-01-01T00:00:00Z", number + 1));
        if is_noted {
            let line = serde_json::json!({
                "run": name, "runbook": "update", "purpose": "update", "by": "ops@here", "since": "2026-01-01T00:00:00Z",
                "at": "2026-01-01T00:00:00Z", "grant": 1, "state": "abandoned", "ended_by": "bea@there",
            });
            world.write(ENDED, &format!("{line}\n"));
        }
        let shown = other(&world, &["lock", "show"]);
        assert!(shown.out.contains(&name) && !shown.out.contains("web: free"), "{shown:?}");
        let said = first(&world, &["resume", "--yes"]);
        assert_eq!(said.code, Some(0), "{is_noted}: {said:?}");
        assert_settled(&world, "spared");
    }
    // After the book, and before the run's own folder says so.
    let (world, name) = killed();
    let said = first(&world, &["run", "backup", "--yes", "--abandon=in the way"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    std::fs::remove_file(world.path().join("state/runs").join(&name).join("abandoned")).unwrap();
    let said = first(&world, &["resume", &name, "--yes"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.err.contains("in the way"), "{said:?}");
    let said = first(&world, &["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_settled(&world, "without a marker");
}

#[test]
fn two_who_abandon_a_run_at_once_leave_it_abandoned_once() {
    let (world, name) = killed();
    let link = site(&world, "link");
    let both = ["a", "b"].map(|who| {
        let mut command = world.command(&["--site", &link, "run", "backup", "--yes", "--abandon=both of us"]);
        let state = world.path().join(format!("state-{who}"));
        command.env("BANISTER_STATE", state).env("USER", who);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
    });
    let both = both.map(|child| said(child.wait_with_output().unwrap()));
    assert!(both.iter().any(|said| said.code == Some(0)), "{both:?}");
    assert!(both.iter().all(|said| matches!(said.code, Some(0 | 4))), "{both:?}");
    let ended = world.read(ENDED);
    assert_eq!(ended.matches(&format!("\"run\":\"{name}\"")).count(), 1, "{ended}");
    let said = other(&world, &["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_settled(&world, "two");
}

#[test]
fn what_became_of_a_run_is_told_to_whoever_began_it() {
    let (world, name) = killed();
    let said = other(&world, &["run", "backup", "--yes", "--abandon=it is in the way"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let told = first(&world, &["status"]);
    assert!(told.out.contains("`update` was abandoned on web by bea@"), "{told:?}");
    assert!(told.out.contains("it is in the way"), "{told:?}");
    // What is still owed is worked off by the command that comes next.
    assert!(told.out.contains("banister run update --site"), "{told:?}");
    assert!(!told.out.contains("banister resume"), "{told:?}");
    let said = first(&world, &["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_settled(&world, "told");
    let shown = first(&world, &["show", &name]);
    assert!(shown.out.contains("was abandoned on web by bea@") && !shown.out.contains("resume"), "{shown:?}");
}

#[test]
fn the_readmes_hook_sees_its_variables_where_an_abandoned_update_is_finished() {
    let (world, _) = killed();
    let readme = include_str!("../../../README.md");
    let hook = readme.lines().find(|line| line.starts_with("after(\"Start\")")).unwrap();
    assert!(hook.contains("update.to"), "{hook}");
    world.write("site/runbooks/update.rhai", &format!("{hook}\n"));
    let said = first(&world, &["run", "backup", "--yes", "--abandon=it is in the way"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = first(&world, &["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("web was started with 0.2.0"), "{said:?}");
    assert_settled(&world, "hooked");
}

#[test]
fn a_list_of_ended_runs_that_is_torn_is_read_as_far_as_it_goes() {
    let (world, _) = killed();
    std::fs::write(world.path().join(ENDED), b"{\"run\":\"torn\xff\n\n{\"ru").unwrap();
    let said = first(&world, &["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_settled(&world, "torn");
    assert_eq!(world.read(ENDED).lines().count(), 1);
    // Something else in its place is told with a way out.
    std::fs::remove_file(world.path().join(ENDED)).unwrap();
    std::fs::create_dir(world.path().join(ENDED)).unwrap();
    let said = first(&world, &["run", "backup", "--yes"]);
    assert_ne!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("mv '"), "{said:?}");
}

#[test]
fn a_book_that_is_a_folder_or_empty_is_unknown_with_a_way_out() {
    let (world, _) = killed();
    let path = world.path().join(BOOK);
    for is_folder in [true, false] {
        let _ = std::fs::remove_file(&path);
        match is_folder {
            true => std::fs::create_dir(&path).unwrap(),
            false => std::fs::write(&path, "").unwrap(),
        }
        for command in [&["status"][..], &["lock", "show"]] {
            let told = other(&world, command);
            assert!(told.out.contains("unknown") && !told.out.contains("free"), "{told:?}");
        }
        let said = first(&world, &["resume", "--yes"]);
        assert_ne!(said.code, Some(0), "{said:?}");
        assert!(said.err.contains("mv '"), "{said:?}");
        let _ = std::fs::remove_dir(&path);
    }
    let _ = std::fs::remove_file(&path);
    let said = first(&world, &["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_settled(&world, "put aside");
}

#[test]
fn a_run_that_was_killed_before_its_last_record_is_done_when_it_is_resumed() {
    let whole = world();
    assert_eq!(first(&whole, &["run", "update", "--yes"]).code, Some(0));
    let world = world();
    let said = crash(&world, &["run", "update", "--yes"], &format!("before {}", whole.records() - 1));
    assert_eq!(said.code, Some(-9), "{said:?}");
    assert_settled(&world, "closed");
    let said = first(&world, &["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_settled(&world, "resumed");
    assert_eq!(world.read(ENDED).lines().count(), 1);
}

#[test]
fn a_server_that_was_renamed_in_the_site_keeps_its_unfinished_run() {
    let (world, name) = killed();
    let text = world.read("site/site.toml");
    world.write("site/site.toml", &text.replace("[servers.web]", "[servers.www]"));
    let said = first(&world, &["run", "update", "--yes"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.err.contains(&name), "{said:?}");
    let said = first(&world, &["resume", "--yes"]);
    assert_ne!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("web"), "{said:?}");
    let said = first(&world, &["run", "update", "--yes", "--abandon=it is called www now"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("web is not in"), "{said:?}");
    assert_eq!(book(&world)["owed"], serde_json::json!([]));
    assert_eq!(world.read("trace").matches("index").count(), 1);
}

#[test]
fn what_is_typed_beside_an_unfinished_run_changes_nothing_and_owes_nothing_for_ever() {
    let (world, name) = killed();
    let typed = |world: &World, more: &[&str], text: &str| {
        let link = site(world, "site");
        let mut command = world.command(&[&["--site", &link, "repl"], more].concat());
        command.stdin(std::process::Stdio::piped());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        support::type_into(&mut child, text);
        said(child.wait_with_output().unwrap())
    };
    let before = world.read("trace");
    let said = typed(&world, &[], "this_server().shell(\"echo typed >> ../trace\")\n");
    assert!(said.err.contains(&name), "{said:?}");
    assert_eq!(world.read("trace"), before);
    // Beside the run itself it is a part of it.
    let said = typed(&world, &["--run", &name], "this_server().owe(\"mails\", \"switch the mails on\")\n");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(book(&world)["owed"].as_array().unwrap().iter().filter(|o| o["run"] == *name).count(), 4);
    let said = first(&world, &["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let told = first(&world, &["status"]);
    assert!(told.out.contains("owed: switch the mails on"), "{told:?}");
    // What a session that was killed owes is left with it.
    let link = site(&world, "site");
    let mut command = world.command(&["--site", &link, "repl"]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, b"this_server().owe(\"queue\", \"start the queue\")\n").unwrap();
    while !world.read(BOOK).contains("queue") {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let said = first(&world, &["lock", "dismiss", "queue", "--reason", "it was a trial"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = first(&world, &["lock", "dismiss", "mails", "--reason", "they are on"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(book(&world)["owed"], serde_json::json!([]));
}

#[test]
fn what_was_owed_before_an_update_is_still_owed_after_its_rollback() {
    let (world, _) = killed();
    world.write("web/file", "newer");
    world.git(&["-c", "advice.detachedHead=false", "commit", "-q", "-am", "third"]);
    world.git(&["tag", "0.3.0"]);
    world.git(&["checkout", "-q", "0.2.0"]);
    let makefile = world.read("web/Makefile");
    // The build of the newer release fails, and its rollback's doesn't.
    world.write(
        "web/Makefile",
        &makefile
            .replace("config build up stop:", "config build up stop:\n\t@test $@ = up -o ! -e ../broken"),
    );
    world.git(&["update-index", "--assume-unchanged", "Makefile"]);
    world.write("broken", "");
    let said = other(&world, &["run", "update", "--to", "0.3.0", "--yes", "--abandon=on to the next"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    world.remove("broken");
    let said = other(&world, &["resume", "--rollback", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.read("trace").matches("index").count(), 0);
    let owed = book(&world)["owed"].clone();
    assert_eq!(owed[0]["name"], "action 0.2.0", "{owed}");
    let told = other(&world, &["status"]);
    assert!(told.out.contains("banister run update"), "{told:?}");
    let said = other(&world, &["run", "update", "--to", "0.2.0", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.read("trace").matches("index").count(), 1);
    assert_eq!(book(&world)["owed"], serde_json::json!([]));
}

#[test]
fn a_checkout_that_is_a_worktree_shares_the_book_of_its_repository() {
    let (world, name) = killed();
    let tree = world.path().join("tree");
    world.git(&["worktree", "add", "-q", "--detach", &tree.display().to_string(), "0.1.0"]);
    let text = world.read("site/site.toml");
    world.write("site/site.toml", &text.replace("../web", "../tree"));
    for command in [&["status"][..], &["lock", "show"]] {
        let told = other(&world, command);
        assert!(told.out.contains(&name) && !told.out.contains("free"), "{told:?}");
    }
    let said = other(&world, &["run", "backup", "--yes"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(!world.path().join("web/.git/worktrees/tree/banister").exists());
}

/// Mounts something over the folder of the lock, in a mount namespace of its own, and types there; none where this user
/// may mount nothing.
fn mounted(world: &World, mount: &str, arguments: &[&str]) -> Option<Said> {
    let may = std::process::Command::new("unshare").args(["-m", "true"]).status();
    if !may.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: a disk of its own needs root");
        return None;
    }
    let own = world.command(&[&["--site", &site(world, "site")], arguments].concat());
    let folder = world.path().join("web/.git/banister");
    let mut command = std::process::Command::new("unshare");
    command.args(["-m", "sh", "-c", &format!("F={}; {mount} && exec \"$@\"", folder.display()), "sh"]);
    command.arg(own.get_program()).args(own.get_args()).current_dir(world.path()).env_clear();
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Some(said(command.output().unwrap()))
}

#[test]
fn a_book_that_cannot_be_written_stops_a_run_before_it_changes_anything() {
    let full = "cp -a $F $F.kept && mount -t tmpfs -o size=16k small $F && cp -a $F.kept/. $F/ && \
                dd if=/dev/zero of=$F/filler bs=1k count=64 2>/dev/null; true";
    let closed = "mount --bind $F $F && mount -o remount,bind,ro $F";
    for mount in [full, closed] {
        let world = world();
        assert_eq!(first(&world, &["run", "backup", "--yes"]).code, Some(0));
        let before = world.read(BOOK);
        let Some(said) = mounted(&world, mount, &["run", "update", "--yes"]) else { return };
        assert!(matches!(said.code, Some(1 | 4)), "{mount}: {said:?}");
        assert!(said.err.contains("No space left") || said.err.contains("Read-only"), "{mount}: {said:?}");
        assert_eq!((world.read("trace").as_str(), world.read("web/file").as_str()), ("", ""), "{mount}");
        assert_eq!(world.read(BOOK), before, "{mount}");
        // Who only looks needs no room.
        let Some(told) = mounted(&world, mount, &["status"]) else { return };
        assert_eq!(told.code, Some(0), "{mount}: {told:?}");
        let said = first(&world, &["resume", "--yes"]);
        assert_eq!(said.code, Some(0), "{mount}: {said:?}");
        let said = first(&world, &["run", "update", "--yes"]);
        assert_eq!(said.code, Some(0), "{mount}: {said:?}");
        assert_settled(&world, mount);
    }
}
