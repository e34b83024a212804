//! Programs that `site.toml` names and that are not on this machine.

use super::at_line;
use super::doubt::Doubt;
use crate::kind::Form;
use crate::machine::health::Check;
use crate::machine::notify;
use crate::script::check::{Finding, Severity};
use crate::site::{Home, Maintenance, Server, Site};
use rustix::fs::{Access, access};
use std::path::Path;

/// Programs of a server on this machine: of dumps, of checks, of hooks, of the repository, and of maintenance mode.
pub fn of_server(server: &Server) -> Vec<Doubt> {
    let path = server.environment.get("PATH").cloned().or_else(|| std::env::var("PATH").ok());
    let mut named: Vec<(&str, String)> = Vec::new();
    for dump in server.dumps.values() {
        let commands = [Some(&dump.dump), dump.load.as_ref(), dump.drill.as_ref()];
        let programs = commands.into_iter().flatten().filter_map(|command| command.first());
        named.extend(programs.map(|program| ("dumps", program.clone())));
    }
    for (key, checks) in [("health", &server.health), ("idle", &server.idle)] {
        named.extend(checks.iter().filter_map(|check| match check {
            Check::Command(command) => Some((key, command.command.first()?.clone())),
            _ => None,
        }));
    }
    let hooks = server.hooks.all().flat_map(|(_, _, commands)| &commands.0);
    named.extend(hooks.filter_map(|command| Some(("hooks", command.first()?.clone()))));
    let password = server.repository_password_command.iter().filter_map(|command| command.first());
    named.extend(password.map(|program| ("repository_password_command", program.clone())));
    if server.repository.is_some() {
        named.push(("repository", "restic".into()));
    }
    if let Some(Maintenance::Commands(commands)) = &server.maintenance {
        let both = [&commands.begin, &commands.end];
        named.extend(both.into_iter().filter_map(|command| Some(("maintenance", command.first()?.clone()))));
    }
    named.dedup();
    named.extend(own_commands(server));
    let is_there = |program: &str| match program.contains('/') {
        // Some run in the folder of the Makefile.
        true => runs(&server.path(program)) || runs(&server.make_folder().join(program)),
        false => is_in(path.as_deref().unwrap_or_default(), program),
    };
    let missing = named.into_iter().filter(|(_, program)| !is_there(program));
    missing.map(|(key, program)| Doubt::new(key, &program, message(&program), HELP)).collect()
}

/// Programs of the commands in keys that only its kind has, as far as the site's file says them.
fn own_commands(server: &Server) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    for (name, key) in &server.facts.keys {
        let is_of_commands = matches!(key.form, Form::Commands | Form::TextsAndCommands);
        let default = key.default.as_ref().and_then(|default| serde_json::to_value(default).ok());
        let Some(said) =
            server.own.get(name).filter(|said| is_of_commands && Some(*said) != default.as_ref())
        else {
            continue;
        };
        let commands = said.as_object().into_iter().flat_map(|commands| commands.values());
        let programs = commands.filter_map(|command| command.as_array()?.first()?.as_str());
        found.extend(programs.map(|program| (name.as_str(), program.to_owned())));
    }
    found
}

/// The servers at which runs work and send their notices: whether programs of those are there is not asked.
pub fn unasked(site: &Site) -> Vec<&str> {
    if site.home != Home::Server || !site.notify.iter().any(|place| !place.programs().is_empty()) {
        return Vec::new();
    }
    let elsewhere = site.servers.values().filter(|server| server.ssh.is_some());
    elsewhere.map(|server| server.name.as_str()).collect()
}

/// Programs of notices, as far as this machine sends them.
pub fn of_notices(site: &Site) -> Vec<Finding> {
    // Runs on several servers work here, whatever their homes are.
    if site.servers.len() == 1 && !unasked(site).is_empty() {
        return Vec::new();
    }
    let text = std::fs::read_to_string(&site.file).unwrap_or_default();
    let path = notify::path();
    let mut found = Vec::new();
    for (number, place) in site.notify.iter().enumerate() {
        for program in place.programs() {
            let is_there = match program.contains('/') {
                true => runs(&Path::new("/").join(program)),
                false => is_in(&path, program),
            };
            if !is_there {
                let line = line(&text, number, program);
                let finding = at_line(&site.file, line, 0, message(program), HELP.into());
                found.push(Finding { severity: Severity::Warning, ..finding });
            }
        }
    }
    found
}

const HELP: &str = "install it, or correct its name or its path";

fn message(program: &str) -> String {
    format!("there is no program `{program}`")
}

fn runs(file: &Path) -> bool {
    file.is_file() && access(file, Access::EXEC_OK).is_ok()
}

fn is_in(path: &str, program: &str) -> bool {
    std::env::split_paths(path).any(|folder| runs(&folder.join(program)))
}

/// The line that names a program in a table of `notify`, of which this is the number, else the line of the table; from 1, or 0
/// where the tables are written in another way.
fn line(text: &str, number: usize, program: &str) -> usize {
    let is_head = |line: &str| line.trim_start().starts_with("[[notify]]");
    let heads = text.lines().enumerate().filter(|(_, line)| is_head(line));
    let Some((head, _)) = heads.clone().nth(number) else { return 0 };
    let inside =
        text.lines().enumerate().skip(head + 1).take_while(|(_, line)| !line.trim_start().starts_with('['));
    let key = |line: &str| match program {
        "sendmail" => line.trim_start().starts_with("mail"),
        "apprise" => line.trim_start().starts_with("apprise"),
        _ => line.contains(&format!("\"{program}\"")) || line.contains(&format!("'{program}'")),
    };
    let mut named = inside.filter(|(_, line)| key(line));
    named.next().map_or(head, |(line, _)| line) + 1
}
