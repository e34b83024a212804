//! `banister home`: this machine is the home of runs, for somebody who begins or follows them from another machine.
//!
//! What they want is done as if it were typed here; what it prints and asks goes to them.

mod follow;
mod list;

use super::arguments::{Answers, ResumeOptions, RunOptions};
use super::context::{Abroad, Context};
use super::{attach, resume, run, show};
use crate::command::lend;
use crate::failure::{Context as _, Failure, Kind, Result};
use crate::home::kept;
use crate::home::parcel::{self, Parcel};
use crate::home::wire::{Caller, Hello, Says, What, Wish};
use crate::journal::run::{self as runs, Glance};
use crate::output::{self, Stream};
use crate::person::{Answer, Person, Question};
use crate::reach::desk::{Desk, say};
use crate::reach::talk::{GO, Heard};
use crate::reach::wire::{Speaks, Welcome};
use crate::report::text::Style;
use crate::runner::{self, unit};
use crate::sync::{FileLock, Mutex};
use serde::Deserialize;
use std::fs::File;
use std::io::{BufReader, IsTerminal, stdin};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_millis(500);
/// How long a first line is waited for.
const HELLO: Duration = Duration::from_secs(20);

/// How long somebody else who is about to continue the same run is waited for; they may be asked something meanwhile.
const TURN: Duration = Duration::from_secs(20);

/// Serves whoever is at the other end of the standard streams.
pub fn home(mut context: Context) -> Result<u8> {
    if stdin().is_terminal() {
        return Err(Failure::new(
            Kind::Invalid,
            "`banister home` is started by banister on another machine, over ssh",
        ));
    }
    let desk = Arc::new(Desk::of(BufReader::new(stdin())));
    let Some(Hello { caller, what, .. }) = greet(&desk)? else { return Ok(2) };
    output::show_elsewhere(|stream, text| {
        say(&match stream {
            Stream::Out => Says::Out(text.to_owned()),
            Stream::Error => Says::Error(text.to_owned()),
        });
    });
    if caller.json {
        output::speak_json();
    }
    context.style = Style { color: caller.color };
    (context.json, context.quiet, context.verbose) = (caller.json, caller.quiet, caller.verbose);
    (context.live, context.given_site, context.given_server) = (false, None, None);
    let abroad = |run: Option<String>, caller: Caller| {
        let person = Arc::new(Asker(desk.clone()));
        Some(Arc::new(Abroad { caller, person, run, viewed: Mutex::default() }))
    };
    let color = caller.color;
    let code = match what {
        What::Runs { key, checkout, runs } => {
            context.abroad = abroad(None, caller);
            list::list(&context, &key, &checkout, &runs).map(|()| 0)
        }
        What::Follow { run, since } => {
            context.abroad = abroad(None, caller);
            follow::follow(&context, &desk, &run, since)
        }
        What::Begin { run, runbook, parameters, answers, abandon, parcel } => {
            context.abroad = abroad(Some(run.clone()), caller);
            begin(&mut context, &run, |context| {
                outlives_login()?;
                let answers = plain::<Answers>(answers)?;
                let folder = unpack(context, &parcel, &run)?;
                // Who sent it has looked at the clock.
                let options = RunOptions { runbook, answers, plan: None, abandon, now: true };
                lend(parcel.secrets.clone());
                let begun = run::run_with(context, &options, &|_| parameters.clone());
                if !has_begun(context, &run) && context.viewed().is_none() {
                    parcel::remove(&folder);
                }
                begun
            })
        }
        What::Resume { run, options, parcel } => {
            context.abroad = abroad(None, caller);
            plain::<ResumeOptions>(options).and_then(|options| resume(&mut context, &run, options, parcel))
        }
        What::Attach { run } => {
            context.abroad = abroad(None, caller);
            site_of(&context, &run).and_then(|_| attach::attach(&context, Some(&run)))
        }
        What::Show { run } => {
            context.abroad = abroad(None, caller);
            site_of(&context, &run).and_then(|_| show::show(&context, Some(&run)))
        }
    };
    let code = code.unwrap_or_else(|failure| {
        if context.json && !output::has_said() {
            super::document(&failure);
        }
        super::failed(&failure, color);
        failure.kind.exit_code()
    });
    match context.viewed() {
        Some((run, session)) => say(&Says::View { run, session }),
        None => say(&Says::Exit(code)),
    }
    Ok(0)
}

impl Context {
    /// The run that is to be followed by who typed the command elsewhere.
    fn viewed(&self) -> Option<(String, u64)> {
        self.abroad.as_ref().and_then(|abroad| abroad.viewed.lock().clone())
    }
}

/// Makes sure that what is begun now does not end with this connection.
fn outlives_login() -> Result<()> {
    let told = unit::outlives_login(&|warning| eprintln!("warning: {warning}"));
    told.map_err(|failure| {
        let help = failure.help.clone().unwrap_or_default();
        failure.help(format!("{help}; or have runs work on your own machine: `home = \"here\"` in site.toml"))
    })
}

/// The first line; none if its program and this one don't understand each other, which its program says.
fn greet(desk: &Desk) -> Result<Option<Hello>> {
    /// What every version says.
    #[derive(Deserialize)]
    struct Program {
        speaks: Speaks,
    }
    let welcome = |refuses| {
        say(&Welcome { program: env!("CARGO_PKG_VERSION").into(), speaks: Speaks::OURS, refuses });
    };
    let none = || Failure::new(Kind::Invalid, "what calls `banister home` is no banister");
    let Heard::Said(line) = desk.next(HELLO) else { return Err(none()) };
    let program: Program = serde_json::from_slice(&line).map_err(|error| none().why(error))?;
    if program.speaks.behind(Speaks::OURS).is_some() {
        welcome(Some(Failure::new(Kind::Invalid, "they speak no protocol in common")));
        return Ok(None);
    }
    match serde_json::from_slice(&line) {
        Ok(hello) => {
            welcome(None);
            match desk.next(HELLO) {
                Heard::Said(line) if line == GO.as_bytes() => Ok(Some(hello)),
                _ => Err(none()),
            }
        }
        Err(error) => {
            let message = format!(
                "banister {} there does not understand what is wanted of it",
                env!("CARGO_PKG_VERSION")
            );
            welcome(Some(Failure::new(Kind::Invalid, message).why(error)));
            Ok(None)
        }
    }
}

fn plain<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Result<T> {
    serde_json::from_value(value).or_fail(Kind::Invalid, || {
        format!("banister {} there does not know an option of this command", env!("CARGO_PKG_VERSION"))
    })
}

fn unpack(context: &mut Context, parcel: &Parcel, run: &str) -> Result<PathBuf> {
    let folder = parcel.unpack(&context.state, run)?;
    kept::tidy(&context.state, &folder);
    say(&Says::Site(folder.clone()));
    context.given_site = Some(folder.clone());
    Ok(folder)
}

/// Does what may begin a run, and says which one it is.
fn begin(context: &mut Context, run: &str, act: impl FnOnce(&mut Context) -> Result<u8>) -> Result<u8> {
    if has_begun(context, run) {
        return Err(Failure::new(Kind::Refused, format!("there is a run `{run}` already")));
    }
    let result = act(context);
    let name =
        context.viewed().map(|(name, _)| name).or_else(|| has_begun(context, run).then(|| run.to_owned()));
    name.into_iter().for_each(|name| say(&Says::Begun(name)));
    result
}

fn has_begun(context: &Context, run: &str) -> bool {
    runs::folder(&context.state).join(run).join("journal.jsonl").exists()
}

/// The run of this name here, whose site's folder is said to who looks on: it is the same as theirs.
fn site_of(context: &Context, run: &str) -> Result<Glance> {
    let glance = Glance::read(&runs::find(&context.state, run)?);
    glance.header.site.parent().into_iter().for_each(kept::recover);
    glance.header.site.parent().into_iter().for_each(|folder| say(&Says::Site(folder.to_owned())));
    Ok(glance)
}

/// Continues a run, with the site as it is where that was typed.
fn resume(context: &mut Context, run: &str, options: ResumeOptions, parcel: Option<Parcel>) -> Result<u8> {
    let glance = site_of(context, run)?;
    if !runner::is_at_work(&glance.path) {
        outlives_login()?;
    }
    let folder = glance.header.site.parent().unwrap_or(Path::new("/")).to_owned();
    // Of colleagues who come at once the first one begins, with what was sent by the same.
    let _first = wait_for_turn(&glance.path, context)?;
    if let Some(parcel) = parcel {
        // Only what was unpacked for a run is replaced, and nothing below the feet of who works on it.
        let is_ours = folder.starts_with(context.state.join("sites"));
        if is_ours && !runner::is_at_work(&glance.path) {
            parcel.unpack_to(&folder)?;
        }
        lend(parcel.secrets);
    }
    context.given_site = Some(folder);
    let answers = Answers { foreground: false, ..options.answers };
    resume::resume(context, &ResumeOptions { run: Some(glance.name), answers, ..options })
}

/// Waits until nobody else is about to continue the run; held until it is at work, or this process ends.
fn wait_for_turn(run: &Path, context: &Context) -> Result<FileLock> {
    let path = run.join("resuming");
    let failed = || format!("`{}` can't be locked", path.display());
    let mut options = File::options();
    options.create(true).truncate(false).write(true).mode(0o600);
    let end = Instant::now() + TURN;
    loop {
        let file = options.open(&path).or_fail(Kind::Journal, failed)?;
        if let Some(lock) = FileLock::take(file).or_fail(Kind::Journal, failed)? {
            let by = context.abroad.as_ref().map_or("", |abroad| &abroad.caller.by);
            std::fs::write(&path, by).or_fail(Kind::Journal, failed)?;
            return Ok(lock);
        }
        if Instant::now() > end {
            let by = std::fs::read_to_string(&path).unwrap_or_default();
            let by = if by.is_empty() { "somebody else" } else { &by };
            let failure = Failure::new(Kind::Locked, format!("{by} is about to continue this run"));
            return Err(failure
                .why("they may be asked something that they have not answered yet")
                .help("once they have answered, or left, type it again"));
        }
        std::thread::sleep(TICK / 10);
    }
}

/// Who typed the command, at the other end.
struct Asker(Arc<Desk>);

impl Person for Asker {
    fn ask(&self, question: &Question) -> Result<Answer> {
        say(&Says::Ask(question.clone()));
        loop {
            match self.0.next(TICK) {
                Heard::Said(line) => match serde_json::from_slice(&line) {
                    Ok(Wish::Answer(Some(answer))) => return Ok(answer),
                    Ok(Wish::Answer(None)) => {
                        return Err(Failure::new(Kind::Declined, "the question was left unanswered"));
                    }
                    _ => {}
                },
                Heard::Nothing => {}
                Heard::Lost(_) => {
                    return Err(Failure::new(Kind::Interrupted, "whoever was asked has gone"));
                }
            }
        }
    }
}
