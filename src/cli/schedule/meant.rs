//! What a command line of `schedule` means: what runs, and what is fetched before it.

use super::{calendar, fit, timer};
use crate::cli::arguments::schedule::Options;
use crate::cli::command_line::command_for;
use crate::cli::context::Context;
use crate::cli::scheduled::PREFETCH;
use crate::cli::scheduled::kept::{By, Schedule};
use crate::cli::window;
use crate::failure::{Context as _, Failure, Kind, Result};
use crate::output::word;
use crate::site::Site;
use jiff::ZonedDateTime as Zoned;
use sha2::{Digest, Sha256};
use std::ffi::OsString;

/// What is asked for, and then what is to be fetched before it, if anything. The runbooks must be there, and without mistakes,
/// and `banister run` must understand the options. Also gives whether it installs a release.
pub fn all(
    context: &Context,
    site: &Site,
    runbook: &str,
    every: &str,
    options: &Options,
) -> Result<(Vec<Schedule>, bool)> {
    timer::check(every)?;
    let (_, names, script) = context.prepare(runbook)?;
    script.require_servers(&names)?;
    let server = context.given_server.clone();
    let of = format!("{}\0{}", site.file.display(), server.as_deref().unwrap_or_default());
    let program = std::env::current_exe().or_fail(Kind::Bug, || "the program does not find itself".into())?;
    let schedule = Schedule {
        name: name(runbook, &of),
        runbook: runbook.to_owned(),
        site: site.file.clone(),
        server,
        state: context.state.clone(),
        every: every.trim().to_owned(),
        unattended: options.unattended.clone().unwrap_or_else(|| of_site(site)),
        options: options.options.clone(),
        program,
        // Who it is is found when all else is known to be right.
        by: By::Crontab,
        before: None,
    };
    let mut all = vec![schedule];
    if let Some(when) = &options.prefetch {
        if !window::is_update(&script) {
            return Err(Failure::new(
                Kind::Invalid,
                format!("`{runbook}` installs no release that could be fetched"),
            )
            .help("leave `--prefetch` out; it is for runbooks whose `main` has a parameter `to`"));
        }
        all.push(before(context, &all[0], when)?);
    }
    all.iter().try_for_each(check_run)?;
    Ok((all, window::is_update(&script)))
}

/// What fetches at another time for the runs of a schedule.
fn before(context: &Context, schedule: &Schedule, when: &str) -> Result<Schedule> {
    timer::check(when)?;
    context.prepare(PREFETCH)?;
    if when.trim() == schedule.every {
        return Err(Failure::new(Kind::Invalid, "`--prefetch` and `--every` are the same time")
            .why("only one run at a time works on a server")
            .help("let it fetch earlier: `--every \"Sat 02:00\" --prefetch \"Fri 20:00\"`"));
    }
    Ok(Schedule {
        name: name(PREFETCH, &schedule.name),
        runbook: PREFETCH.to_owned(),
        every: when.trim().to_owned(),
        // It asks nothing, and there is nothing to roll back.
        unattended: "stop".to_owned(),
        options: fetched(&schedule.options),
        before: Some(schedule.name.clone()),
        ..schedule.clone()
    })
}

/// What `prefetch` must know of the options of the update: which release, of which servers.
fn fetched(options: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    let mut options = options.iter().peekable();
    while let Some(option) = options.next() {
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (option.as_str(), options.next_if(|next| !next.starts_with("--")).cloned()),
        };
        let known = match name {
            "--to" => "--release",
            "--only" | "--through" => name,
            _ => continue,
        };
        all.push(value.map_or_else(|| known.to_owned(), |value| format!("{known}={value}")));
    }
    all
}

fn name(runbook: &str, of: &str) -> String {
    let digest = Sha256::digest(of.as_bytes());
    let letter = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let runbook: String = runbook.chars().map(letter).collect();
    format!("banister-{runbook}-{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2])
}

/// What a person must know of when they run. What never does, or an update that never is in a window, is refused.
pub fn warnings(site: &Site, schedules: &[Schedule], is_update: bool) -> Result<Vec<String>> {
    // What only fetches begins at any time.
    let warning = |schedule: &Schedule| fits(site, schedule, is_update && schedule.before.is_none());
    let all = schedules.iter().map(warning).collect::<Result<Vec<_>>>()?;
    Ok(all.into_iter().flatten().collect())
}

/// What a person must know of when it runs. One that never does, or never in a window, is refused.
fn fits(site: &Site, schedule: &Schedule, is_update: bool) -> Result<Option<String>> {
    let now = Zoned::now();
    if calendar::upcoming(&schedule.every, &now, 1).is_some_and(|times| times.is_empty()) {
        return Err(Failure::new(Kind::Invalid, format!("`{}` never comes", schedule.every))
            .help("give `--every` another time, as `*-*-01 04:00`"));
    }
    match is_update && !schedule.options.iter().any(|option| option == "--now") {
        true => fit::check(&site.windows, &schedule.every, &now),
        false => Ok(None),
    }
}

/// What its runs do where nobody is there, if no option says it.
fn of_site(site: &Site) -> String {
    site.unattended.map_or_else(|| "rollback".to_owned(), |unattended| unattended.to_string())
}

/// The run must be one that `banister run` understands: when it is due nobody is there.
fn check_run(schedule: &Schedule) -> Result<()> {
    let words = ["banister".to_owned()].into_iter().chain(schedule.run());
    let words: Vec<OsString> = words.map(OsString::from).collect();
    match command_for(&words)?.try_get_matches_from(&words) {
        Ok(_) => Ok(()),
        Err(error) => {
            let said = error.to_string();
            let said = said.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Err(Failure::new(Kind::Invalid, said)
                .help(format!("see its options with `banister run {} --help`", word(&schedule.runbook))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fetched;

    #[test]
    fn what_is_to_be_fetched_is_what_is_to_be_installed() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let options = words("--to 0.3.0 --bad --now --only=a,b --through --unhealthy x");
        assert_eq!(fetched(&options), words("--release=0.3.0 --only=a,b --through"));
    }
}
