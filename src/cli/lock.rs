//! `banister lock`.

use super::context::{Context, at_once};
use crate::book;
use crate::event::RunState;
use crate::failure::Result;
use crate::lock::{self, State};
use crate::output::word;
use crate::reach::inquiry::{self, Noted, Orphan};
use serde_json::{Value, json};

/// Shows who holds each server, which runs are unfinished there, and what is owed to it.
pub fn show(context: &Context) -> Result<u8> {
    let site = context.site()?;
    let reach = context.reach(&site);
    let mut list = Vec::new();
    let servers = context.servers(&site)?;
    let found = at_once(&servers, |server| {
        (inquiry::lock(reach.as_ref(), server), inquiry::noted(reach.as_ref(), server))
    });
    for (server, (state, noted)) in servers.iter().zip(found) {
        let state = state.unwrap_or_else(|failure| State::Unknown(failure.to_string()));
        if !context.json {
            println!("{}: {}", server.name, held(&state, &noted));
            lines(context, &server.name, &noted).iter().for_each(|line| println!("  {line}"));
        }
        let holder = match &state {
            State::Free | State::Unknown(_) => Value::Null,
            State::Held(holder) | State::Left(holder) => json!(holder),
        };
        let is_held = match &state {
            State::Unknown(_) => Value::Null,
            state => matches!(state, State::Held(_)).into(),
        };
        let mut shown = json!({ "server": server.name, "held": is_held, "holder": holder });
        match noted {
            Ok(Noted { book, orphans, .. }) => {
                shown["orphans"] = json!(orphans);
                shown["unfinished"] = json!(book.open);
                shown["owed"] = json!(book.owed);
            }
            Err(failure) => shown["problem"] = failure.to_string().into(),
        }
        list.push(shown);
    }
    if context.json {
        println!("{}", json!(list));
    }
    Ok(0)
}

/// Whether it is held, in words. It is free only if nothing is unfinished.
fn held(state: &State, noted: &Result<Noted>) -> String {
    match state {
        State::Held(holder) => format!("held by {}", lock::describe(holder)),
        State::Unknown(why) => format!("unknown: {why}"),
        State::Free | State::Left(_) => match noted {
            Err(failure) => format!("unknown: {failure}"),
            Ok(Noted { book, .. }) if book.half_way_beside("").is_some() => {
                "held by nobody, but a run is unfinished".into()
            }
            Ok(Noted { orphans, .. }) if !orphans.is_empty() => {
                "held by nobody, but a command of an earlier run still runs".into()
            }
            Ok(_) => "free".into(),
        },
    }
}

/// The command that takes something off that is owed to a server, whether or not it was done.
pub fn dismissal(context: &Context, server: &str, name: &str) -> String {
    let on =
        if context.given_server.is_some() { String::new() } else { format!(" --server {}", word(server)) };
    context.command(&format!("lock dismiss {} --reason WHY{on}", word(name)))
}

/// What is unfinished on a server and owed to it, a line each.
pub fn lines(context: &Context, server: &str, noted: &Result<Noted>) -> Vec<String> {
    let Ok(noted) = noted else { return Vec::new() };
    let Noted { book, orphans, .. } = noted;
    let mut lines: Vec<String> = Vec::new();
    // Who is at work is told as the holder.
    let stopped = book.open.iter().filter(|open| book.is_half_way(open) && open.state != RunState::Running);
    for open in stopped {
        lines.push(format!("unfinished {}", book::describe(book, open)));
        lines.push(format!("  continue it with `{}`; its journal: {}", book::resume(open), open.journal));
    }
    lines.extend(overdue(context, server, noted));
    for owed in book.owed.iter().filter(|owed| book.is_left(owed)) {
        let why = owed.left.as_ref();
        let why = why.map(|left| format!("; left by {} at {}: {}", left.by, left.at, left.reason));
        lines.push(format!(
            "owed: {} (`{}`, of the run {} of {}, since {}{})",
            owed.text,
            owed.name,
            owed.run,
            owed.by,
            owed.since,
            why.unwrap_or_default()
        ));
        let command = dismissal(context, server, &owed.name);
        lines.push(format!("  if it was done in another way, or need not be done: `{command}`"));
    }
    for failed in &book.failed {
        let on = if context.given_server.is_some() {
            String::new()
        } else {
            format!(" --server {}", word(server))
        };
        let command = context.command(&format!("run update --to {}{on}", word(&failed.release)));
        lines.push(format!("{failed}; an update leaves it out; take it all the same: `{command}`"));
    }
    lines.extend(orphans.iter().map(|orphan| {
        let Orphan { run, command, since, state } = orphan;
        format!("still running: `{command}` of the run {run} ({state}), since {since}; end it with `banister lock end`")
    }));
    // What scripts and people wrote is shown without what a terminal would obey.
    let clean = |line: String| crate::secret::show(&line).replace(|c: char| c.is_control(), "");
    lines.into_iter().map(clean).collect()
}

/// What an open run should have settled by now, a line each, by the clocks of the server.
pub fn overdue(context: &Context, server: &str, noted: &Noted) -> Vec<String> {
    let book = &noted.book;
    let Some(late) = &noted.overdue else {
        return book
            .owed
            .iter()
            .any(|owed| owed.until.is_some())
            .then(|| unasked(server))
            .into_iter()
            .collect();
    };
    let late = book.owed.iter().filter_map(|owed| Some((owed, *late.get(&owed.name)?)));
    let line = |(owed, seconds): (&book::Owed, f64)| {
        let since = crate::report::text::elapsed(seconds);
        let Some(open) = book.open(&owed.run).filter(|_| !book.is_left(owed)) else {
            let command = dismissal(context, server, &owed.name);
            return format!("overdue for {since}: {}; once it is done: `{command}`", owed.text);
        };
        let resume = book::resume(open);
        format!("overdue for {since}: {}; roll back with `{resume} --rollback`", owed.text)
    };
    late.map(line).collect()
}

/// Of another machine's clocks nothing is known here.
fn unasked(server: &str) -> String {
    format!("it is unknown whether anything is overdue: update the banister on `{server}`")
}

/// Releases the lock of each server.
pub fn release(context: &Context, force: bool) -> Result<u8> {
    let site = context.site()?;
    let reach = context.reach(&site);
    let mut list = Vec::new();
    for server in context.servers(&site)? {
        let state = inquiry::release_lock(reach.as_ref(), server, force)?;
        let (word, holder) = match &state {
            State::Free => ("free", None),
            State::Held(holder) => ("held", Some(holder)),
            State::Left(holder) => ("left", Some(holder)),
            State::Unknown(_) => ("unknown", None),
        };
        let said = match &state {
            State::Free => "was free".to_owned(),
            State::Held(holder) => format!("was taken from {}", lock::describe(holder)),
            State::Left(holder) => format!("was left by {}", lock::describe(holder)),
            State::Unknown(why) => format!("is unknown: {why}"),
        };
        if !context.json {
            println!("{}: the lock {said}", server.name);
            let noted = inquiry::noted(reach.as_ref(), server);
            lines(context, &server.name, &noted).iter().for_each(|line| println!("  {line}"));
        }
        list.push(json!({ "server": server.name, "was": word, "holder": holder }));
    }
    if context.json {
        println!("{}", json!(list));
    }
    Ok(0)
}

/// Ends what runs that nobody continues still run on each server.
pub fn end(context: &Context) -> Result<u8> {
    let site = context.site()?;
    let reach = context.reach(&site);
    let mut list = Vec::new();
    for server in context.servers(&site)? {
        let ended = inquiry::end_orphans(reach.as_ref(), server)?;
        if !context.json {
            let said =
                ended.iter().map(|orphan| format!("ended `{}` of the run {}", orphan.command, orphan.run));
            let none = ended.is_empty().then(|| "no command of an earlier run is running".to_owned());
            for line in said.chain(none) {
                println!(
                    "{}: {}",
                    server.name,
                    crate::secret::show(&line).replace(|c: char| c.is_control(), "")
                );
            }
        }
        list.push(json!({ "server": server.name, "ended": ended }));
    }
    if context.json {
        println!("{}", crate::secret::show_value(json!(list)));
    }
    Ok(0)
}

/// Takes something off that is owed to a server.
pub fn dismiss(context: &Context, name: &str, reason: &str) -> Result<u8> {
    let site = context.site()?;
    let reach = context.reach(&site);
    let server = context.server(&site)?;
    let text = inquiry::dismiss(reach.as_ref(), server, name, crate::person::whoami(), reason.to_owned())?;
    match context.json {
        true => println!("{}", json!({ "server": server.name, "dismissed": name, "reason": reason })),
        false => println!("{}: dismissed: {text}", server.name),
    }
    Ok(0)
}
