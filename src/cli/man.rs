//! `banister man`: the whole program as one manual page, from the same text as `--help`.

use super::arguments::Cli;
use super::context::Context;
use crate::failure::{EXIT_CODES, Result};
use crate::script::layers::{Folder, Layers};
use crate::script::runbook::Runbook;
use clap::{Arg, Command, CommandFactory};
use roff::{Inline, Roff, bold, italic, roman};
use std::sync::Arc;

const DESCRIPTION: &str = "banister updates self-hosted servers with runbooks: short scripts that an administrator can \
    read and edit. It can be killed at any moment and continues where it stopped, it never runs a command twice, and it \
    always reports the state of the server and the next command to type.";

const FILES: [(&str, &str); 6] = [
    ("site.toml", "Names the servers. Looked for here, above, and in ~/.config/banister."),
    (
        "runbooks/*.rhai, stdlib/*.rhai",
        "Beside site.toml: the site's own runbooks and modules, and what it changes in bundled ones.",
    ),
    ("runbooks/.base, stdlib/.base", "The bundled text that the site's files were written against."),
    ("~/.local/state/banister/runs", "What each run did, and the output of its commands."),
    ("~/.local/state/banister/agent", "On another machine: the program that banister put there to serve it."),
    ("~/backups/SERVER", "Backups, unless the site or the kind of the server says otherwise."),
];

const ENVIRONMENT: [(&str, &str); 7] = [
    ("BANISTER_SITE", "The folder with site.toml, as --site names it."),
    (
        "BANISTER_STATE",
        "Where runs are kept. Otherwise $XDG_STATE_HOME/banister, or ~/.local/state/banister.",
    ),
    (
        "BANISTER_SYSTEMD",
        "If it is `no`, runs are no units of systemd, and schedules are lines of the crontab.",
    ),
    ("BANISTER_SECRET_NAME", "The secret NAME, for scripts; it is hidden in all that is shown or recorded."),
    ("XDG_CONFIG_HOME", "Where the folder banister with site.toml is, if not in ~/.config."),
    ("NO_COLOR", "If it is set and not empty, no colours are used."),
    ("HOME", "What ~ means in paths."),
];

/// Prints it.
pub fn man(context: &Context) -> Result<u8> {
    let mut command = Cli::command();
    command.build();
    let mut page = Roff::new();
    let version = format!("banister {}", command.get_version().unwrap_or_default());
    page.control("TH", ["BANISTER", "1", "\\&", &version, "User Commands"]);
    page.control("SH", ["NAME"]);
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    page.text([roman(format!("banister - {}", about.trim_end_matches('.')))]);
    page.control("SH", ["SYNOPSIS"]);
    usage(&mut page, &command);
    page.control("SH", ["DESCRIPTION"]);
    page.text([roman(DESCRIPTION)]);
    page.control("SH", ["OPTIONS"]);
    page.text([roman("Every command has these:")]);
    arguments(&mut page, command.get_arguments().filter(|argument| !argument.is_hide_set()));
    page.control("SH", ["COMMANDS"]);
    commands(&mut page, &command);
    runbooks(&mut page)?;
    page.control("SH", ["EXIT STATUS"]);
    EXIT_CODES.iter().for_each(|(code, said)| item(&mut page, vec![bold(code.to_string())], said));
    page.control("SH", ["FILES"]);
    FILES.iter().for_each(|(file, said)| item(&mut page, vec![italic(*file)], said));
    page.control("SH", ["ENVIRONMENT"]);
    ENVIRONMENT.iter().for_each(|(name, said)| item(&mut page, vec![bold(*name)], said));
    page.control("SH", ["SEE ALSO"]);
    page.text([bold("banister doc"), roman(" lists what a script can call. ")]);
    page.text([bold("age"), roman("(1), "), bold("git"), roman("(1), "), bold("ssh"), roman("(1)")]);
    match context.json {
        true => println!("{}", serde_json::json!({ "man": page.render() })),
        false => print!("{}", page.render()),
    }
    Ok(0)
}

/// A line with its explanation below.
fn item(page: &mut Roff, line: Vec<Inline>, said: &str) {
    page.control("TP", []).text(line);
    page.text([roman(said)]);
}

fn usage(page: &mut Roff, command: &Command) {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim();
    let name = command.get_bin_name().unwrap_or("banister");
    page.text([bold(name), roman(usage.strip_prefix(name).unwrap_or(usage))]);
}

/// Every command with what it has besides the options of all; one that has commands, as each of them.
fn commands(page: &mut Roff, command: &Command) {
    let shown = |inner: &&Command| !inner.is_hide_set() && inner.get_name() != "help";
    for inner in command.get_subcommands().filter(shown) {
        if inner.has_subcommands() {
            commands(page, inner);
            continue;
        }
        page.control("SS", [inner.get_bin_name().unwrap_or(inner.get_name())]);
        usage(page, inner);
        let about = inner.get_long_about().or(inner.get_about()).map(ToString::to_string).unwrap_or_default();
        for paragraph in about.split("\n\n") {
            page.control("PP", []).text([roman(paragraph.replace('\n', " "))]);
        }
        let own = |argument: &&Arg| {
            let of_all = argument.is_global_set() || argument.get_id() == "help";
            !argument.is_hide_set() && !of_all
        };
        arguments(page, inner.get_arguments().filter(own));
    }
}

fn arguments<'a>(page: &mut Roff, arguments: impl Iterator<Item = &'a Arg>) {
    for argument in arguments {
        let names: Vec<&str> =
            argument.get_value_names().unwrap_or_default().iter().map(|name| name.as_str()).collect();
        let takes = argument.get_num_args().is_some_and(|count| count.takes_values());
        let mut line = Vec::new();
        if let Some(short) = argument.get_short() {
            line.extend([bold(format!("-{short}")), roman(", ")]);
        }
        if let Some(long) = argument.get_long() {
            line.push(bold(format!("--{long}")));
            line.extend(takes.then(|| roman(" ")));
        }
        if takes || argument.is_positional() {
            line.push(italic(names.join(" ")));
        }
        let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string);
        let mut said = help.unwrap_or_default().replace('\n', " ");
        let defaults = argument.get_default_values().iter().map(|value| value.to_string_lossy());
        let defaults: Vec<_> = defaults.collect();
        let mut say = |more: String| {
            let end = if said.is_empty() || said.ends_with('.') { "" } else { "." };
            said += &format!("{end} {more}.");
        };
        if takes && !defaults.is_empty() {
            say(format!("Default: {}", defaults.join(", ")));
        }
        let values = argument.get_possible_values();
        let values = values.iter().filter(|value| takes && !value.is_hide_set());
        let values: Vec<&str> = values.map(|value| value.get_name()).collect();
        if !values.is_empty() {
            say(format!("One of: {}", values.join(", ")));
        }
        item(page, line, said.trim());
    }
}

/// The runbooks that the program brings, with their parameters.
fn runbooks(page: &mut Roff) -> Result<()> {
    page.control("SH", ["RUNBOOKS"]);
    page.text([
        roman("For "),
        bold("banister run"),
        roman(" and "),
        bold("banister plan"),
        roman(". Parameters are options: "),
        bold("--to"),
        roman(" VALUE."),
    ]);
    let layers = Arc::new(Layers::of_site(None, ""));
    for (name, _) in layers.list(Folder::Runbooks) {
        let runbook = Runbook::load(layers.clone(), &name)?;
        page.control("SS", [name.as_str()]);
        for paragraph in runbook.documentation.split("\n\n") {
            page.control("PP", []).text([roman(paragraph.replace('\n', " "))]);
        }
        for parameter in &runbook.parameters {
            let option = format!("--{}", parameter.name.replace('_', "-"));
            let value = if parameter.flag { vec![] } else { vec![roman(" "), italic("VALUE")] };
            item(page, [vec![bold(option)], value].concat(), &parameter.help);
        }
    }
    Ok(())
}
