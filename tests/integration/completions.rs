//! What a shell completes: its own script asks the real program.

use crate::support;

use std::path::Path;
use std::process::{Command, Stdio};
use support::{Said, World, said};

/// Sources the script as `.bashrc` would, and calls the function that it registered as bash does at a Tab.
const BASH: &str = r#"
source <(banister completions bash) || exit 9
read -ra registered < <(complete -p banister)
for ((n = 0; n < ${#registered[@]}; n++)); do
    if [[ ${registered[n]} == -F ]]; then function=${registered[n + 1]}; fi
done
COMP_WORDS=(banister "$@")
COMP_CWORD=$#
COMP_TYPE=9
"$function" banister "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"#;

/// A shell in which the program is on the `PATH`, as it is for whoever installed it.
fn shell(world: &World, program: &str) -> Command {
    let bin = Path::new(env!("CARGO_BIN_EXE_banister")).parent().unwrap().display();
    let mut command = Command::new(program);
    command.current_dir(world.path()).env_clear().env("BANISTER_FOREGROUND", "yes").stdin(Stdio::null());
    command.env("PATH", format!("{bin}:{}", std::env::var("PATH").unwrap()));
    command.env("HOME", world.path()).env("BANISTER_STATE", world.path().join("state")).env("USER", "ops");
    command
}

/// What bash offers for these words, the last of which is typed half-way.
fn offered(world: &World, words: &[&str]) -> Vec<String> {
    let output =
        shell(world, "bash").args(["--norc", "--noprofile", "-c", BASH, "bash"]).args(words).output();
    let Said { code, out, err } = said(output.unwrap());
    assert_eq!((code, err.as_str()), (Some(0), ""), "{words:?}: {out}");
    out.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// A site with two servers and a runbook of its own.
fn world() -> World {
    let world = World::new();
    world.write(
        "site.toml",
        "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackups = \"~/kept\"\nbackup = [\"~/data\"]\n\
         health = [{ command = [\"true\"] }]\n[servers.far]\nkind = \"plain\"\ncheckout = \"/srv/far\"\n\
         ssh = \"nobody@far.invalid\"\n",
    );
    world.write("data/rows", "some");
    world.write(
        "runbooks/mine.rhai",
        "//! Mine.\n\n/// how_often: how often\nfn main(how_often) { note(`${how_often}`); }\n",
    );
    world
}

#[test]
fn bash_completes_commands_runbooks_parameters_and_servers() {
    let world = world();
    assert_eq!(offered(&world, &["resu"]), ["resume"]);
    assert_eq!(offered(&world, &["run", "up"]), ["update", "update-linked"]);
    assert_eq!(offered(&world, &["plan", "mi"]), ["mine"]);
    assert_eq!(offered(&world, &["run", "update", "--t"]), ["--to", "--through"]);
    assert_eq!(offered(&world, &["plan", "mine", "--how"]), ["--how-often"]);
    assert_eq!(offered(&world, &["status", "--server", ""]), ["far", "web"]);
    assert_eq!(offered(&world, &["status", "--server=w"]), ["--server=web"]);
    assert_eq!(offered(&world, &["run", "update", "--on-failure", "r"]), ["rollback"]);
    assert_eq!(offered(&world, &["customize", "h"]), ["hoss"]);
    // Names are not hidden among options, which are there once they are asked for.
    assert!(offered(&world, &["run", ""]).iter().all(|word| !word.starts_with('-')));
    assert!(offered(&world, &["run", "-"]).contains(&"--step".to_owned()));
}

#[test]
fn bash_completes_the_names_of_runs_and_of_backups_on_this_machine() {
    let world = world();
    assert_eq!(world.banister(&["run", "backup", "--server", "web"]).code, Some(0));
    world.write("runbooks/stops.rhai", "//! Stops.\n\nfn main() { this_server().make(\"fail\"); }\n");
    assert_eq!(world.banister(&["run", "stops", "--server", "web"]).code, Some(1));
    let names = |arguments: &[&str]| -> Vec<String> {
        let listed: serde_json::Value = serde_json::from_str(&world.banister(arguments).out).unwrap();
        let name =
            |one: &serde_json::Value| one.get("run").unwrap_or(&one["name"]).as_str().unwrap().to_owned();
        listed.as_array().unwrap().iter().map(name).collect()
    };
    let runs: Vec<String> = names(&["runs", "--json"]);
    assert_eq!(runs.len(), 2);
    assert_eq!(offered(&world, &["show", ""]), runs);
    // Only one of them can be gone on with.
    assert_eq!(offered(&world, &["resume", ""]), runs[..1]);
    // Those that are at their server are remembered here; it is not asked.
    for (run, over) in [("20200101-000000-aaaa", true), ("20200102-000000-bbbb", false)] {
        let known = format!(
            r#"{{"run":"{run}","runbook":"update","server":"far","ssh":"nobody@far.invalid","site":"/site.toml","since":"2020-01-01T00:00:00Z","over":{over}}}"#
        );
        world.write(&format!("state/homes/{run}.json"), &known);
    }
    assert_eq!(offered(&world, &["show", "20200"]), ["20200101-000000-aaaa", "20200102-000000-bbbb"]);
    assert_eq!(offered(&world, &["resume", "20200"]), ["20200102-000000-bbbb"]);
    assert_eq!(offered(&world, &["attach", "20200"]), ["20200102-000000-bbbb"]);
    // The other server is asked for nothing: it can't be reached.
    let backups = names(&["backup", "list", "--json", "--server", "web"]);
    assert_eq!(backups.len(), 1);
    for words in
        [&["backup", "verify", ""][..], &["backup", "restore", "web"], &["run", "rollback", "--backup", ""]]
    {
        assert_eq!(offered(&world, words), backups, "{words:?}");
    }
    assert!(offered(&world, &["--server", "far", "backup", "verify", "w"]).is_empty());
}

#[test]
fn a_completion_says_nothing_else_where_the_site_is_missing_or_wrong() {
    let world = world();
    world.write("elsewhere/nothing", "");
    world.write("broken/site.toml", "[servers.web\n");
    world.write("broken/runbooks/mine.rhai", "fn main( {\n");
    world.write("good/site.toml", "[servers.other]\nkind = \"plain\"\ncheckout = \"web\"\n");
    for folder in ["~/broken", "/no/such/folder", "elsewhere"] {
        assert_eq!(
            offered(&world, &["--site", folder, "run", "upd"]),
            ["update", "update-linked"],
            "{folder}"
        );
        assert!(offered(&world, &["--site", folder, "status", "--server", ""]).is_empty(), "{folder}");
        assert!(offered(&world, &["--site", folder, "run", "mine", "--how"]).is_empty(), "{folder}");
    }
    assert_eq!(offered(&world, &["--site", "~/good", "status", "--server", ""]), ["other"]);
    assert!(offered(&world, &["no-such-command", "--no-such-option", "x"]).is_empty());
}

#[test]
fn only_a_shell_that_asks_gets_an_answer() {
    let world = world();
    let listed = world.banister(&["list"]);
    for shell in ["bash", "no-shell"] {
        let said = said(world.command(&["list"]).env("BANISTER_COMPLETE", shell).output().unwrap());
        assert_eq!((said.code, &said.out), (Some(0), &listed.out), "{said:?}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = world.banister(&["completions", shell]);
        assert_eq!((script.code, script.err.as_str()), (Some(0), ""));
        // Called by its path it is found again from anywhere.
        assert!(script.out.contains(env!("CARGO_BIN_EXE_banister")), "{}", script.out);
        assert!(script.out.contains(&format!("BANISTER_COMPLETE=\"{shell}\"")) || shell == "fish");
    }
    assert_eq!(world.banister(&["completions", "ksh"]).code, Some(2));
}

/// The other shells, where they are installed.
#[test]
fn zsh_and_fish_take_their_scripts() {
    let world = world();
    for (program, script) in [
        ("zsh", "autoload -Uz compinit && compinit -u && source <(banister completions zsh)"),
        ("fish", "banister completions fish | source; complete -C 'banister run up'"),
    ] {
        let output = match shell(&world, program).args(["-c", script]).output() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            output => said(output.unwrap()),
        };
        assert_eq!((output.code, output.err.as_str()), (Some(0), ""), "{program}: {output:?}");
        assert!(program != "fish" || output.out.contains("update-linked\t"), "{output:?}");
    }
}
