//! `banister demo`.

mod kill;

use super::arguments::demo::Options;
use super::arguments::{Answers, RunOptions, WhenFailed};
use super::context::Context;
use crate::failure::{Context as _, Failure, Kind, Result};
use crate::machine::files::TEMPORARY;
use crate::output::word;
use crate::practice::{Linked, Practice, Size, running};
use kill::Kill;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Makes a practice server and updates it for real. It is kept if that is asked for, or if something goes wrong with
/// it: then something is left to do.
pub fn demo(context: Context, options: &Options) -> Result<u8> {
    if options.list {
        return list(&context);
    }
    let program = std::env::current_exe().or_fail(Kind::Bug, || "the program does not find itself".into())?;
    let (folder, temporary) = match &options.keep {
        Some(folder) => (folder.clone(), None),
        None => {
            let made = tempfile::Builder::new().prefix("banister-demo-").tempdir();
            let made = made.map_err(|error| {
                Failure::new(Kind::Refused, "there is no room for a practice server")
                    .why(error)
                    .help(TEMPORARY)
            })?;
            (made.path().to_owned(), Some(made))
        }
    };
    let tell = |text: String| {
        if !context.quiet && !context.json {
            println!("{text}");
        }
    };
    let faults: Vec<&str> = options.fault.iter().map(String::as_str).collect();
    let began = Instant::now();
    tell(match options.linked {
        true => format!("making three linked practice servers in {}", folder.display()),
        false => format!("making a practice server in {}", folder.display()),
    });
    let made = match (options.linked, options.compose) {
        (true, _) => Made::Linked(Linked::create(&folder, &program, &faults, Size::Whole)?),
        (false, true) => Made::One(Practice::create_in_docker(&folder, &program, &faults)?),
        (false, false) => Made::One(Practice::create(&folder, &program, &faults)?),
    };
    let seconds = crate::report::text::elapsed(began.elapsed().as_secs_f64());
    tell(match &made {
        Made::One(practice) => {
            format!("it runs release 0.2.10 at {}, made in {seconds}", practice.endpoint())
        }
        Made::Linked(linked) => {
            let endpoints =
                linked.servers().map(|(name, practice)| format!("{name} at {}", practice.endpoint()));
            let endpoints = endpoints.collect::<Vec<_>>().join(", ");
            format!(
                "they run release 0.2.10, made in {seconds}: {endpoints}; hub has the auth service of all"
            )
        }
    });
    // Said before the update: its last lines are the state and what to type next.
    let temporary = match (temporary, &options.fault) {
        (Some(folder), Some(_)) => {
            let kept = folder.keep();
            tell(format!("it stays there; to end it: rm -r {}", word(kept.display())));
            None
        }
        (temporary, _) => temporary,
    };
    let site = made.dir().to_owned();
    let mut context = Context { given_site: Some(site.clone()), given_server: None, ..context };
    if temporary.is_some() {
        // What is deleted at the end keeps its run beside it; what stays is a run like any other.
        context.state = site.join("state");
        crate::secret::use_key_of(&context.state);
        context.next = Some("banister demo --keep DIR   (the updated server was removed)".into());
    }
    if options.fault.as_deref() == Some("kill") {
        context.witness = Some(Arc::new(Kill::new(&context)));
    }
    let answers = Answers {
        yes: true,
        answer: Vec::new(),
        on_failure: WhenFailed::Stop,
        step: false,
        unattended: None,
        detach: false,
        // The server is removed at its end.
        foreground: true,
    };
    // What an earlier server in a folder of this name left is over.
    let run = RunOptions {
        runbook: made.runbook().into(),
        answers,
        abandon: Some(String::new()),
        plan: None,
        now: true,
    };
    let result = super::run::run(&context, &run, &clap::ArgMatches::default());
    if temporary.is_some() {
        made.stop()?;
    }
    result
}

/// Lists the practice servers that still run on this machine.
fn list(context: &Context) -> Result<u8> {
    let found = running();
    if context.json {
        let one =
            |(folder, processes): (&PathBuf, &usize)| json!({ "folder": folder, "processes": processes });
        println!("{}", json!(found.iter().map(one).collect::<Vec<_>>()));
        return Ok(0);
    }
    for (folder, processes) in &found {
        println!("{} ({processes} processes); to end it: rm -r {}", folder.display(), word(folder.display()));
    }
    if found.is_empty() {
        println!("no practice server runs on this machine");
    }
    Ok(0)
}

/// What a demo works on.
enum Made {
    One(Practice),
    Linked(Linked),
}

impl Made {
    fn dir(&self) -> &Path {
        match self {
            Made::One(practice) => practice.dir(),
            Made::Linked(linked) => linked.dir(),
        }
    }

    fn runbook(&self) -> &'static str {
        match self {
            Made::One(_) => "update",
            Made::Linked(_) => "update-linked",
        }
    }

    fn stop(&self) -> Result<()> {
        match self {
            Made::One(practice) => practice.stop(),
            Made::Linked(linked) => linked.stop(),
        }
    }
}
