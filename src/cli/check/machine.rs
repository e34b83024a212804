//! What `site.toml` says of a server on this machine and is not so: what an update would only find on its way. Nothing is
//! run for it.

use super::at_line;
use super::doubt::Doubt;
use super::programs;
use super::sources;
use super::targets::targets;
use crate::kind::OwnKey;
use crate::machine::health::Check;
use crate::machine::raw_database;
use crate::script::check::{Finding, Severity};
use crate::site::{KEYS, Maintenance, Server, Site};
use std::path::Path;
use std::time::{Duration, Instant};

/// All of it for a server, each with its line. `own` are the functions of its kind that are the site's, as
/// [`Layers::own_functions`] says it.
///
/// [`Layers::own_functions`]: crate::script::layers::Layers::own_functions
pub fn doubts(site: &Site, server: &Server, own: &[String]) -> Vec<Finding> {
    let text = std::fs::read_to_string(&site.file).unwrap_or_default();
    let mut doubts = urls(server);
    doubts.extend(nothing_saved(server, own));
    doubts.extend(needed(server));
    if server.longest_maintenance.is_some() && server.maintenance.is_none() {
        let message = "`longest_maintenance` has no effect: nothing says how users are blocked".to_owned();
        doubts.push(Doubt::new("longest_maintenance", "", message, "write `maintenance` as well"));
    }
    if server.ssh.is_none() {
        doubts.extend(places(server, &text));
        doubts.extend(programs::of_server(server));
        doubts.extend(repository(server));
        doubts.extend(running_databases(server));
        doubts.extend(targets(server, own));
        doubts.extend(sources::shared_version(site, server));
    }
    doubts.extend(twice_believed(server));
    let finding = |doubt: Doubt| {
        let line = line(&text, &server.name, &doubt.key, &doubt.value);
        let finding = at_line(&site.file, line, 0, doubt.message, doubt.help);
        Finding { severity: doubt.severity, ..finding }
    };
    doubts.into_iter().map(finding).collect()
}

/// The lines of the server's tables, with their numbers from 1.
fn table<'a>(text: &'a str, name: &str) -> Vec<(usize, &'a str)> {
    let own = [format!("servers.{name}"), format!("servers.\"{name}\"")];
    let mut inside = false;
    let mut lines = Vec::new();
    for (n, line) in text.lines().enumerate() {
        if let Some(head) = line.trim_start().strip_prefix('[') {
            let head = head.trim_start_matches('[');
            let rest = own.iter().find_map(|own| head.strip_prefix(own.as_str()));
            inside = rest.is_some_and(|rest| rest.starts_with([']', '.']));
        }
        if inside {
            lines.push((n + 1, line));
        }
    }
    lines
}

/// The line of the key of a server that a message names.
pub fn line_of(file: &Path, server: &str, message: &str) -> usize {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut named = message.split('`').skip(1).step_by(2);
    let key = named.find(|word| KEYS.iter().any(|key| key == word)).unwrap_or_default();
    line(&text, server, key, "")
}

/// The line of a value, else of its key, else of the server's table.
fn line(text: &str, name: &str, key: &str, value: &str) -> usize {
    let lines = table(text, name);
    let names = |line: &str| {
        let line = line.trim_start().trim_start_matches('[');
        let line = line.strip_prefix(&format!("servers.{name}.")).unwrap_or(line);
        line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(['=', ']', '.']))
    };
    let at = lines.iter().position(|(_, line)| names(line));
    let holds = |line: &str| {
        !value.is_empty() && (line.contains(&format!("\"{value}\"")) || line.contains(&format!("'{value}'")))
    };
    let found = lines.iter().skip(at.unwrap_or(0)).find(|(_, line)| holds(line));
    let found = found.or_else(|| at.and_then(|at| lines.get(at))).or(lines.first());
    found.map_or(0, |(n, _)| *n)
}

/// The checkout, what a backup saves, and files.
fn places(server: &Server, text: &str) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    if !server.checkout.is_dir() {
        let message = format!("there is no checkout `{}`", server.checkout.display());
        let written = server.checkout.file_name().unwrap_or_default().to_string_lossy().into_owned();
        doubts.push(Doubt::new(
            "checkout",
            &written,
            message,
            "clone the project there, or correct the path",
        ));
        return doubts;
    }
    doubts.extend(sources::unreadable(server));
    doubts.extend(sources::unmatched_edits(server));
    // What a kind has for itself is not written here.
    let is_written = |key: &str| {
        table(text, &server.name).iter().any(|(_, line)| {
            line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
        })
    };
    if is_written("folder") && !server.make_folder().is_dir() {
        let message = format!("there is no folder `{}` in the checkout", server.folder.display());
        doubts.push(Doubt::new("folder", "", message, "correct the path: it is the folder of the Makefile"));
    }
    for written in server.backup.iter().filter(|written| server.path(written).symlink_metadata().is_err()) {
        let message = format!("there is nothing at `{written}`, which a backup would save");
        let help = format!("correct the path: it means `{}`", server.path(written).display());
        doubts.push(Doubt::new("backup", written, message, help));
    }
    for (written, pattern) in server.excluded_paths() {
        let message =
            format!("`{written}` is to be backed up, and `{pattern}` in `exclude` excludes all of it");
        let help = format!("remove one of the two, or write `{pattern}/*` with `!` patterns after it");
        doubts.push(Doubt::new("exclude", &pattern, message, help));
    }
    for (written, why) in server.unfit_for_backup() {
        let message = format!("`{written}` can't be backed up: {why}, and a restore would replace it");
        let help = "name the folders in it that hold data instead".to_owned();
        doubts.push(Doubt::new("backup", &written, message, help));
    }
    for (written, own) in server.own_in_backup() {
        let own: Vec<String> =
            own.iter().map(|(path, why)| format!("`{}` ({why})", path.display())).collect();
        let message = format!("a backup of `{written}` leaves out what is in it: {}", own.join(", "));
        let help = "name the folders in it that hold data instead, or write what is left out into `exclude`";
        doubts.push(Doubt::new("backup", &written, message, help));
    }
    if server.dialect.is_some() && server.env_file.is_none() {
        let message = "`dialect` has no effect: nothing says which file has the settings".to_owned();
        doubts.push(Doubt::new("dialect", "", message, "name it: `env_file = \".env\"`"));
    }
    for (key, file) in [("env_file", &server.env_file), ("identity", &server.identity)] {
        let Some(file) = file.as_ref().map(|file| file.to_string_lossy().into_owned()) else { continue };
        if !server.path(&file).exists() {
            let message = format!("there is no file `{file}`");
            let help = format!("correct the path: it means `{}`", server.path(&file).display());
            // The settings file of a kind is not written here.
            if text.contains(&file) {
                doubts.push(Doubt::new(key, &file, message, help));
            }
        }
    }
    doubts
}

/// The keys that its kind can't update it without. A kind that is the site's may have functions that can.
fn needed(server: &Server) -> Vec<Doubt> {
    let is_there = |key: &str| {
        let empty = |value: &serde_json::Value| {
            value.is_null()
                || value.as_array().is_some_and(Vec::is_empty)
                || value.as_object().is_some_and(|it| it.is_empty())
        };
        server.own.get(key).is_some_and(|value| !empty(value))
    };
    let keys =
        server.facts.keys.iter().filter(|(name, key)| {
            key.needed && !is_there(name) && !key.instead.as_deref().is_some_and(is_there)
        });
    let doubt = |(name, key): (&String, &OwnKey)| {
        let message = format!("an update of `{}` needs `{name}`", server.name);
        let instead = key.instead.as_ref().map(|other| format!(", or `{other}`")).unwrap_or_default();
        Doubt::new("", "", message, format!("write it into its table{instead}: `banister doc {name}`"))
    };
    keys.map(doubt).collect()
}

/// How long folders are looked through for files of database servers.
const LOOKING: Duration = Duration::from_secs(3);

/// What a backup would refuse: folders of database servers that run.
fn running_databases(server: &Server) -> Vec<Doubt> {
    let (own, until) = (server.own_folders(None), Instant::now() + LOOKING);
    let found = server.backup.iter().filter_map(|written| {
        // What can't be looked through is told elsewhere.
        let raw = raw_database::find(written, &server.path(written), &own, Some(until)).ok()??;
        let doubt = Doubt::new("backup", written, raw.message(), raw.help());
        Some(Doubt { severity: Severity::Error, ..doubt })
    });
    found.collect()
}

/// The repository of backups. Whether it is there is not looked at: it may be far away.
fn repository(server: &Server) -> Option<Doubt> {
    if let Some(file) = server.repository_password_file.as_ref().map(|file| file.to_string_lossy())
        && !server.path(&file).exists()
    {
        let message = format!("there is no file `{file}`");
        let help = format!("correct the path: it means `{}`", server.path(&file).display());
        return Some(Doubt::new("repository_password_file", &file, message, help));
    }
    let repository = server.access().ok()?.repository?;
    let failure = repository.location.check_owner().err()?;
    Some(Doubt::new("repository", "", failure.message, failure.help.unwrap_or_default()))
}

/// A server whose backups would be empty: of the kind `plain` nothing is known but what is written. A function of the
/// site's own may save something else.
fn nothing_saved(server: &Server, own: &[String]) -> Option<Doubt> {
    let is_own = own.iter().any(|own| ["back_up", "parts"].contains(&own.as_str()));
    let saves_more = !server.restores_what_the_site_names();
    let names_files = !server.backup.is_empty() || !server.dumps.is_empty();
    let names_stores = !server.databases.is_empty() || !server.volumes.is_empty() || !server.redis.is_empty();
    if saves_more || is_own || names_files || names_stores {
        return None;
    }
    let help = "name what an update could damage, in `backup`, `databases`, `volumes`, `redis` or `dumps`";
    Some(Doubt::new("backup", "", "a backup of this server would save nothing".into(), help))
}

/// Addresses that no request can be sent to.
fn urls(server: &Server) -> Vec<Doubt> {
    let mut named: Vec<(&'static str, &str)> = Vec::new();
    named.extend(server.endpoint.as_deref().map(|url| ("endpoint", url)));
    if let Some(Maintenance::Commands(commands)) = &server.maintenance {
        named.extend(commands.endpoint.as_deref().map(|url| ("maintenance", url)));
    }
    for (key, checks) in [("health", &server.health), ("idle", &server.idle)] {
        named.extend(checks.iter().filter_map(|check| match check {
            Check::Http(http) => Some((key, http.http.as_str())),
            _ => None,
        }));
    }
    let wrong = named.into_iter().filter(|(_, url)| !is_url(url));
    let doubt = |(key, url): (&'static str, &str)| {
        let message = format!("`{url}` is not a valid URL");
        let help = "write it as `https://example.org/path`, with `http://` or `https://` and a host";
        Doubt { severity: Severity::Error, ..Doubt::new(key, url, message, help) }
    };
    wrong.map(doubt).collect()
}

/// Checks that name both an authority and a certificate, of which only one can count.
fn twice_believed(server: &Server) -> Vec<Doubt> {
    let all = [("health", &server.health), ("idle", &server.idle)];
    let checks = all.into_iter().flat_map(|(key, checks)| checks.iter().map(move |check| (key, check)));
    let both = checks.filter_map(|(key, check)| match check {
        Check::Http(http) if http.ca.is_some() && http.fingerprint.is_some() => {
            let message = format!("the check of `{}` has `ca` and `fingerprint`", http.http);
            let help = "keep `ca` for an authority's certificate, or `fingerprint` for the server's own";
            Some(Doubt { severity: Severity::Error, ..Doubt::new(key, &http.http, message, help) })
        }
        _ => None,
    });
    both.collect()
}

fn is_url(url: &str) -> bool {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let is_host = |host: &str| {
        let name = host.rsplit('@').next().unwrap_or_default();
        let (name, port) =
            match name.rsplit_once(':').filter(|(name, _)| !name.starts_with('[') || name.ends_with(']')) {
                Some((name, port)) => (name, port.parse::<u16>().is_ok()),
                None => (name, true),
            };
        port && !name.is_empty() && !url.contains(char::is_whitespace)
    };
    host.is_some_and(is_host)
}
