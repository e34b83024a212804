//! The README is test input: what it shows is done, in the order in which it stands there.
//!
//! Shell blocks are typed by an administrator of a practice server, in the home where its checkout is. Rhai blocks are
//! checked, and whole runbooks planned and run. TOML blocks are loaded as `site.toml`. A block that is only to be read
//! says so: its language is `text`.

use crate::support;

use banister::internals::site::Site;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::worlds;
use support::{World, said};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// The code blocks: language, and text.
fn blocks() -> Vec<(String, String)> {
    let text = readme();
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(language), None) => open = Some((language.trim().to_owned(), String::new())),
            (None, Some((_, block))) => *block += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "the last block of the README does not end");
    blocks
}

fn blocks_of(language: &str) -> Vec<String> {
    blocks().into_iter().filter(|(of, _)| of == language).map(|(_, block)| block).collect()
}

/// The words after `banister` of a line of shell; nothing if it calls something else.
fn call(line: &str) -> Option<Vec<String>> {
    let rest = line.strip_prefix("banister ").or_else(|| line.strip_prefix("cargo run --release -- "))?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

#[test]
fn every_block_is_of_a_language_that_is_tried_or_is_only_text() {
    for (language, block) in blocks() {
        assert!(["sh", "rhai", "toml", "text"].contains(&language.as_str()), "`{language}`:\n{block}");
    }
    for language in ["sh", "rhai", "toml"] {
        assert!(!blocks_of(language).is_empty(), "there is no block of {language}: is it still found?");
    }
}

#[test]
fn every_shell_block_does_what_it_shows() {
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_banister"));
    let practice = worlds::server(&folder.path().join("world"), program, &[]);
    practice.end_with_me().unwrap();
    for line in blocks_of("sh").iter().flat_map(|block| block.lines()) {
        let line = line.split(" #").next().unwrap_or_default().trim();
        let Some(mut words) = call(line) else {
            not_banister(line);
            continue;
        };
        // Nobody is there to be asked.
        let acts = words[0] == "backup" && ["drill", "restore", "prune"].contains(&words[1].as_str());
        if (acts || ["run", "resume"].contains(&words[0].as_str()))
            && !words.iter().any(|word| word == "--yes")
        {
            words.push("--yes".into());
        }
        // The practice server has a site above its home.
        if words[0] == "init" {
            words.extend(["--site".into(), ".".into()]);
        }
        let mut command = Command::new(program);
        command
            .args(&words)
            .current_dir(practice.home())
            .env_clear()
            .env("BANISTER_FOREGROUND", "yes")
            .stdin(Stdio::null());
        command.envs(practice.environment()).env("USER", "ops").env("TMPDIR", folder.path());
        let said = said(command.output().unwrap());
        assert_eq!(said.code, Some(0), "{line}: {said:?}");
    }
    practice.stop().unwrap();
}

/// A line that calls something else calls a program of the repository, or one that builds or fetches it.
fn not_banister(line: &str) {
    let word = line.split_whitespace().next().unwrap_or_default();
    if word.is_empty() || ["cargo", "git", "cd"].contains(&word) {
        return;
    }
    let about = fs::metadata(root().join(word));
    let runs = about.is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o100 != 0);
    assert!(runs, "`{line}`: there is no such program here; a block that is only to be read is `text`");
}

/// Commands in the running text are ones that there are.
#[test]
fn every_command_in_a_sentence_can_be_typed() {
    let world = World::new();
    let text = readme();
    let prose: Vec<&str> = text.split("```").step_by(2).collect();
    let spans = prose.iter().flat_map(|part| part.split('`').skip(1).step_by(2));
    let calls: Vec<Vec<String>> = spans.filter_map(call).collect();
    assert!(calls.len() > 5, "{calls:?}");
    for words in calls {
        let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
        arguments.push("--help");
        let said = world.banister(&arguments);
        assert_eq!(said.code, Some(0), "`banister {}`: {said:?}", words.join(" "));
        if let ["doc", name, _] = arguments[..] {
            assert_eq!(world.banister(&["doc", name]).code, Some(0), "there is no `{name}`");
        }
    }
}

#[test]
fn every_rhai_block_is_without_a_mistake_and_every_runbook_among_them_runs() {
    for block in blocks_of("rhai") {
        let world = World::new();
        if block.contains("(practice)") {
            world.write("tests/shown.rhai", &block);
            world.write("site.toml", &(world.read("site.toml") + "backup = [\"~/data\"]\n"));
            for arguments in [["check", "tests"], ["test", "tests"]] {
                let said = world.banister(&arguments);
                assert_eq!(said.code, Some(0), "{said:?}\n{block}");
            }
            continue;
        }
        world.write("site.toml", &(world.read("site.toml") + "backup = [\".\"]\n"));
        let whole = block.contains("fn main(");
        let file = match whole {
            true => "runbooks/shown.rhai",
            // What says something of steps lies on the runbook that has them.
            false if block.contains("before(") => "runbooks/update.rhai",
            false => "shown.rhai",
        };
        world.write(file, &block);
        let said = world.banister(&["check", "--json", file]);
        assert_eq!((said.code, said.out.as_str()), (Some(0), "[]\n"), "{said:?}\n{block}");
        for arguments in [&["plan", "shown"][..], &["run", "shown", "--yes"]].iter().filter(|_| whole) {
            let said = world.banister(arguments);
            assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}\n{block}");
        }
    }
}

#[test]
fn every_toml_block_is_a_site() {
    for block in blocks_of("toml") {
        let world = World::new();
        world.write("site.toml", &block);
        let file: PathBuf = world.path().join("site.toml");
        let site = Site::load(&file).unwrap_or_else(|failure| panic!("{failure}:\n{block}"));
        assert!(!site.servers.is_empty(), "{block}");
        let said = world.banister(&["check"]);
        assert_eq!(said.code, Some(0), "{said:?}\n{block}");
    }
}
