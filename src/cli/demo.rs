//! `banister demo`.

use super::arguments::{Answers, DemoOptions, RunOptions, WhenFailed};
use super::context::Context;
use crate::event::{Event, Listener};
use crate::failure::{Context as _, Kind, Result};
use crate::practice::Practice;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Makes a practice server and updates it for real. It is kept if that is asked for, or if something is left to do.
pub fn demo(context: Context, options: &DemoOptions) -> Result<u8> {
    let program = std::env::current_exe().or_fail(Kind::Bug, || "the program does not find itself".into())?;
    let (folder, temporary) = match &options.keep {
        Some(folder) => (folder.clone(), None),
        None => {
            let made = tempfile::Builder::new().prefix("banister-demo-").tempdir();
            let made = made.or_fail(Kind::Refused, || "there is no room for a practice server".into())?;
            (made.path().to_owned(), Some(made))
        }
    };
    let faults: Vec<&str> = options.fault.iter().map(String::as_str).collect();
    let began = Instant::now();
    if !context.quiet && !context.json {
        println!("making a practice server in {}", folder.display());
    }
    let practice = Practice::create(&folder, &program, &faults)?;
    if !context.quiet && !context.json {
        let seconds = crate::report::text::elapsed(began.elapsed().as_secs_f64());
        println!("it runs release 0.2.10 at {}, made in {seconds}", practice.endpoint());
    }
    let site: PathBuf = practice.dir().to_owned();
    // What is deleted at the end keeps its run beside it; what stays is a run like any other.
    let keeps = options.keep.is_some() || options.fault.is_some();
    let state = if keeps { context.state.clone() } else { site.join("state") };
    let also = (options.fault.as_deref() == Some("kill")).then(|| killer(&site));
    let goes = !keeps;
    let context =
        Context { given_site: Some(site.clone()), given_server: None, state, also, goes, ..context };
    let answers = Answers { yes: true, answer: Vec::new(), on_failure: WhenFailed::Stop, step: false };
    // What an earlier server in a folder of this name left is over.
    let run = RunOptions { runbook: "update".into(), answers, abandon: true, plan: None };
    let result = super::run::run(&context, &run, &clap::ArgMatches::default());
    let end = |folder: &Path| println!("to end the practice server: rm -r {}", folder.display());
    match temporary {
        Some(folder) if keeps => end(&folder.keep()),
        Some(_) => {
            practice.stop()?;
            println!("next:  banister demo --keep DIR   (keeps the practice server, to try more)");
        }
        None => end(&site),
    }
    result
}

/// Who kills this program by SIGKILL in the middle of the build, and says so before.
fn killer(site: &Path) -> Arc<dyn Listener> {
    let folder = site.display().to_string();
    let resume = format!("banister resume --site {folder}");
    Arc::new(move |event: &Event| {
        let Event::CallStarted { name, text, .. } = event else { return };
        if name != "make" || !text.contains("\"build\"") {
            return;
        }
        println!("the fault `kill`: while `make build` runs, banister is killed in a moment (kill -9)");
        println!("next:  {resume}   (then, to end the practice server: rm -r {folder})");
        std::thread::spawn(|| {
            std::thread::sleep(Duration::from_millis(150));
            let own = rustix::process::getpid();
            let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
        });
    })
}
