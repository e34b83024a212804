//! The log on standard error: what scripts `debug`, and with more words the run, its steps and its calls around it.
//!
//! Without `-v` and without `BANISTER_LOG` there is none.

use super::text::Style;
use crate::secret::show;
use anyhow::Context;
use std::io::Write;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::prelude::*;

/// The variable with the least level that is logged.
pub const VARIABLE: &str = "BANISTER_LOG";

/// Begins the log. `verbose` says how often `-v` was given.
pub fn begin(verbose: u8, color: bool) -> anyhow::Result<()> {
    let given = std::env::var(VARIABLE).ok().filter(|given| !given.is_empty());
    let asked = given.as_deref().map(str::parse::<LevelFilter>).transpose();
    let asked = asked.with_context(|| {
        format!(
            "`{VARIABLE}` is one of off, error, warn, info, debug and trace, not `{}`",
            given.unwrap_or_default()
        )
    })?;
    let level = match (asked, verbose) {
        (Some(level), _) => level,
        (None, 0) => return Ok(()),
        (None, 1) => LevelFilter::DEBUG,
        (None, _) => LevelFilter::TRACE,
    };
    // What is printed is a line of the run already.
    let only_debugged = asked.is_none() && verbose == 1;
    let wanted = filter_fn(move |about| {
        about.target().starts_with("banister")
            && *about.level() <= level
            && (!only_debugged || about.is_span() || *about.level() == LevelFilter::DEBUG)
    });
    let spans = if level >= LevelFilter::TRACE { FmtSpan::NEW | FmtSpan::CLOSE } else { FmtSpan::NONE };
    let lines = tracing_subscriber::fmt::layer()
        .without_time()
        .with_ansi(false)
        .with_target(false)
        .with_span_events(spans)
        .with_writer(move || Hiding(Style { color }))
        .with_filter(wanted);
    tracing_subscriber::registry().with(lines).try_init().context("can't start the log")
}

/// Writes to standard error what may be shown, through the owner of the screen: a question may be open. Colours are ours,
/// as foreign ones don't pass there.
struct Hiding(Style);

impl Write for Hiding {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let text = show(text.trim_end_matches('\n'));
        eprintln!("{}", self.0.dim(&text));
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
