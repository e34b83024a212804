//! The command line.

mod adopt;
mod agent;
mod arguments;
mod asked;
mod attach;
mod background;
mod backup;
mod check;
mod command_line;
mod completions;
mod context;
mod customize;
mod demo;
mod doc;
mod elsewhere;
mod give_way;
mod home;
mod homes;
mod init;
mod list;
mod lock;
mod man;
mod metrics;
mod new_site;
mod notify;
mod outcome;
mod plan;
mod repl;
mod request;
mod resume;
mod run;
mod runner;
mod runs;
mod schedule;
mod scheduled;
mod show;
mod signals;
mod stale;
mod status;
mod test;
mod unfinished;
mod unread;
mod view;
mod window;
mod work;

use crate::failure::{Failure, Kind, Result};
use crate::report::failure::render;
use crate::report::log;
use arguments::{Command, LockCommand};
use context::Context;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program. Everything that a person did wrong ends here with the exit code of its kind.
pub fn main(arguments: &[OsString]) -> ExitCode {
    if let Some(code) = completions::answer(arguments) {
        return whole(code, false);
    }
    let (cli, matches) = match command_line::parse(arguments) {
        Ok(parsed) => parsed,
        Err(failure) => {
            command_line::asks_for_json(arguments).then(|| document(&failure));
            return failed(&failure, false);
        }
    };
    let context = match Context::new(&cli) {
        Ok(context) => context,
        Err(failure) => {
            cli.global.json.then(|| document(&failure));
            return failed(&failure, false);
        }
    };
    let color = context.style.color;
    if let Err(error) = log::begin(cli.global.verbose, color) {
        let failure = Failure::new(Kind::Invalid, format!("{error:#}")).help("set it anew, or unset it");
        cli.global.json.then(|| document(&failure));
        return failed(&failure, color);
    }
    match dispatch(context, &cli.command, &matches) {
        Ok(code) => whole(ExitCode::from(code), color),
        Err(failure) => {
            // What began to speak JSON has said what it had to say; the agent's output is no document.
            let is_silent = cli.global.json && !crate::output::has_said();
            (is_silent && !matches!(cli.command, Command::Agent | Command::Home)).then(|| document(&failure));
            failed(&failure, color)
        }
    }
}

fn dispatch(context: Context, command: &Command, matches: &clap::ArgMatches) -> Result<u8> {
    match command {
        Command::Demo(options) => demo::demo(context, options),
        Command::Agent => agent::agent(&context),
        Command::Home => home::home(context),
        Command::Init => init::init(&context),
        Command::Adopt { folder } => adopt::adopt(&context, folder),
        Command::Customize { name } => customize::customize(&context, name),
        Command::List => list::list(&context),
        Command::Plan(options) => plan::plan(&context, options, matches),
        Command::Run(options) => run::run(&context, options, matches),
        Command::Resume(options) => resume::resume(&context, options),
        Command::Attach { run } => attach::attach(&context, run.as_deref()),
        Command::RunHere { folder } => runner::runner(context, folder),
        Command::WatchRun { folder, unit } => runner::watcher(folder, unit.as_deref()),
        Command::Test(options) => test::test(&context, options),
        Command::Check { paths } => check::check(&context, paths),
        Command::Backup { command } => backup::backup(&context, command),
        Command::Notify { test } => notify::notify(&context, *test),
        Command::Status { short: true } => status::short(&context),
        Command::Status { .. } => status::status(&context),
        Command::Metrics { file } => metrics::metrics(&context, file.as_deref()),
        Command::Schedule(options) => schedule::schedule(&context, options),
        Command::Scheduled { file, words, here: true } => {
            schedule::due::here(file, || scheduled(words), background::has_begun)
        }
        Command::Scheduled { file, words, .. } => Err(schedule::due::begin(file, words)),
        Command::Runs => runs::runs(&context),
        Command::Show { run } => show::show(&context, run.as_deref()),
        Command::Doc { markdown: true, .. } => doc::markdown(&context),
        Command::Doc { words, .. } => doc::doc(&context, words),
        Command::Man => man::man(&context),
        Command::Completions { shell } => completions::completions(&context, *shell),
        Command::Repl(options) => repl::repl(context, options),
        Command::Lock { command: LockCommand::Show } => lock::show(&context),
        Command::Lock { command: LockCommand::End } => lock::end(&context),
        Command::Lock { command: LockCommand::Release { force } } => lock::release(&context, *force),
        Command::Lock { command: LockCommand::Dismiss { name, reason } } => {
            lock::dismiss(&context, name, reason)
        }
    }
}

/// Does in this process what a command line says that nobody looks at.
fn scheduled(words: &[String]) -> Result<u8> {
    let words: Vec<OsString> =
        std::iter::once("banister").chain(words.iter().map(String::as_str)).map(OsString::from).collect();
    let (cli, matches) = command_line::read(&words)?;
    dispatch(Context::new(&cli)?, &cli.command, &matches)
}

/// The exit code, unless a part of what was said is lost: whoever reads the file would take it for all.
fn whole(code: ExitCode, color: bool) -> ExitCode {
    let Some(why) = crate::output::lost() else { return code };
    let failure = Failure::new(Kind::Refused, "standard output can't be written")
        .why(why)
        .help("make room where it goes; what the command did is done nevertheless, see `banister status`");
    let said = failed(&failure, color);
    if code == ExitCode::SUCCESS { said } else { code }
}

/// What went wrong, as the one document of a command with `--json` that has no other.
fn document(failure: &Failure) {
    let document = serde_json::json!({ "failure": failure, "exit_code": failure.kind.exit_code() });
    println!("{}", crate::secret::show_value(document));
}

/// Says what went wrong, and gives the exit code of its kind.
pub fn failed(failure: &Failure, color: bool) -> ExitCode {
    eprint!("{}", render(failure, crate::report::text::Style { color }));
    ExitCode::from(failure.kind.exit_code())
}
