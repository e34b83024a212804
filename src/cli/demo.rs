//! `banister demo`.

use super::arguments::{Answers, DemoOptions, RunOptions, WhenFailed};
use super::context::Context;
use crate::failure::{Context as _, Kind, Result};
use crate::practice::Practice;
use std::path::PathBuf;
use std::time::Instant;

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
    let context = Context { given_site: Some(site.clone()), given_server: None, state, ..context };
    let answers = Answers { yes: true, answer: Vec::new(), on_failure: WhenFailed::Stop, step: false };
    // What an earlier server in a folder of this name left is over.
    let run = RunOptions { runbook: "update".into(), answers, abandon: true, plan: None };
    let result = super::run::run(&context, &run, &clap::ArgMatches::default());
    match temporary {
        Some(folder) if keeps => {
            let kept = folder.keep();
            println!("the practice server is kept in {0}; to end it: rm -r {0}", kept.display());
        }
        Some(_) => {
            practice.stop()?;
            println!("the practice server is gone; to keep one and try more: banister demo --keep DIR");
        }
        None => println!("the practice server is kept: try `banister status --site {}`", site.display()),
    }
    result
}
