//! What can be typed. A runbook's parameters are options of `run`, with the help of its documentation.

use crate::data::Arguments;
use crate::failure::{Failure, Kind, Result};
use crate::script::layers::Layers;
use crate::script::runbook::Runbook;
use crate::site::{self, Site};
use crate::units::Duration;
use clap::{Arg, ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

/// Runs update runbooks for self-hosted servers; can be killed at any moment and continues.
#[derive(Parser, Debug)]
#[command(name = "banister", version, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: Global,
}

/// Options of every command.
#[derive(Args, Debug)]
pub struct Global {
    /// The folder with `site.toml` [default: here, above, or the configuration folder].
    #[arg(long, global = true, env = "BANISTER_SITE", value_name = "DIR")]
    pub site: Option<PathBuf>,
    /// The server to work on, if the site has several.
    #[arg(long, global = true, value_name = "NAME")]
    pub server: Option<String>,
    /// Print JSON: one document, or a line for each event of a run.
    #[arg(long, global = true)]
    pub json: bool,
    /// Print errors and the last line only.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Print each call, all output of commands, and what scripts debug; twice for the log of the run, its steps and calls
    /// [env: BANISTER_LOG, a level].
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN")]
    pub color: Color,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Make a practice server and update it for real; asks nothing.
    Demo(super::demo::Options),
    /// Serve a banister elsewhere, which calls this over ssh.
    #[command(hide = true)]
    Agent,
    /// Write `site.toml` for the server in this folder.
    Init,
    /// List the runbooks: bundled, the site's own, overridden.
    List,
    /// Write a site file that overrides a bundled runbook or module; all of it comments to start from.
    Customize {
        /// The runbook, as `list` lists it, or a module such as `hoss`.
        #[arg(value_name = "RUNBOOK")]
        name: String,
    },
    /// Show what a run would do, and change nothing.
    Plan(PlanOptions),
    /// Run a runbook.
    Run(RunOptions),
    /// Continue an unfinished run: the last one, if none is named.
    Resume(ResumeOptions),
    /// Show each server: release, health, lock, last run, backups.
    Status,
    /// List, verify, drill, restore or prune backups; `run backup` makes one.
    Backup {
        #[command(subcommand)]
        command: BackupCommand,
    },
    /// List the runs.
    Runs,
    /// Show a run: the last one, if none is named.
    Show {
        /// A run's name, as `runs` lists it, or its last part.
        run: Option<String>,
    },
    /// Find mistakes in scripts and `site.toml`; changes nothing.
    Check {
        /// Scripts, or folders of scripts [default: all of the site, and the bundled ones].
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Test the site's scripts on a practice server, and run its own tests.
    Test(super::test::Options),
    /// Read, list or search the documentation of functions, blocks, runbooks and settings.
    Doc {
        /// A primitive, a block, a runbook, a module or a function as `hoss::roll_back`; or words to search for.
        #[arg(value_name = "NAME")]
        words: Vec<String>,
        /// Print the whole reference, as Markdown.
        #[arg(long, conflicts_with = "words")]
        markdown: bool,
    },
    /// Type calls and see their results; with `--run` where a run stopped.
    Repl(super::repl::Options),
    /// Show or release the lock of a server.
    Lock {
        #[command(subcommand)]
        command: LockCommand,
    },
    /// Print the manual page, for `man -l -`, or for a file `banister.1` where man finds it.
    Man,
    /// Print the completion script of a shell, for commands, runbooks, servers, runs and backups.
    ///
    /// For bash, write `source <(banister completions bash)` into ~/.bashrc; for zsh, `source <(banister completions zsh)`
    /// into ~/.zshrc, after `compinit`; for fish, `banister completions fish | source` into ~/.config/fish/config.fish.
    Completions {
        /// Which shell.
        #[arg(value_enum)]
        shell: super::completions::Shell,
    },
}

#[derive(Subcommand, Debug)]
pub enum LockCommand {
    /// Show who holds the server.
    Show,
    /// Release a lock; refused while its holder works.
    Release {
        /// Even from a working holder, whose command is ended first; it then changes nothing more.
        #[arg(long)]
        force: bool,
    },
    /// End commands that still run on the server although their run was abandoned, or its journal is gone.
    End,
    /// Dismiss something that an abandoned run still owes the server.
    Dismiss {
        /// Its name, as `lock show` lists it.
        name: String,
        /// Why it is not needed any more.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

#[derive(Subcommand, Debug)]
pub enum BackupCommand {
    /// List the backups of each server, how far they are verified and which releases they fit.
    List,
    /// Read a backup whole and compare every byte with what was written.
    Verify {
        /// A name from the list, or its beginning, or an archive's path [default: the newest].
        backup: Option<String>,
    },
    /// Prove a backup: restore it beside the live data, count, and remove the copy.
    Drill(DrillOptions),
    /// Restore configuration and data from a backup.
    Restore(TryOptions),
    /// Remove old backups, as `keep` in `site.toml` says; lists them first.
    Prune(PruneOptions),
}

/// Which backups stay, and how the run goes on. What is given here holds in the place of `keep`.
#[derive(Args, Debug)]
pub struct PruneOptions {
    /// Keep so many of the newest backups.
    #[arg(long, value_name = "NUMBER")]
    pub count: Option<u64>,
    /// Keep backups newer than this: `30d`, `12h`.
    #[arg(long, value_name = "DURATION")]
    pub age: Option<Duration>,
    #[command(flatten)]
    pub answers: Answers,
    /// Abandon an earlier run that is unfinished, and with it its rollback. REASON explains why
    /// owed items stay undone; without it you are asked for each.
    #[arg(long, value_name = "REASON", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub abandon: Option<String>,
}

/// A backup, and how a run with it goes on.
#[derive(Args, Debug)]
pub struct TryOptions {
    /// A name from the list, or its beginning, or an archive's path [default: the newest].
    pub backup: Option<String>,
    #[command(flatten)]
    pub answers: Answers,
    /// Abandon an earlier run that is unfinished. REASON explains why owed items stay undone; without it
    /// you are asked for each.
    #[arg(long, value_name = "REASON", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub abandon: Option<String>,
}

/// Which backup is tried, how far, and how the run goes on.
#[derive(Args, Debug)]
pub struct DrillOptions {
    /// Also start a copy of the server from it, beside the live one, and check its health.
    #[arg(long)]
    pub full: bool,
    #[command(flatten)]
    pub options: TryOptions,
}

/// How questions are answered and failures met.
#[derive(Args, Debug, Clone)]
pub struct Answers {
    /// Answer yes to all confirmations.
    #[arg(long)]
    pub yes: bool,
    /// The answer to the next question that is not a confirmation; can be given several times.
    #[arg(long, value_name = "TEXT")]
    pub answer: Vec<String>,
    /// What to do when a step fails.
    #[arg(long, value_enum, default_value = "ask", value_name = "WHAT")]
    pub on_failure: WhenFailed,
    /// Ask before each step.
    #[arg(long)]
    pub step: bool,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFailed {
    /// Ask, at a terminal; stop elsewhere.
    Ask,
    /// Stop; the run can be resumed.
    Stop,
    /// Roll back, as the runbook declares.
    Rollback,
}

#[derive(Args, Debug)]
pub struct RunOptions {
    /// The runbook's name.
    pub runbook: String,
    #[command(flatten)]
    pub answers: Answers,
    /// Run a plan that `banister plan --out` saved, if nothing it was based on has changed.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Start even if an earlier run on the same server is unfinished; that run can no longer be resumed. REASON explains why
    /// owed items stay undone; without it you are asked for each.
    #[arg(long, value_name = "REASON", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub abandon: Option<String>,
}

#[derive(Args, Debug)]
pub struct PlanOptions {
    /// The runbook's name.
    pub runbook: String,
    /// Save the plan to this file, for `banister run --plan`.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct ResumeOptions {
    /// A run's name, as `runs` lists it, or its last part, or the path of its folder.
    pub run: Option<String>,
    /// Roll back instead of continuing.
    #[arg(long)]
    pub rollback: bool,
    /// Use the scripts as they were when the run began.
    #[arg(long)]
    pub original: bool,
    #[command(flatten)]
    pub answers: Answers,
}

/// The runbook's parameters, as they were typed: text, or yes and no.
pub fn parameters(runbook: &Runbook, matches: &ArgMatches) -> Arguments {
    let Some((_, matches)) = matches.subcommand() else { return Arguments::new() };
    let given = runbook.parameters.iter().filter_map(|parameter| {
        let typed = matches.try_get_one::<String>(&format!("parameter-{}", parameter.name)).ok().flatten()?;
        let value = match typed.as_str() {
            "true" => true.into(),
            "false" => false.into(),
            text => text.into(),
        };
        Some((parameter.name.clone(), value))
    });
    given.collect()
}

/// Parses the command line.
pub fn parse(arguments: &[OsString]) -> Result<(Cli, ArgMatches)> {
    let command = command_for(arguments)?;
    let matches = command.try_get_matches_from(arguments).unwrap_or_else(|error| left(error, arguments));
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| left(error, arguments));
    Ok((cli, matches))
}

/// Ends as the parser does, with its help or with what is wrong.
fn left(error: clap::Error, arguments: &[OsString]) -> ! {
    if error.use_stderr() && asks_for_json(arguments) {
        let text = error.to_string();
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        super::document(&Failure::new(Kind::Invalid, message));
    }
    error.exit()
}

/// Whether a command line that can't be parsed asks for JSON.
pub fn asks_for_json(arguments: &[OsString]) -> bool {
    arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json")
}

/// What this command line can hold. For `plan` and `run` the runbook is read first, because its parameters are options.
pub fn command_for(arguments: &[OsString]) -> Result<clap::Command> {
    let mut command = Cli::command();
    if let Some((subcommand, runbook)) = named_runbook(arguments)? {
        // Wrapped anew to the terminal, by paragraphs.
        let paragraphs = runbook.documentation.split("\n\n");
        let about = paragraphs.map(|text| text.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
        let options = runbook.parameters.iter().map(|parameter| {
            Arg::new(format!("parameter-{}", parameter.name))
                .long(parameter.name.replace('_', "-"))
                .help(parameter.usage())
                .help_heading(format!("Parameters of `{}`", runbook.name))
                .value_name("VALUE")
        });
        let options: Vec<Arg> = options.collect();
        command = command.mut_subcommand(subcommand, |run| run.args(options).about(about));
    }
    Ok(command)
}

/// The runbook that `plan` or `run` is about, found before the line is parsed. Anything wrong with the line is left to the
/// parser; anything wrong with the runbook is told here.
fn named_runbook(arguments: &[OsString]) -> Result<Option<(&'static str, Runbook)>> {
    // A question for help would be answered at once, before the runbook's parameters are known.
    let asked = arguments.iter().filter(|argument| *argument != "--help" && *argument != "-h");
    let lenient = Cli::command().ignore_errors(true).try_get_matches_from(asked);
    let Ok(matches) = lenient else { return Ok(None) };
    let (subcommand, run) = match matches.subcommand() {
        Some(("plan", plan)) => ("plan", plan),
        Some(("run", run)) => ("run", run),
        _ => return Ok(None),
    };
    let Some(name) = run.get_one::<String>("runbook") else { return Ok(None) };
    let given = run.try_get_one::<PathBuf>("site").ok().flatten().cloned();
    let (site, wrong) = match site::find(given.as_deref()).ok().map(|file| Site::load(&file)) {
        Some(Ok(site)) => (Some(site), None),
        Some(Err(failure)) => (None, Some(failure)),
        None => (None, None),
    };
    let server = run.try_get_one::<String>("server").ok().flatten().cloned();
    let kind = site.as_ref().and_then(|site| match server {
        Some(server) => site.servers.get(&server).map(|server| server.kind.clone()),
        None => site.servers.values().next().map(|server| server.kind.clone()),
    });
    let layers = Layers::of_site(site.as_ref().map(Site::folder), &kind.unwrap_or_default());
    // What is not bundled may be in a site that can't be read.
    let runbook = Runbook::load(Arc::new(layers), name).map_err(|failure| wrong.unwrap_or(failure))?;
    // The same for both, so that what can be planned can be run.
    let both = Cli::command();
    let both = ["run", "plan"].into_iter().filter_map(|name| both.find_subcommand(name));
    let taken: Vec<String> = both
        .flat_map(clap::Command::get_arguments)
        .filter_map(|argument| argument.get_long().map(str::to_owned))
        .collect();
    let globals = ["site", "server", "json", "quiet", "verbose", "color", "help", "version"];
    let clash = runbook.parameters.iter().map(|parameter| parameter.name.replace('_', "-"));
    let mut clash = clash.filter(|name| taken.contains(name) || globals.contains(&name.as_str()));
    match clash.next() {
        Some(name) => Err(Failure::new(
            Kind::Invalid,
            format!("the parameter `{name}` of `{}` is an option of `run` already", runbook.name),
        )
        .help("give it another name in `fn main`")),
        None => Ok(Some((subcommand, runbook))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::check::TAKEN;

    #[test]
    fn the_check_knows_every_option_that_a_parameter_would_clash_with() {
        let mut command = Cli::command();
        command.build();
        for name in ["run", "plan"] {
            let options = command.find_subcommand(name).unwrap().get_arguments();
            for long in options.filter_map(|option| option.get_long()) {
                assert!(TAKEN.contains(&long.replace('-', "_").as_str()), "{name}: {long}");
            }
        }
    }
}
