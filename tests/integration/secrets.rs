//! What is secret in a server's settings is seen nowhere, whatever a script or a command does with it.

use crate::support;

use std::fs;
use std::path::Path;
use support::World;

/// A password, and the same encoded with base64 and for URLs.
const FORMS: [&str; 3] = ["c4nary/of+the=test", "YzRuYXJ5L29mK3RoZT10ZXN0", "c4nary%2Fof%2Bthe%3Dtest"];

fn world() -> World {
    let world = World::new();
    world.write(
        "site.toml",
        "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nenv_file = \"../settings.env\"\nsecrets = [\"PIN_CODE\"]\n",
    );
    world.write("settings.env", &format!("PORT=80\nDB_PASSWORD={}\nPIN_CODE=4711-0815-pin\n", FORMS[0]));
    world.write(
        "web/Makefile",
        &format!(
            "leak:\n\t@echo 'user:{}' '{}' '{}' 4711-0815-pin\nfail: leak\n\t@test -e ../mended\n",
            FORMS[0], FORMS[1], FORMS[2]
        ),
    );
    world
}

/// No file below the folder, but command lines and the raw logs of commands, holds a secret; those are for their owner
/// alone.
fn assert_hidden(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            assert_hidden(&path);
            continue;
        }
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        // What a command was given on its command line all users can see anyway.
        if path.file_name().is_some_and(|name| name == "log" || name == "spec") {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o077, 0, "{}", path.display());
            continue;
        }
        for form in FORMS.iter().chain(&["4711-0815-pin"]) {
            assert!(!text.contains(form), "{form} is in {}: {text}", path.display());
        }
    }
}

#[test]
fn what_a_command_prints_is_shown_and_kept_without_them() {
    let world = world();
    world.write(
        "runbooks/leak.rhai",
        "//! Leaks.\nfn main() {\n    let server = this_server();\n    let told = server.make(\"leak\");\n    note(`${told.lines}`);\n    show(\"Told\", `${told.lines}`);\n    server.make(\"fail\");\n}\n",
    );
    for arguments in
        [&["run", "leak", "-v"][..], &["resume", "-v"], &["resume", "--json"], &["show"], &["show", "--json"]]
    {
        let said = world.banister(arguments);
        let text = said.out + said.err.as_str();
        for form in FORMS.iter().chain(&["4711-0815-pin"]) {
            assert!(!text.contains(form), "{arguments:?}: {text}");
        }
        assert!(text.contains("‹secret›") || arguments[0] == "show", "{arguments:?}: {text}");
    }
    assert_hidden(&world.path().join("state"));
    // The journal has them hidden; the script still asks for what it did.
    world.write("mended", "");
    let said = world.banister(&["resume"]);
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn a_call_with_a_secret_in_its_arguments_is_known_again() {
    let world = world();
    world.write(
        "runbooks/echo.rhai",
        &format!(
            "//! Echoes.\nfn main() {{\n    let server = this_server();\n    server.run([\"sh\", \"-c\", \"echo {} >> ../trace\"]);\n    server.make(\"fail\");\n}}\n",
            FORMS[0]
        ),
    );
    assert_eq!(world.banister(&["run", "echo"]).code, Some(1));
    // The text of the script is the admin's own.
    assert_hidden(
        &world.path().join("state/runs").read_dir().unwrap().next().unwrap().unwrap().path().join("logs"),
    );
    assert!(!fs::read_to_string(world.journals().remove(0)).unwrap().contains(FORMS[0]));
    world.write("mended", "");
    let said = world.banister(&["resume"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.read("trace").lines().count(), 1, "it ran once");
}

#[test]
fn a_secret_is_not_taken_as_text_and_is_taken_from_the_environment() {
    let world = world();
    world.write(
        "runbooks/text.rhai",
        "//! Text.\nfn main(value) {\n    this_server().set_env(\"DB_PASSWORD\", value);\n}\n",
    );
    let said = world.banister(&["run", "text", "--value", "hunter2hunter2"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("`DB_PASSWORD` holds a secret"), "{said:?}");
    world.write(
        "runbooks/secret.rhai",
        "//! Secret.\nfn main() {\n    this_server().set_env(\"DB_PASSWORD\", secret(\"db_password\"));\n    this_server().make(\"fail\");\n}\n",
    );
    let run = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        support::said(command.env("BANISTER_SECRET_DB_PASSWORD", FORMS[0]).output().unwrap())
    };
    let said = run(&["run", "secret", "--abandon"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(world.read("settings.env").contains(&format!("DB_PASSWORD={}\n", FORMS[0])));
    world.write("mended", "");
    assert_eq!(run(&["resume"]).code, Some(0));
    assert_hidden(&world.path().join("state"));
}
