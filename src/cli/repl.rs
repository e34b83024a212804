//! `banister repl`: what is typed is done at once, through the same gate as a run.

mod command;
mod complete;
mod evidence;
mod help;
mod highlight;
mod history;
mod input;
mod line;
mod pretty;
mod prompt;
mod save;
mod screen;
mod secrets;
mod signals;
mod work;

use super::arguments::repl::Options;
use super::arguments::{Answers, WhenFailed};
use super::context::Context;
use crate::failure::{Failure, Kind, Result};
use crate::journal::run::Glance;
use crate::report::failure::render;
use crate::script::layers::Layers;
use crate::script::layers::kinds::Kinds;
use crate::script::repl::{Given, Repl};
use crate::secret::show;
use crate::site::Site;
use crate::stop::{Asked, Stop};
use command::Command;
use line::{Input, Line};
use screen::Screen;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use work::Work;

/// Everything that stays between two lines.
struct Shell {
    context: Context,
    repl: Repl,
    work: Work,
    stop: Arc<Stop>,
    screen: Arc<Screen>,
    /// What worked so far, in order.
    typed: Vec<String>,
    /// Whether the last line failed.
    failed: bool,
}

/// Reads lines until there are no more.
pub fn repl(context: Context, options: &Options) -> Result<u8> {
    let stop = Arc::new(Stop::new());
    let screen = Arc::new(Screen::new(&context));
    let work = match &options.run {
        Some(run) => Work::beside(&context, run, &stop, &screen)?,
        None => Work::by_hand(&context, &stop, &screen)?,
    };
    let site = work.site().clone();
    site.servers.values().for_each(|server| drop(server.learn_secrets()));
    let layers = Arc::new(Layers::of_site(Some(site.folder()), kinds(&site, &work)));
    let repl = Repl::new(layers, &site, stop.clone());
    let mut input = input::of(&context, &repl, &work)?;
    let idle = Arc::new(AtomicBool::new(false));
    signals::listen(&stop, &idle, work.leaver())?;
    let mut shell = Shell { context, repl, work, stop, screen, typed: Vec::new(), failed: false };
    shell.open(input.as_ref());
    let code = shell.read(input.as_mut(), &idle);
    shell.work.end(&shell.context)?;
    code
}

fn kinds(site: &Site, work: &Work) -> Kinds {
    Kinds::of(work.servers().iter().filter_map(|name| site.servers.get(name)))
}

/// How questions of a run that is gone on with here are answered: at the terminal.
fn answers() -> Answers {
    Answers {
        yes: false,
        answer: Vec::new(),
        on_failure: WhenFailed::Stop,
        step: false,
        unattended: None,
        detach: false,
        foreground: true,
    }
}

impl Shell {
    /// What is said before the first line.
    fn open(&mut self, input: &dyn Input) {
        if let Some(folder) = self.work.run_folder() {
            if let Err(failure) = self.work.see(&mut self.repl) {
                eprintln!("warning: the variables of the failed step can't be shown here: {failure}");
            }
            // A program asks `show --json`.
            if !self.context.json
                && let Err(failure) = evidence::show(&self.context, folder, &self.repl)
            {
                self.complain(&failure);
            }
        } else if input.is_person() && !self.context.quiet {
            println!("Type a call, such as `this_server().installed_release()`, or `help`. Ctrl-D leaves.");
            if let Ok(Some(stopped)) = self.context.find_run(None, Glance::is_open) {
                let (name, runbook) = (&stopped.name, &stopped.header.runbook);
                let command = self.context.command(&format!("repl --run {name}"));
                println!("A run of `{runbook}` is unfinished: `{command}` opens it.");
            }
        }
    }

    fn read(&mut self, input: &mut dyn Input, idle: &AtomicBool) -> Result<u8> {
        loop {
            self.stop.clear();
            idle.store(true, Ordering::SeqCst);
            let line = input.read(&self.repl);
            idle.store(false, Ordering::SeqCst);
            let text = match line? {
                Line::Text(text) => text,
                Line::Cleared => continue,
                Line::End => break,
            };
            if text.trim().is_empty() {
                continue;
            }
            secrets::learn(&text);
            self.failed = false;
            let result = self.line(&text);
            input.remember(&show(text.trim_end()));
            match result {
                Ok(true) => {}
                Ok(false) => break,
                Err(failure) => {
                    self.failed = true;
                    self.complain(&failure);
                }
            }
            if self.stop.asked() == Asked::Leave {
                return Ok(Kind::Interrupted.exit_code());
            }
        }
        Ok(u8::from(self.failed && !input.is_person()))
    }

    /// Does what a line says. Gives whether another one is read.
    fn line(&mut self, text: &str) -> Result<bool> {
        match command::parse(text, &self.repl.variables()) {
            Some(command) => self.command(command?),
            None => self.evaluate(text).map(|()| true),
        }
    }

    fn command(&mut self, command: Command) -> Result<bool> {
        match command {
            Command::Leave => return Ok(false),
            Command::Help(about) => help::show(&self.context, &self.repl, about.as_deref())?,
            Command::Evidence => evidence::show(&self.context, self.run()?, &self.repl)?,
            Command::Save(name) => {
                let said = save::save(&self.work, &self.repl, &self.typed, name.as_deref())?;
                println!("{said}");
            }
            Command::Resume => self.go_on(false)?,
            Command::RollBack => self.go_on(true)?,
            Command::Skip { step, reason } => {
                self.run()?;
                self.work.skip(&step, reason)?;
                self.go_on(false)?;
            }
        }
        Ok(true)
    }

    /// The folder of the run that is open here.
    fn run(&self) -> Result<&std::path::Path> {
        self.work.run_folder().ok_or_else(|| {
            Failure::new(Kind::Invalid, "no run is open here").help(
                "leave, and open the one that stopped: `banister repl --run RUN`; `banister runs` lists them",
            )
        })
    }

    fn go_on(&mut self, rollback: bool) -> Result<()> {
        self.run()?;
        self.failed = self.work.go_on(&self.context, rollback)? != 0;
        // It may have stopped elsewhere, where other things are seen.
        if self.failed
            && let Err(failure) = self.work.see(&mut self.repl)
        {
            eprintln!("warning: the variables of the failed step can't be shown here: {failure}");
        }
        Ok(())
    }

    fn evaluate(&mut self, text: &str) -> Result<()> {
        let session = self.work.session()?;
        let frame = session.begin_line(text)?;
        self.screen.begin();
        let result = self.repl.evaluate(&session, frame, text);
        self.screen.end();
        self.work.done_with(&self.context, &session)?;
        let given = result?;
        self.typed.push(text.trim_end().to_owned());
        self.show(&given);
        Ok(())
    }

    fn show(&self, given: &Given) {
        let shown = match given {
            Given::Nothing => return,
            Given::Data(value) if self.context.json => {
                json!({ "event": "value", "value": value }).to_string()
            }
            Given::Data(value) => pretty::pretty(value),
            Given::Other(text) if self.context.json => json!({ "event": "value", "value": text }).to_string(),
            Given::Other(text) => text.clone(),
        };
        println!("{}", show(&shown));
    }

    fn complain(&self, failure: &Failure) {
        eprint!("{}", render(failure, self.context.style));
    }
}
