//! What is said with the home of one server.

use crate::cli::context::Context;
use crate::failure::{Failure, Kind, Result};
use crate::home::parcel::key;
use crate::home::remembered::Remembered;
use crate::home::seen;
use crate::home::wire::{Caller, Hello, Listed, Says, What};
use crate::person::whoami;
use crate::reach::talk::{Heard, Talk};
use crate::reach::wire::Speaks;
use crate::session;
use crate::site::{Server, Site};
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_millis(500);
/// How long a home may take to list its runs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The runs of one server, and those that are remembered of it, whatever its table says now.
///
/// Fails with [`Kind::Unreachable`] if it does not answer within a minute.
pub fn of_server(
    context: &Context,
    site: &Site,
    server: &Server,
    known: &[Remembered],
) -> Result<Vec<Listed>> {
    let runs = known.iter().map(|known| known.run.clone()).collect();
    let what = What::Runs { key: key(server), checkout: server.checkout.clone(), runs };
    let talk = Talk::begin(server, &hello(context, what))?;
    let until = Instant::now() + PATIENCE;
    let mut said = String::new();
    loop {
        let heard = next(&talk, server)?;
        if Instant::now() > until {
            let message =
                format!("`{}` did not say within {}s which runs are there", server.name, PATIENCE.as_secs());
            return Err(Failure::new(Kind::Unreachable, message));
        }
        match heard {
            Some(Says::Runs(runs)) => {
                seen::remember(&context.state, site, server, &runs);
                return Ok(runs);
            }
            // It could not list them.
            Some(Says::Error(text)) => said = text,
            Some(Says::Exit(_)) => {
                let message = format!("the runs on `{}` can't be listed", server.name);
                return Err(Failure::new(Kind::Refused, message).why(said.trim()));
            }
            _ => {}
        }
    }
}

/// The first line to a home.
pub fn hello(context: &Context, what: What) -> Hello {
    let caller = Caller {
        by: whoami(),
        schedule: session::schedule(),
        interactive: context.is_interactive(),
        color: context.style.color,
        json: context.json,
        quiet: context.quiet,
        verbose: context.verbose,
        site: context.given_site.clone(),
        server: context.given_server.clone(),
    };
    Hello { program: env!("CARGO_PKG_VERSION").into(), speaks: Speaks::OURS, caller, what }
}

/// What is said next; nothing if there is nothing yet, or it is not understood. Fails with [`Kind::Unreachable`] if the
/// connection is lost.
pub fn next(talk: &Talk, server: &Server) -> Result<Option<Says>> {
    match talk.next(TICK) {
        Heard::Said(line) => Ok(serde_json::from_slice(&line).ok()),
        Heard::Nothing => Ok(None),
        Heard::Lost(said) => {
            let failure =
                Failure::new(Kind::Unreachable, format!("the connection to `{}` was lost", server.name));
            Err(said.into_iter().fold(failure, |failure, said| failure.why(format!("it said `{said}`"))))
        }
    }
}
