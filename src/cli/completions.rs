//! `banister completions`, and the questions that a shell asks with what it prints.

mod candidates;

use super::arguments::{Cli, Shell};
use super::command_line;
use super::context::Context;
use crate::failure::{Failure, Kind, Result};
use candidates::Candidates;
use clap::{Command, CommandFactory};
use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};
use std::ffi::OsString;
use std::process::ExitCode;

/// The variable by which the shell's script tells a question from a command.
const ASKED: &str = "BANISTER_COMPLETE";

/// Prints the script. It asks this same program at each completion: what can be typed depends on the site.
pub fn completions(context: &Context, shell: Shell) -> Result<u8> {
    let called = std::env::args_os().next().unwrap_or_else(|| "banister".into());
    // A path must mean the same in another folder; a bare name is looked up anew, so that a newer program answers.
    let program = match called.to_string_lossy().contains('/') {
        true => std::path::absolute(&called).map(OsString::from).unwrap_or(called),
        false => called,
    };
    let mut script = Vec::new();
    completer(shell)
        .write_registration(ASKED, "banister", "banister", &program.to_string_lossy(), &mut script)
        .map_err(|error| Failure::new(Kind::Bug, "the shell's script can't be written").why(error))?;
    match context.json {
        true => println!("{}", serde_json::json!({ "script": String::from_utf8_lossy(&script) })),
        false => _ = crate::output::print(script),
    }
    Ok(0)
}

fn completer(shell: Shell) -> &'static dyn EnvCompleter {
    match shell {
        Shell::Bash => &Bash,
        Shell::Zsh => &Zsh,
        Shell::Fish => &Fish,
    }
}

/// Answers the shell, if it is what calls. Whatever is wrong with the line or the site, nothing but candidates is printed:
/// a person in the middle of a line has asked for nothing else.
pub fn answer(arguments: &[OsString]) -> Option<ExitCode> {
    let shell = std::env::var(ASKED).ok()?;
    let shell = <Shell as clap::ValueEnum>::from_str(&shell, false).ok()?;
    let [_, mark, typed @ ..] = arguments else { return None };
    if mark != "--" {
        return None;
    }
    let known = at_home(typed);
    let command = command_line::command_for(&known).unwrap_or_else(|_| Cli::command());
    let candidates = Candidates::of(&known);
    let mut command = candidates.offer(command);
    // Only now it has `--help`, too.
    command.build();
    let mut command = quiet_options(command);
    let folder = std::env::current_dir().ok();
    let mut found = Vec::new();
    if completer(shell).write_complete(&mut command, typed.to_vec(), folder.as_deref(), &mut found).is_ok() {
        _ = crate::output::print(found);
    }
    Some(ExitCode::SUCCESS)
}

/// The words without the last, which is not typed to its end, and with the home in the place of `~`: the shell did not
/// come to that yet.
fn at_home(typed: &[OsString]) -> Vec<OsString> {
    let home = std::env::var_os("HOME").unwrap_or_default();
    let expanded = |word: &OsString| match word.to_string_lossy().strip_prefix("~/") {
        Some(rest) => std::path::Path::new(&home).join(rest).into_os_string(),
        None => word.clone(),
    };
    typed.iter().take(typed.len().saturating_sub(1)).map(expanded).collect()
}

/// Options are offered where a word begins with `-`, or where nothing else can stand: among the names of runbooks they
/// would only be in the way.
fn quiet_options(command: Command) -> Command {
    let command = command.mut_args(|argument| match argument.is_positional() {
        true => argument,
        false => argument.hide(true),
    });
    command.mut_subcommands(quiet_options)
}
