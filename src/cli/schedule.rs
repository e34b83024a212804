//! `banister schedule`: runs by the calendar, as timers of systemd, or lines of a crontab.

mod calendar;
mod crontab;
pub mod due;
mod fit;
mod kept;
pub mod refusal;
mod timer;

use super::arguments::schedule::Options;
use super::command_line::command_for;
use super::context::Context;
use super::window;
use crate::failure::{Context as _, Failure, Kind, Result};
use crate::output::word;
use crate::person::{Form, Nobody, Person, Question};
use crate::report::prompt::Terminal;
use crate::report::text::table;
use crate::runner::manager::{self, Unfit};
use crate::secret;
use crate::site::Site;
use crontab::Crontab;
use jiff::ZonedDateTime as Zoned;
use kept::{By, Schedule, all, environment, keep};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use timer::Timer;

/// `banister schedule`.
pub fn schedule(context: &Context, options: &Options) -> Result<u8> {
    match (&options.runbook, &options.every) {
        _ if options.list => list(context),
        (Some(name), _) if options.remove => remove(context, name, options),
        (Some(runbook), Some(every)) => add(context, runbook, every, options),
        _ => Err(Failure::new(Kind::Invalid, "it is not said what is to run, and when").help(
            "schedule it with `banister schedule update --every \"Sat 02:00\"`; list what there is with `banister schedule --list`",
        )),
    }
}

fn add(context: &Context, runbook: &str, every: &str, options: &Options) -> Result<u8> {
    let site = context.site()?;
    let next = timer::check(every)?;
    let (schedule, is_update) = meant(context, &site, runbook, every, options)?;
    let (by, unfit) = who()?;
    let schedule = Schedule { by, ..schedule };
    check_run(&schedule)?;
    let warning = fits(&site, &schedule, is_update)?;
    let known = all(&context.state).into_iter().find(|known| known.name == schedule.name);
    let crontab = if by == By::Crontab { Some((Crontab::read()?, line(&schedule)?)) } else { None };
    let timer = by.manager().map(|manager| Timer::of(&schedule, manager)).transpose()?;
    let is_there = match (&timer, &crontab) {
        (Some(timer), _) => timer.is_there(),
        (_, Some((crontab, line))) => crontab.line(&schedule.name) == Some(line),
        _ => false,
    };
    if is_there && known.as_ref() == Some(&schedule) && environment(&context.state, &schedule.name).exists() {
        said(context, &schedule, "is scheduled so already");
        return Ok(0);
    }
    if let Some(warning) = warning {
        eprintln!("warning: {warning}");
    }
    if !context.json {
        if let Some(unfit) = unfit {
            eprintln!(
                "warning: a line of the crontab is written, and no timer: {}\nhelp: {}",
                unfit.why, unfit.help
            );
        }
        for (path, text) in timer.iter().flat_map(|timer| &timer.files) {
            println!("{}\n{}", context.style.bold(&path.display().to_string()), indented(text));
        }
        if let Some((_, line)) = &crontab {
            println!("{}\n{}", context.style.bold("crontab"), indented(line));
        }
        if let Some(next) = next {
            println!("next: {next}");
        }
    }
    let text = format!("Write this, so that `{runbook}` runs {every}?");
    agree(context, options.yes, text)?;
    // Moved from one to the other, it must not run twice.
    if let Some(known) = known.filter(|known| known.by != by) {
        unwrite(&known)?;
    }
    keep(&schedule)?;
    match (&timer, &crontab) {
        (Some(timer), _) => timer.write()?,
        (_, Some((_, line))) => crontab::change(&context.state, &schedule.name, Some(line))?,
        _ => {}
    }
    said(context, &schedule, "is scheduled");
    Ok(0)
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

/// The line of the crontab.
fn line(schedule: &Schedule) -> Result<String> {
    let words = schedule.command()?;
    if let Some(word) = words.iter().find(|word| word.contains(char::is_control)) {
        let message = format!("a crontab has one line for each command, and {word:?} has several");
        return Err(Failure::new(Kind::Invalid, message).help("give the option without line breaks"));
    }
    Ok(crontab::line(&calendar::cron(&schedule.every)?, &words, &schedule.name))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

fn said(context: &Context, schedule: &Schedule, what: &str) {
    match context.json {
        true => println!("{}", json!(schedule)),
        false => {
            println!("{} `{}` {what}: {}", context.style.bold("state:"), schedule.runbook, schedule.every);
            println!("{}  {}", context.style.bold("next:"), context.command("schedule --list"));
        }
    }
}

/// What its runs do where nobody is there, if no option says it.
fn of_site(site: &Site) -> String {
    site.unattended.map_or_else(|| "rollback".to_owned(), |unattended| unattended.to_string())
}

/// What is asked for, and whether it is an update. The runbook must be there, and without mistakes.
fn meant(
    context: &Context,
    site: &Site,
    runbook: &str,
    every: &str,
    options: &Options,
) -> Result<(Schedule, bool)> {
    let (_, names, script) = context.prepare(runbook)?;
    script.require_servers(&names)?;
    let server = context.given_server.clone();
    let of = format!("{}\0{}", site.file.display(), server.as_deref().unwrap_or_default());
    let digest = Sha256::digest(of.as_bytes());
    let letter = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let runbook_name: String = runbook.chars().map(letter).collect();
    let program = std::env::current_exe().or_fail(Kind::Bug, || "the program does not find itself".into())?;
    let schedule = Schedule {
        name: format!("banister-{runbook_name}-{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2]),
        runbook: runbook.to_owned(),
        site: site.file.clone(),
        server,
        state: context.state.clone(),
        every: every.trim().to_owned(),
        unattended: options.unattended.clone().unwrap_or_else(|| of_site(site)),
        options: options.options.clone(),
        program,
        by: By::Crontab,
    };
    Ok((schedule, window::is_update(&script)))
}

/// Who is to start them; where a user's timers would end at the logout, that too, and why.
fn who() -> Result<(By, Option<Unfit>)> {
    match manager::find() {
        Ok(Some(manager)) if manager.is_users => {
            if manager.lingers_newly {
                eprintln!("warning: {}", manager::LINGERS);
            }
            Ok((By::User, None))
        }
        Ok(Some(_)) => Ok((By::System, None)),
        Ok(None) => Ok((By::Crontab, None)),
        Err(unfit) => match Crontab::read() {
            Ok(_) => Ok((By::Crontab, Some(unfit))),
            Err(_) => Err(Failure::new(Kind::Refused, "no timer of systemd can be written for you")
                .why(unfit.why)
                .help(unfit.help)),
        },
    }
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

/// Asks; `yes` is the answer of the command line.
fn agree(context: &Context, yes: bool, text: String) -> Result<()> {
    if yes {
        return Ok(());
    }
    let question = Question { text, form: Form::Confirm };
    let answer = match context.is_interactive() {
        true => Terminal.ask(&question)?,
        false => Nobody.ask(&question)?,
    };
    match answer.is_yes() {
        true => Ok(()),
        false => Err(Failure::new(Kind::Declined, "nothing was changed")),
    }
}

fn unwrite(schedule: &Schedule) -> Result<()> {
    match schedule.by.manager() {
        Some(manager) => Timer::known(&schedule.name, manager)?.remove(),
        None => crontab::change(&schedule.state, &schedule.name, None),
    }
}

fn remove(context: &Context, name: &str, options: &Options) -> Result<u8> {
    let site = context.site_if_any()?.map(|site| site.file);
    let all = all(&context.state);
    let is_of_site = |known: &&Schedule| site.as_ref().is_none_or(|site| known.site == *site);
    let is_of_server =
        |known: &&Schedule| context.given_server.is_none() || known.server == context.given_server;
    let fit = |known: &&Schedule| {
        known.name == name || known.runbook == name && is_of_site(known) && is_of_server(known)
    };
    let found: Vec<&Schedule> = all.iter().filter(fit).collect();
    let schedule = match found.as_slice() {
        [only] => *only,
        [] => {
            return Err(Failure::new(Kind::Invalid, format!("`{name}` is not scheduled"))
                .help("list what there is with `banister schedule --list`"));
        }
        _ => {
            let names: Vec<&str> = found.iter().map(|known| known.name.as_str()).collect();
            return Err(Failure::new(Kind::Invalid, format!("`{name}` is scheduled several times"))
                .help(format!("name one of {}", names.join(", "))));
        }
    };
    let text = format!("Remove `{}`, so that it does not run {} any more?", schedule.runbook, schedule.every);
    agree(context, options.yes, text)?;
    unwrite(schedule)?;
    kept::forget(schedule)?;
    refusal::forget(schedule);
    said(context, schedule, "is not scheduled any more");
    Ok(0)
}

fn list(context: &Context) -> Result<u8> {
    let all = all(&context.state);
    let next = |schedule: &Schedule| match schedule.by.manager() {
        Some(manager) => Timer::known(&schedule.name, manager).map(|timer| timer.next()).unwrap_or_default(),
        None => match Crontab::read().is_ok_and(|crontab| crontab.line(&schedule.name).is_some()) {
            true => "by cron".to_owned(),
            false => String::new(),
        },
    };
    if context.json {
        let list: Vec<_> = all
            .iter()
            .map(|schedule| {
                let mut value = json!(schedule);
                value["next"] = json!(Some(next(schedule)).filter(|next| !next.is_empty()));
                value["refused"] = json!(refusal::last(schedule));
                value
            })
            .collect();
        println!("{}", json!(list));
        return Ok(0);
    }
    let row = |schedule: &Schedule| {
        let next = Some(next(schedule)).filter(|next| !next.is_empty());
        vec![
            schedule.name.clone(),
            schedule.run().iter().map(word).collect::<Vec<_>>().join(" "),
            schedule.every.clone(),
            next.unwrap_or_else(|| "never: its timer or line was removed".to_owned()),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    match rows.is_empty() {
        true => println!(
            "nothing is scheduled; schedule an update with `banister schedule update --every \"Sat 02:00\"`"
        ),
        false => print!("{}", table(&rows)),
    }
    for refused in all.iter().filter_map(refusal::last) {
        println!("{}", secret::show(&refused.line()));
    }
    Ok(0)
}
