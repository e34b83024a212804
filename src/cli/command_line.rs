//! How a command line is read: for `plan` and `run` the runbook comes first, because its parameters are options of `run`, with the help of its
//! documentation.

use super::arguments::Cli;
use crate::data::Arguments;
use crate::failure::{Failure, Kind, Result};
use crate::script::layers::Layers;
use crate::script::layers::kinds::Kinds;
use crate::script::runbook::Runbook;
use crate::site::{self, Site};
use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgMatches, CommandFactory, FromArgMatches};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

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

/// The same of one that nobody typed just now: what is wrong is a failure of kind [`Kind::Invalid`].
pub fn read(arguments: &[OsString]) -> Result<(Cli, ArgMatches)> {
    let wrong = |error: clap::Error| {
        let text = error.to_string();
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        Failure::new(Kind::Invalid, message)
            .help("schedule it again with `banister schedule RUNBOOK --every WHEN`")
    };
    let matches = command_for(arguments)?.try_get_matches_from(arguments).map_err(wrong)?;
    let cli = Cli::from_arg_matches(&matches).map_err(wrong)?;
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
            let option = Arg::new(format!("parameter-{}", parameter.name))
                .long(parameter.name.replace('_', "-"))
                .help(parameter.usage())
                .help_heading(format!("Parameters of `{}`", runbook.name))
                .value_name("VALUE");
            match parameter.flag {
                true => option.num_args(0..=1).default_missing_value("true").value_parser(["true", "false"]),
                // An empty one would be a hole in a command.
                false => option.value_parser(NonEmptyStringValueParser::new()),
            }
        });
        let options: Vec<Arg> = options.collect();
        command = command.mut_subcommand(subcommand, |run| run.args(options).about(about));
    }
    Ok(command)
}

/// The runbook that `plan` or `run` is about, found before the line is parsed. Anything wrong with the line is left to the
/// parser; anything wrong with the runbook is told here.
fn named_runbook(arguments: &[OsString]) -> Result<Option<(&'static str, Runbook)>> {
    // Parsing takes a third of the time of `list`, and most lines are about none.
    if !arguments.iter().any(|argument| argument == "plan" || argument == "run") {
        return Ok(None);
    }
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
    let servers = site.iter().flat_map(|site| site.servers.values());
    let kinds = Kinds::of(servers.filter(|own| server.as_ref().is_none_or(|name| *name == own.name)));
    let layers = Layers::of_site(site.as_ref().map(Site::folder), kinds);
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
