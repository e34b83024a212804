//! The rows.

use super::support::World;

/// A way to be refused or to fail.
pub struct Row {
    pub way: &'static str,
    /// What is special about the world.
    pub world: fn(&World),
    pub typed: &'static [&'static str],
    pub code: i32,
    /// The last two lines, with SITE for the folder of the site and `…` for what is another each time.
    pub last: &'static str,
    /// What a person puts in the place of words in capitals.
    pub means: &'static [(&'static str, &'static str)],
    /// Mends what is wrong, if what is to be typed next needs that.
    pub mend: fn(&World),
}

const fn row(
    way: &'static str,
    world: fn(&World),
    typed: &'static [&'static str],
    code: i32,
    last: &'static str,
) -> Row {
    Row { way, world, typed, code, last, means: &[], mend: |_| {} }
}

fn append(world: &World, file: &str, text: &str) {
    world.write(file, &(world.read(file) + text));
}

fn change(world: &World, from: &str, to: &str) {
    let text = world.read("site.toml");
    assert!(text.contains(from), "{text}");
    world.write("site.toml", &text.replacen(from, to, 1));
}

/// The newest release has no target `up` any more.
fn lose_target(world: &World) {
    world.git(&["checkout", "-q", "main"]);
    world.write("web/Makefile", "config build:\n\ttrue\n");
    world.git(&["commit", "-qam", "third"]);
    world.git(&["tag", "0.3.0"]);
    world.git(&["checkout", "-q", "0.1.0"]);
}

/// The newest release does not build.
fn fail(world: &World) {
    world.git(&["checkout", "-q", "main"]);
    world.write("web/Makefile", "config up:\n\ttrue\nbuild:\n\t@test -e ../mended\n");
    world.git(&["commit", "-qam", "third"]);
    world.git(&["tag", "0.3.0"]);
    world.git(&["checkout", "-q", "0.1.0"]);
}

/// The working folder is a checkout with a Makefile.
fn installation_here(world: &World) {
    world.write("Makefile", "build up:\n\ttrue\n");
    let made = std::process::Command::new("git").args(["init", "-q"]).current_dir(world.path()).status();
    assert!(made.unwrap().success());
}

/// A run works on the server for longer than any row takes.
fn hold(world: &World) {
    world.write(
        "runbooks/long.rhai",
        "//! Takes long.\nfn main() { step \"Wait\" { this_server().shell(\"sleep 5\"); } }\n",
    );
    let mut command = world.command(&["run", "long"]);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    while !world.banister(&["lock", "show"]).out.contains("long") {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    std::thread::spawn(move || child.wait());
}

const TWO_STEPS: &str = "//! Mine.\nfn main() { step \"One\" { this_server().make(\"build\"); } step \"Two\" { this_server().make(\"fail\"); } }\n";

/// A run that failed, whose script has another first step since.
fn edited(world: &World) {
    world.write("runbooks/mine.rhai", TWO_STEPS);
    world.banister(&["run", "mine"]);
    world.write("runbooks/mine.rhai", &TWO_STEPS.replace("\"build\"", "\"config\""));
}

/// A run that failed, whose journal has another word since.
fn damaged(world: &World) {
    world.write(
        "runbooks/mine.rhai",
        "//! Mine.\nfn main() { this_server().make(\"build\"); this_server().make(\"fail\"); }\n",
    );
    world.banister(&["run", "mine"]);
    let journal = world.journals().remove(0);
    let text = std::fs::read_to_string(&journal).unwrap();
    std::fs::write(&journal, text.replacen("\"build\"", "\"biuld\"", 1)).unwrap();
}

pub const ROWS: &[Row] = &[
    row(
        "a release that is not there",
        |_| {},
        &["run", "update", "--yes", "--to", "9.9.9"],
        1,
        "state: `update` failed on web in step `Check`; nothing was touched\nnext:  banister plan update --server web",
    ),
    row(
        "a release without the v of its tag",
        |world| {
            world.git(&["tag", "v0.2.0", "0.2.0"]);
            world.git(&["tag", "-d", "0.2.0"]);
        },
        &["run", "update", "--yes", "--to", "0.2.0"],
        1,
        "state: `update` failed on web in step `Check`; nothing was touched\nnext:  banister plan update --to v0.2.0 --server web",
    ),
    Row {
        mend: |world| world.git(&["branch", "ours"]),
        ..row(
            "a commit that is on no branch",
            |world| world.git(&["commit", "-q", "--allow-empty", "-m", "Ours"]),
            &["run", "update", "--yes"],
            1,
            "state: `update` failed on web in step `Check`; nothing was touched\nnext:  banister run update",
        )
    },
    row(
        "a release that is older",
        |_| {},
        &["run", "update", "--yes", "--to", "0.0.9"],
        1,
        "state: `update` failed on web in step `Check`; nothing was touched\nnext:  banister plan update --server web",
    ),
    Row {
        mend: |world| world.git(&["checkout", "-q", "--", "."]),
        ..row(
            "a checkout that was edited",
            |world| append(world, "web/Makefile", "# mine\n"),
            &["run", "update", "--yes"],
            3,
            "state: `update` stopped on web in step `Check`; nothing was touched\nnext:  banister run update --answer TEXT",
        )
    },
    Row {
        means: &[("TEXT", "known")],
        ..row(
            "a server that is not healthy",
            |world| change(world, "health = [\"http", "health = [\"http://127.0.0.1:1/\", \"http"),
            &["run", "update", "--yes"],
            3,
            "state: `update` stopped on web in step `Check`; nothing was touched\nnext:  banister run update --answer TEXT",
        )
    },
    Row {
        mend: |world| {
            world.git(&["tag", "0.1.0"]);
            world.git(&["tag", "0.2.0", "main"]);
        },
        ..row(
            "a checkout without any release",
            |world| {
                for tag in ["0.0.9", "0.1.0", "0.2.0"] {
                    world.git(&["tag", "-d", tag]);
                }
            },
            &["run", "update", "--yes"],
            1,
            "state: `update` failed on web; nothing was touched\nnext:  banister run update",
        )
    },
    Row {
        mend: |world| world.git(&["remote", "set-url", "origin", "."]),
        ..row(
            "an origin that does not answer",
            |world| world.git(&["remote", "set-url", "origin", "/nowhere/at-all"]),
            &["run", "update", "--yes"],
            1,
            "state: `update` failed on web; nothing was touched\nnext:  banister run update",
        )
    },
    row(
        "a release whose Makefile lost a target",
        lose_target,
        &["run", "update", "--yes"],
        1,
        "state: `update` failed on web in step `Check`; nothing was touched\nnext:  banister check",
    ),
    Row {
        mend: |world| change(world, "900TB", "1MB"),
        ..row(
            "too little space",
            |world| append(world, "site.toml", "free_space = \"900TB\"\n"),
            &["run", "update", "--yes"],
            1,
            "state: `update` failed on web in step `Check`; nothing was touched\nnext:  banister backup list --server web",
        )
    },
    row(
        "no health check",
        |world| {
            world
                .write("site.toml", "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackup = [\".\"]\n")
        },
        &["run", "update", "--yes"],
        2,
        "state: `update` failed on web in step `Check`; nothing was touched\nnext:  banister doc wait_healthy",
    ),
    Row {
        mend: |world| append(world, "site.toml", "backup = [\".\"]\n"),
        ..row(
            "nothing to back up",
            |world| change(world, "backup = [\".\"]\n", ""),
            &["run", "backup"],
            2,
            "state: `backup` failed on web in step `Back up`; nothing was touched\nnext:  banister run backup",
        )
    },
    Row {
        mend: |world| change(world, "nosuch", "."),
        ..row(
            "a path of the backup that is not there",
            |world| change(world, "[\".\"]", "[\"nosuch\"]"),
            &["run", "backup"],
            1,
            "state: `backup` failed on web in step `Back up`; the server was not changed\nnext:  banister resume …",
        )
    },
    Row {
        mend: |world| change(world, "nosuch-dump", "date"),
        ..row(
            "a program of a dump that is not there",
            |world| append(world, "site.toml", "dumps = { db = [\"nosuch-dump\"] }\n"),
            &["run", "backup"],
            1,
            "state: `backup` failed on web in step `Back up`; the server was not changed\nnext:  banister resume …",
        )
    },
    row(
        "a checkout that is not there",
        |world| change(world, "\"web\"", "\"wbe\""),
        &["run", "update", "--yes"],
        2,
        "error: the checkout `SITE/wbe` does not exist\n  help set `checkout` in site.toml to the folder that `git clone` made",
    ),
    row(
        "a checkout that is none",
        |world| {
            world.write("folder/file", "");
            change(world, "\"web\"", "\"folder\"");
        },
        &["run", "update", "--yes"],
        2,
        "error: `SITE/folder` is not a git checkout\n  help set `checkout` in site.toml to the folder that `git clone` made",
    ),
    Row {
        mend: |world| change(world, "branch = \"nosuch\"\n", ""),
        ..row(
            "a branch that is not there",
            |world| append(world, "site.toml", "branch = \"nosuch\"\n"),
            &["run", "update", "--yes"],
            1,
            "state: `update` failed on web in step `Check`; nothing was touched\nnext:  banister run update",
        )
    },
    Row {
        means: &[("resume", "resume --yes")],
        ..row(
            "a question without a terminal",
            |_| {},
            &["run", "update"],
            3,
            "state: `update` was interrupted on web in step `Review release notes`…\nnext:  banister resume …",
        )
    },
    Row {
        mend: |world| world.write("mended", ""),
        ..row(
            "a build that fails",
            fail,
            &["run", "update", "--yes"],
            1,
            "state: `update` failed on web in step `Build`…\nnext:  banister resume …   (or: banister resume … --rollback)",
        )
    },
    Row {
        mend: |world| world.write("mended", ""),
        ..row(
            "a build that fails, resumed",
            |world| {
                fail(world);
                world.banister(&["run", "update", "--yes"]);
            },
            &["resume", "--yes"],
            1,
            "state: `update` failed on web in step `Build`…\nnext:  banister resume …   (or: banister resume … --rollback)",
        )
    },
    row(
        "a build that fails, rolled back and resumed again",
        |world| {
            fail(world);
            world.banister(&["run", "update", "--yes"]);
            world.banister(&["resume", "--rollback", "--yes"]);
        },
        &["resume"],
        0,
        "there is nothing to resume",
    ),
    Row {
        mend: |world| world.write("mended", ""),
        ..row(
            "another run while one is unfinished",
            |world| {
                fail(world);
                world.banister(&["run", "update", "--yes"]);
            },
            &["run", "backup"],
            4,
            "error: an earlier run is unfinished: `update` failed on web in step `Build`; 0.3.0 is checked out, not started, health unknown; whether users are served is unknown (…)\n  help banister resume …   (or: banister resume … --rollback); to abandon it and start again, add `--abandon`",
        )
    },
    row(
        "a server that another run holds",
        hold,
        &["run", "backup"],
        4,
        "error: an earlier run is unfinished: `long` is running on web in step `Wait` (…)\n  help see its progress with `banister show …`, or wait for its end",
    ),
    row("nothing to resume", |_| {}, &["resume"], 0, "there is nothing to resume"),
    row("nothing to roll back", |_| {}, &["resume", "--rollback"], 0, "there is nothing to resume"),
    row(
        "a run that is not there, resumed",
        |_| {},
        &["resume", "20200101"],
        2,
        "error: there is no run `20200101`\n  help list them with `banister runs`",
    ),
    row(
        "a run that is not there, shown",
        |_| {},
        &["show", "20200101"],
        2,
        "error: there is no run `20200101`\n  help list them with `banister runs`",
    ),
    row(
        "no run at all, shown",
        |_| {},
        &["show"],
        1,
        "error: there are no runs yet\n  help begin one with `banister run update`",
    ),
    Row {
        mend: |world| {
            world.write("runbooks/mine.rhai", TWO_STEPS);
            world.write("mended", "");
        },
        ..row(
            "an edited script",
            edited,
            &["resume", "--yes"],
            5,
            "state: `mine` was interrupted on web in step `Two`…\nnext:  banister resume …",
        )
    },
    row(
        "a journal that is damaged",
        damaged,
        &["resume"],
        1,
        "error: the journal `SITE/state/runs/…/journal.jsonl` is damaged in line 3\n  help nothing was touched; show its readable part with `banister show …` and the state of the server with `banister status`, or restore the run's folder from a backup",
    ),
    row(
        "a site that is no TOML",
        |world| world.write("site.toml", "[servers.web\n"),
        &["status"],
        2,
        "error: `SITE/site.toml` is not right\n  help correct it and check again with `banister check`",
    ),
    row(
        "a key that is misspelt",
        |world| change(world, "checkout =", "chekout ="),
        &["status"],
        2,
        "error: `SITE/site.toml` is not right\n  help correct it and check again with `banister check`; the keys there: ssh, agent, kind, checkout, …",
    ),
    row(
        "a kind that is not there",
        |world| change(world, "plain", "palin"),
        &["run", "update", "--yes"],
        2,
        "error: no module knows the steps of servers of the kind `palin`\n  help did you mean `plain`?",
    ),
    row(
        "a page before a plain server",
        |world| append(world, "site.toml", "maintenance = \"page\"\n"),
        &["run", "update", "--yes"],
        2,
        "error: nothing is known of the proxy before a server of the kind `plain`\n  help give `maintenance` your own commands instead: a table with `begin` and `end`",
    ),
    row(
        "a site without servers",
        |world| world.write("site.toml", "[servers]\n"),
        &["run", "update"],
        2,
        "error: `SITE/site.toml` names no server\n  help write a table `[servers.NAME]` into it, then check it with `banister check`",
    ),
    Row {
        means: &[("demo", "demo --help")],
        ..row(
            "no site",
            |world| world.remove("site.toml"),
            &["status"],
            2,
            "error: there is no `site.toml` here, above, or in the configuration folder\n  help write one with `banister init`, name one with `--site DIR`, or try `banister demo`",
        )
    },
    row(
        "a site that is named and not there",
        installation_here,
        &["--site", "none", "status"],
        2,
        "error: there is no site at `none`\n  help write one there with `banister init --site none`",
    ),
    row(
        "a server that is not there",
        |_| {},
        &["run", "update", "--server", "wbe"],
        2,
        "error: there is no server `wbe` in `SITE/site.toml`\n  help the servers there are: web",
    ),
    row(
        "a server that is not named",
        |world| {
            append(
                world,
                "site.toml",
                "[servers.other]\nkind = \"plain\"\ncheckout = \"web\"\nbackup = [\".\"]\n",
            )
        },
        &["run", "backup"],
        2,
        "state: `backup` failed; nothing was touched\nnext:  banister run backup --server other",
    ),
    row(
        "a runbook that is not there",
        |_| {},
        &["run", "updte"],
        2,
        "error: there is no runbook `updte`\n  help did you mean `update`? List them with `banister list`",
    ),
    row(
        "a runbook without main",
        |world| world.write("runbooks/mine.rhai", "//! Mine.\nfn man() { }\n"),
        &["run", "mine"],
        2,
        "error: `SITE/runbooks/mine.rhai` has no `fn main`, so that it is no runbook\n  help write `fn main() { … }`; what other runbooks import belongs in `stdlib/`",
    ),
    row(
        "a parameter that is not given",
        |_| {},
        &["run", "restore"],
        2,
        "error: `restore` needs `--backup`\n  help give it, as `banister run restore --backup VALUE`; see its parameters with `banister run restore --help`",
    ),
    row(
        "a parameter that is not there",
        |_| {},
        &["run", "update", "--yes", "--too", "0.2.0"],
        2,
        "error: unexpected argument '--too' found",
    ),
    row(
        "a backup that is not there",
        |_| {},
        &["run", "restore", "--backup", "nosuch.tar.zst", "--yes"],
        1,
        "state: `restore` failed on web in step `Check`; nothing was touched\nnext:  banister backup list",
    ),
    row(
        "a backup that is not there, verified",
        |_| {},
        &["backup", "verify", "nosuch.tar.zst"],
        1,
        "error: there is no backup `nosuch.tar.zst`\n  help see what there is with `banister backup list`",
    ),
    Row {
        mend: |world| append(world, "site.toml", "keep = { count = 1 }\n"),
        ..row(
            "no rule for old backups",
            |_| {},
            &["run", "prune", "--yes"],
            2,
            "state: `prune` failed on web; nothing was touched\nnext:  banister run prune",
        )
    },
    row(
        "a plan that is not there",
        |_| {},
        &["run", "update", "--plan", "nosuch.plan"],
        2,
        "error: can't read the plan `nosuch.plan`\n  help write one with `banister plan update --out nosuch.plan`",
    ),
    row(
        "a plan that no longer holds",
        |world| {
            world.banister(&["plan", "update", "--out", "it.plan"]);
            append(world, "web/Makefile", "# mine\n");
            world.git(&["commit", "-qam", "mine"]);
        },
        &["run", "update", "--plan", "it.plan", "--yes"],
        2,
        "error: the plan no longer holds: installed_release(web) is another now\n  help nothing was touched; make a new one with `banister plan update --out it.plan`",
    ),
    row(
        "a script that is not UTF-8",
        |world| {
            std::fs::create_dir_all(world.path().join("runbooks"))
                .and_then(|()| {
                    std::fs::write(
                        world.path().join("runbooks/mine.rhai"),
                        b"//! Fine.\nfn main() { note(\"Gr\xfc\"); }\n",
                    )
                })
                .unwrap()
        },
        &["run", "mine"],
        2,
        "error: can't read `SITE/runbooks/mine.rhai`\n  help move it away, or write it as a text file in UTF-8",
    ),
    row(
        "a folder that is called like a script",
        |world| std::fs::create_dir_all(world.path().join("runbooks/mine.rhai")).unwrap(),
        &["run", "mine"],
        2,
        "error: can't read `SITE/runbooks/mine.rhai`\n  help move it away, or write it as a text file in UTF-8",
    ),
    row(
        "a script with a bracket too few",
        |world| world.write("runbooks/mine.rhai", "//! Mine.\nfn main() { note(\"a\" }\n"),
        &["run", "mine"],
        2,
        "error: this `(` is not closed\n  help the bracket that belongs to it is missing",
    ),
    row(
        "a function that is misspelt",
        |world| {
            world.write(
                "runbooks/mine.rhai",
                "//! Mine.\nfn main() {\n    let server = this_server();\n    server.mkae(\"build\");\n}\n",
            )
        },
        &["run", "mine"],
        2,
        "error: nothing has a method `mkae`\n  help did you mean `make`?",
    ),
    row(
        "an option that is misspelt",
        |world| {
            world.write("runbooks/mine.rhai", "//! Mine.\nfn main() {\n    let server = this_server();\n    server.wait_healthy(#{ timout: 5.minutes });\n}\n")
        },
        &["run", "mine"],
        2,
        "error: `wait_healthy` has no option `timout`\n  help it has `checks`, `within`, `stable`, `project`, `inside`, `state`",
    ),
    row(
        "an exit in a script",
        |world| {
            world.write(
                "runbooks/mine.rhai",
                "//! Mine.\nfn main() {\n    let server = this_server();\n    step \"One\" { exit(1); }\n}\n",
            )
        },
        &["run", "mine"],
        2,
        "error: `exit` is not available: a run that ends so is neither done nor failed\n  help use `throw \"…\"` to fail, or `return` to end a function well",
    ),
    Row {
        mend: |world| world.write("runbooks/mine.rhai", "//! Mine.\nfn main() { note(\"well\"); }\n"),
        ..row(
            "nothing in a text",
            |world| {
                world.write("runbooks/mine.rhai", "//! Mine.\nfn main() {\n    let server = this_server();\n    let x = server.get(\"branch\"); server.shell(`rm -rf data/${x}`);\n}\n")
            },
            &["run", "mine"],
            2,
            "state: `mine` failed on web; nothing was touched\nnext:  banister run mine",
        )
    },
    Row {
        mend: |world| world.write("runbooks/mine.rhai", "//! Mine.\nfn main() { note(\"well\"); }\n"),
        ..row(
            "a key that a map has not",
            |world| {
                world.write("runbooks/mine.rhai", "//! Mine.\nfn main() {\n    let server = this_server();\n    let o = #{ force: true }; if o.froce { note(\"a\"); }\n}\n")
            },
            &["run", "mine"],
            1,
            "state: `mine` failed on web; nothing was touched\nnext:  banister run mine",
        )
    },
    Row {
        mend: |world| world.write("runbooks/mine.rhai", "//! Mine.\nfn main() { note(\"well\"); }\n"),
        ..row(
            "a text compared with a size",
            |world| {
                world.write("runbooks/mine.rhai", "//! Mine.\nfn main() {\n    let server = this_server();\n    let text = [\"100GB\"][0]; if server.free_space(\"\") < text { note(\"a\"); }\n}\n")
            },
            &["run", "mine"],
            2,
            "state: `mine` failed on web; nothing was touched\nnext:  banister run mine",
        )
    },
    Row {
        mend: |world| world.write("runbooks/mine.rhai", "//! Mine.\nfn main() { note(\"well\"); }\n"),
        ..row(
            "a script that throws",
            |world| {
                world.write(
                    "runbooks/mine.rhai",
                    "//! Mine.\nfn main() {\n    let server = this_server();\n    throw \"not today\";\n}\n",
                )
            },
            &["run", "mine"],
            1,
            "state: `mine` failed on web; nothing was touched\nnext:  banister run mine",
        )
    },
    Row {
        mend: |world| world.write("runbooks/mine.rhai", "//! Mine.\nfn main() { note(\"well\"); }\n"),
        ..row(
            "a command that is not there",
            |world| {
                world.write("runbooks/mine.rhai", "//! Mine.\nfn main() {\n    let server = this_server();\n    server.run([\"nosuch-program\"]);\n}\n")
            },
            &["run", "mine"],
            1,
            "state: `mine` failed on web…\nnext:  banister resume …",
        )
    },
    row(
        "a function that overrides nothing",
        |world| {
            world.write(
                "runbooks/update.rhai",
                "fn chekc(update, wait_idle) { base::check(update, wait_idle); }\n",
            )
        },
        &["run", "update", "--yes"],
        2,
        "error: `chekc` overrides nothing, and nothing calls it\n  help did you mean `check`?",
    ),
    row(
        "a hook on no step",
        |world| world.write("runbooks/update.rhai", "before(\"Biuld\") { note(\"a\"); }\n"),
        &["run", "update", "--yes"],
        2,
        "error: the bundled file has no step `Biuld`\n  help did you mean `Build`?",
    ),
    row(
        "a file that is not there, checked",
        |_| {},
        &["check", "nosuch.rhai"],
        2,
        "error: there is no file `nosuch.rhai`\n  help without a path, `banister check` checks all scripts of the site",
    ),
    row(
        "a malformed URL",
        |world| append(world, "site.toml", "endpoint = \"htp:/x\"\n"),
        &["check"],
        2,
        "\n1 error in 21 files",
    ),
    row(
        "a thing that is not owed",
        |_| {},
        &["lock", "dismiss", "nosuch", "--reason", "none"],
        1,
        "error: nothing called `nosuch` is owed\n  help see what is owed with `banister status`",
    ),
    row("a lock that nobody holds", |_| {}, &["lock", "release"], 0, "web: the lock was free"),
    row(
        "a page of documentation that is not there",
        |_| {},
        &["doc", "chekout"],
        2,
        "error: no page is named `chekout`, and none contains that word\n  help did you mean `checkout`? List them with `banister doc`",
    ),
    row(
        "a text that is not bundled",
        |_| {},
        &["customize", "updte"],
        2,
        "error: the program brings no runbook or module `updte`\n  help list the runbooks with `banister list`",
    ),
    row(
        "a text that is customized already",
        |world| {
            world.banister(&["customize", "update"]);
        },
        &["customize", "update"],
        2,
        "error: there is a file `SITE/runbooks/update.rhai` already\n  help edit that one, or move it away first",
    ),
    Row {
        means: &[("NAME", "build")],
        ..row(
            "a fault that is not there",
            |_| {},
            &["demo", "--fault", "nosuch"],
            2,
            "error: invalid value 'nosuch' for '--fault <NAME>'",
        )
    },
    row(
        "a site that is there already",
        |_| {},
        &["init"],
        2,
        "error: `SITE/site.toml` is there already\n  help edit it, or name another folder with `--site DIR`",
    ),
    row(
        "a command that is not there at the prompt",
        |_| {},
        &["udpate"],
        2,
        "error: unrecognized subcommand 'udpate'",
    ),
    Row {
        mend: |world| change(world, "environment = { PATH = \"/nowhere\" }\n", ""),
        ..row(
            "a program that is not there",
            |world| append(world, "site.toml", "environment = { PATH = \"/nowhere\" }\n"),
            &["run", "update", "--yes"],
            1,
            "state: `update` failed on web; nothing was touched\nnext:  banister run update",
        )
    },
    row(
        "a host that does not answer",
        |world| change(world, "checkout = \"web\"", "ssh = \"nobody@127.0.0.1:1\"\ncheckout = \"/web\""),
        &["run", "update", "--yes"],
        1,
        "error: `web` can't be reached\n  help correct `ssh` of `web` in site.toml, or `HostName` in ~/.ssh/config: `ssh -G nobody@127.0.0.1:1` shows which name is used",
    ),
    row(
        "tests that are not there",
        |_| {},
        &["test", "nosuch"],
        2,
        "error: can't read `nosuch`\n  help name test scripts, or leave them out for all in the site's folder `tests`",
    ),
];
