//! What can be typed.

pub mod demo;
pub mod repl;
pub mod schedule;
pub mod test;

use crate::machine::backup::{Age, Span};
use crate::site::Unattended;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

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

/// Shells that can complete.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Make a practice server and update it for real; asks nothing.
    Demo(demo::Options),
    /// Serve a banister elsewhere, which calls this over ssh.
    #[command(hide = true)]
    Agent,
    /// Serve somebody elsewhere who begins or follows runs on this machine, over ssh.
    #[command(hide = true)]
    Home,
    /// Write `site.toml` for the server in this folder.
    Init,
    /// Write the table of a Docker Compose project into `site.toml`; asks nothing.
    Adopt {
        /// The folder with its Compose file.
        folder: PathBuf,
    },
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
    /// Follow a run that works in the background, and answer its questions: the last one, if none is named.
    Attach {
        /// A run's name, as `runs` lists it, or its last part, or the path of its folder.
        run: Option<String>,
    },
    /// Work on a run in the background; `run --detach` starts this.
    #[command(hide = true)]
    RunHere { folder: PathBuf },
    /// Start that again when it is killed.
    #[command(hide = true)]
    WatchRun {
        folder: PathBuf,
        /// As the main process of this unit.
        #[arg(long)]
        unit: Option<String>,
    },
    /// Run a runbook by the calendar: writes a systemd timer, or a line of the crontab.
    Schedule(schedule::Options),
    /// Run what is due; a timer or a line of a crontab starts this.
    #[command(hide = true)]
    Scheduled {
        /// This process has the environment already.
        #[arg(long)]
        here: bool,
        /// The environment in which it was scheduled.
        file: PathBuf,
        #[arg(last = true)]
        words: Vec<String>,
    },
    /// Show each server: release, health, lock, last run, backups.
    Status {
        /// Print a line for each server that needs attention, and nothing if none does: for the message of the day. Neither
        /// health nor other machines are asked.
        #[arg(long)]
        short: bool,
    },
    /// Print metrics of each server for Prometheus: runs, backups, what is owed.
    Metrics {
        /// Write them to this file at once, for the textfile collector of node_exporter.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// List who hears of runs, as `notify` in `site.toml` says.
    Notify {
        /// Send a test notice to each place, and print what came of it; exit 1 if one did not take it.
        #[arg(long)]
        test: bool,
    },
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
    Test(test::Options),
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
    Repl(repl::Options),
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
        shell: Shell,
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
    /// Dismiss something that is still owed to the server: an abandoned run left it, or a step that would have settled
    /// it was skipped or replaced.
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
    pub age: Option<Age>,
    /// Keep so many of the newest backups, as `restic forget` does; so for all that follow.
    #[arg(long, value_name = "NUMBER")]
    pub last: Option<u64>,
    /// Keep the newest backup of each of so many hours.
    #[arg(long, value_name = "NUMBER")]
    pub hourly: Option<u64>,
    /// Keep the newest backup of each of so many days.
    #[arg(long, value_name = "NUMBER")]
    pub daily: Option<u64>,
    /// Keep the newest backup of each of so many weeks.
    #[arg(long, value_name = "NUMBER")]
    pub weekly: Option<u64>,
    /// Keep the newest backup of each of so many months.
    #[arg(long, value_name = "NUMBER")]
    pub monthly: Option<u64>,
    /// Keep the newest backup of each of so many years.
    #[arg(long, value_name = "NUMBER")]
    pub yearly: Option<u64>,
    /// Keep backups of this time before the newest: `1y5m7d2h`, where `m` is months.
    #[arg(long, value_name = "SPAN")]
    pub within: Option<Span>,
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

/// How questions are answered and failures met, and where the run works.
#[derive(Args, Debug, Clone, Serialize, Deserialize)]
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
    /// What to do with a question or a failure where nobody is there: `wait`, `stop` or `rollback`; `rollback:10m` waits so
    /// long before it [default: `unattended` in `site.toml`, else `wait` if it is begun at a terminal or with `--detach`,
    /// `stop` elsewhere].
    #[arg(long, value_name = "WHAT")]
    pub unattended: Option<Unattended>,
    /// Leave the run to itself as soon as it works; `banister attach` shows it.
    #[arg(long)]
    pub detach: bool,
    /// Work in this process instead of the background: if it is killed, the run stops until it is resumed.
    #[arg(long, env = "BANISTER_FOREGROUND", value_parser = clap::builder::FalseyValueParser::new())]
    pub foreground: bool,
}

impl Answers {
    /// What happens where nobody is, for who works on the run.
    pub fn unattended(&self) -> Unattended {
        self.unattended.unwrap_or_default()
    }

    /// Whether this process works on the run. What is asked for here goes before what the environment says.
    pub fn is_foreground(&self) -> bool {
        self.foreground && !self.detach
    }
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// Begin an update although `window` or `closed` in `site.toml` says that none begins now.
    #[arg(long)]
    pub now: bool,
}

#[derive(Args, Debug)]
pub struct PlanOptions {
    /// The runbook's name.
    pub runbook: String,
    /// Save the plan to this file, for `banister run --plan`.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Args, Debug, Clone, Serialize, Deserialize)]
pub struct ResumeOptions {
    /// A run's name, as `runs` lists it, or its last part, or the path of its folder.
    pub run: Option<String>,
    /// Roll back instead of continuing.
    #[arg(long)]
    pub rollback: bool,
    /// Start again from an earlier step, the last of this name. The changes to repeat are listed first,
    /// and you are asked.
    #[arg(long, value_name = "STEP", conflicts_with = "rollback")]
    pub from: Option<String>,
    /// Use the scripts as they were when the run began.
    #[arg(long)]
    pub original: bool,
    #[command(flatten)]
    pub answers: Answers,
}
