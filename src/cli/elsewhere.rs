//! Runs whose home is their server, on another machine: begun, continued, shown and followed from here.
//!
//! What is typed is done there, by this same program; what it prints and asks comes here. A run that works there is followed
//! by the same screens as one on this machine.

mod follow;

use super::arguments::{Answers, ResumeOptions, RunOptions};
use super::context::Context;
use super::homes::{Found, hello, next};
use super::{background, stale, view};
use crate::data::Arguments;
use crate::failure::{Context as _, Failure, Kind, Result};
use crate::home::parcel::Parcel;
use crate::home::remembered::{self, Remembered};
use crate::home::seen;
use crate::home::wire::{Says, What, Wish};
use crate::journal::run as runs;
use crate::output::{self, Stream, word};
use crate::person::Person;
use crate::reach::talk::Talk;
use crate::report::prompt::Terminal;
use crate::script::runbook::Runbook;
use crate::site::{Home, Server, Site};
use follow::There;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a command there ended.
enum Called {
    Code(u8),
    /// A run works, and is to be followed from this session on.
    View {
        run: String,
        session: u64,
    },
}

/// The server at which a run that is begun now would be at home, if it is not to be on this machine.
pub fn home_of(context: &Context, answers: &Answers) -> Result<Option<(Arc<Site>, Server)>> {
    if answers.is_foreground() || context.abroad.is_some() || context.attended.is_some() {
        return Ok(None);
    }
    // What is wrong with the site is told by who needs it.
    let Ok(Some(site)) = context.site_if_any() else { return Ok(None) };
    if site.home != Home::Server {
        return Ok(None);
    }
    let server = match context.servers(&site)?.as_slice() {
        [only] if only.ssh.is_some() => (*only).clone(),
        _ => return Ok(None),
    };
    Ok(Some((Arc::new(site), server)))
}

/// Begins a run at its server, and looks on.
pub fn run(
    context: &Context,
    site: &Arc<Site>,
    server: &Server,
    options: &RunOptions,
    parameters: &dyn Fn(&Runbook) -> Arguments,
) -> Result<u8> {
    let (site, names, runbook) = context.prepare_scripts(site.clone(), &options.runbook)?;
    super::window::check(context, &site, &names, &runbook, options.now)?;
    let mut parameters = parameters(&runbook);
    if let Some(file) = &options.plan {
        let reach = context.reach(&site);
        parameters = super::plan::still_holds(file, &site, &runbook, &parameters, &names, reach.as_ref())?;
    }
    runbook.require(&parameters)?;
    // What the site keeps of it is here.
    stale::settle(context, &site, &runbook, &options.answers)?;
    let parcel = Parcel::of(&site, server, &server.name)?;
    let run = runs::new_name();
    Remembered::new(&run, &options.runbook, server, &site.file).write(&context.state)?;
    let what = What::Begin {
        run: run.clone(),
        runbook: options.runbook.clone(),
        parameters,
        answers: plain(&options.answers)?,
        abandon: options.abandon.clone(),
        parcel,
    };
    let mut call = Call::new(context, server, site.folder());
    let called = call.make(what);
    match &call.begun {
        Some(name) if *name != run => {
            Remembered::new(name, &options.runbook, server, &site.file).write(&context.state)?;
            remembered::forget(&context.state, &run);
        }
        None if !call.is_lost => remembered::forget(&context.state, &run),
        _ => {}
    }
    if call.begun.is_some() {
        background::begins();
    }
    let name = call.begun.clone().unwrap_or_else(|| run.clone());
    match called {
        Ok(Called::Code(code)) => Ok(code),
        Ok(Called::View { run, session }) => {
            let person = context.is_interactive().then(|| Arc::new(Terminal) as Arc<dyn Person>);
            look_on(context, &site, server, (run, session), person, false)
        }
        Err(failure) if call.is_lost => {
            let message = format!("the connection to `{}` was lost while the run began there", server.name);
            let attach = context.command(&format!("attach {}", word(&name)));
            Err(Failure::new(Kind::Interrupted, message)
                .why(failure.to_string())
                .help(format!("whether it works is known there: `{attach}`")))
        }
        Err(failure) => Err(failure),
    }
}

/// Continues a run at its server, with the site as it is here now.
pub fn resume(context: &Context, found: &Found, options: &ResumeOptions) -> Result<u8> {
    let name = match found.listed.servers.as_slice() {
        [only] => only,
        _ => &found.server.name,
    };
    let parcel = match options.original {
        true => None,
        false => Some(Parcel::of(&found.site, &found.server, name)?),
    };
    let answers = &options.answers;
    // What is answered here is answered to whoever asks there; who begins to work on it knows the answers itself.
    let is_there =
        context.is_interactive() || found.listed.is_at_work && (answers.yes || !answers.answer.is_empty());
    let person: Option<Arc<dyn Person>> = match is_there {
        true if found.listed.is_at_work => Some(context.person(answers)),
        true => Some(Arc::new(Terminal)),
        false => None,
    };
    let run = found.listed.run.clone();
    // What was given answers nothing else.
    let leaves = found.listed.is_at_work && !context.is_interactive();
    call(context, found, What::Resume { run, options: plain(options)?, parcel }, person, leaves)
}

/// Looks on, if somebody works on the run; else says how it stands.
pub fn attach(context: &Context, found: &Found) -> Result<u8> {
    let person = context.is_interactive().then(|| Arc::new(Terminal) as Arc<dyn Person>);
    call(context, found, What::Attach { run: found.listed.run.clone() }, person, true)
}

/// Shows a run.
pub fn show(context: &Context, found: &Found) -> Result<u8> {
    call(context, found, What::Show { run: found.listed.run.clone() }, None, false)
}

fn plain(options: &impl serde::Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(options).or_fail(Kind::Bug, || "an option is not plain data".into())
}

/// With `leaves`, a question that nobody here can answer is not waited for.
fn call(
    context: &Context,
    found: &Found,
    what: What,
    person: Option<Arc<dyn Person>>,
    leaves: bool,
) -> Result<u8> {
    let folder = found.site.folder();
    match Call::new(context, &found.server, folder).make(what)? {
        Called::Code(code) => Ok(code),
        Called::View { run, session } => {
            look_on(context, &found.site, &found.server, (run, session), person, leaves)
        }
    }
}

fn look_on(
    context: &Context,
    site: &Arc<Site>,
    server: &Server,
    (run, session): (String, u64),
    person: Option<Arc<dyn Person>>,
    leaves: bool,
) -> Result<u8> {
    seen::forget(&context.state, site, server);
    let mut there = There::new(context, server.clone(), site.folder(), run.clone(), session);
    let code = view::view_at(context, &mut there, person, leaves)?;
    if there.has_ended() {
        if code == 0 {
            remembered::note_over(&context.state, &run);
        }
        // The file is on this machine, and only who is here can write it.
        if let Err(failure) = super::metrics::write(context, site) {
            eprintln!("warning: {failure}");
        }
    }
    Ok(code)
}

/// A command that is done there.
struct Call<'a> {
    context: &'a Context,
    server: &'a Server,
    names: Names,
    /// The run that was begun.
    begun: Option<String>,
    /// Whether the connection was lost, so that nobody knows what came of it.
    is_lost: bool,
}

impl Call<'_> {
    fn new<'a>(context: &'a Context, server: &'a Server, folder: &Path) -> Call<'a> {
        Call { context, server, names: Names::of(folder), begun: None, is_lost: false }
    }

    fn make(&mut self, what: What) -> Result<Called> {
        let talk = Talk::begin(self.server, &hello(self.context, what))?;
        let called = self.hear(&talk);
        self.is_lost = called.is_err();
        called
    }

    fn hear(&mut self, talk: &Talk) -> Result<Called> {
        loop {
            match next(talk, self.server)? {
                None => {}
                Some(Says::Site(folder)) => self.names.there = Some(folder),
                Some(Says::Out(text)) => print(Stream::Out, &self.names.here(&text)),
                Some(Says::Error(text)) => print(Stream::Error, &self.names.here(&text)),
                Some(Says::Ask(question)) => {
                    let answer = Terminal.ask(&question).ok();
                    talk.say(&Wish::Answer(answer))?;
                }
                Some(Says::Begun(run)) => self.begun = Some(run),
                Some(Says::View { run, session }) => return Ok(Called::View { run, session }),
                Some(Says::Exit(code)) => return Ok(Called::Code(code)),
                Some(_) => {}
            }
        }
    }
}

fn print(stream: Stream, text: &str) {
    output::say(stream, text);
}

/// What the site's folder is called there and here: places in scripts are shown as they are here.
#[derive(Clone)]
struct Names {
    there: Option<PathBuf>,
    here: String,
}

impl Names {
    fn of(folder: &Path) -> Names {
        Names { there: None, here: folder.display().to_string() }
    }

    fn here(&self, text: &str) -> String {
        match &self.there {
            Some(there) => text.replace(&there.display().to_string(), &self.here),
            None => text.to_owned(),
        }
    }
}
