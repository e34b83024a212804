//! Secrets in what a script passes on: where they may go, and what can't be done because one is not known any more.

use super::Session;
use super::passing::Passing;
use crate::data::Arguments;
use crate::event::Event;
use crate::failure::{Failure, Kind, Result};
use crate::journal::{Call, Outcome};
use crate::primitive::{AnyPrimitive, Sort};
use crate::secret::{self, Lost, Unfit, Why};
use crate::site::Server;
use serde_json::Value;

impl Session {
    /// Learns the secrets of a server; before anything of it is compared, shown or written down.
    pub(super) fn learn(&self, server: &Server) {
        if let Some(text) = server.learn_secrets() {
            self.tell(&Event::Warned { text: text.into() });
        }
    }

    /// The call as its server gets it. What is only shown to a person may have any secret in it: it is shown by its name.
    pub(super) fn exact(&self, passing: &Passing) -> Result<Call> {
        let Passing { call, server, .. } = *passing;
        let primitive = passing.given.primitive;
        if !matches!(primitive.sort(), Sort::Look | Sort::Change) {
            return Ok(call.clone());
        }
        let elsewhere = server.filter(|server| server.ssh.is_some()).map(|server| server.name.as_str());
        let (own, foreign): (Arguments, Arguments) = call
            .arguments
            .clone()
            .into_iter()
            .partition(|(_, value)| elsewhere.is_none() || !is_all_of(value, elsewhere));
        // What only that server knows is put together there.
        let mut arguments =
            secret::given_to(own, primitive.secrets()).map_err(|(name, unfit)| match unfit {
                Unfit::Secret(secret) => misplaced(&secret, &name, primitive),
                Unfit::Lost(lost) => self.lost(&lost),
            })?;
        for (name, value) in foreign {
            let may_have = primitive.secrets().contains(&name.as_str());
            if let (false, Some(secret)) = (may_have, secret::names_in(&value).into_iter().next()) {
                return Err(misplaced(&secret, &name, primitive));
            }
            arguments.insert(name, secret::put_together(value));
        }
        Ok(Call { name: call.name.clone(), arguments })
    }

    /// Whether something is recorded that can't be read any more, because a secret in it has changed.
    pub fn has_lost(&self) -> bool {
        let lost = |value: &Value| {
            secret::has_letters(value)
                && secret::lost_in(&secret::put_together(value.clone())).iter().any(|lost| lost.at.is_none())
        };
        let written = self.written.lock();
        let in_outcomes = written.index.calls().any(|record| match &record.outcome {
            Some(Outcome::Done(value)) => lost(value),
            Some(Outcome::Failed(failure)) => {
                let texts = failure.why.iter().chain([&failure.message]);
                texts.into_iter().any(|text| lost(&text.as_str().into()))
            }
            None => false,
        });
        in_outcomes || self.header.parameters.values().any(lost)
    }

    /// Why nothing can be done with a text. It names where the text came from.
    pub fn lost(&self, lost: &Lost) -> Failure {
        let name = lost.name();
        if let Some(server) = &lost.at {
            return Failure::new(Kind::Refused, format!("the secret {name} is known on `{server}` only"))
                .help(format!("pass this text to `{server}`, where it was read"));
        }
        let message = match lost.why {
            Why::Changed => format!(
                "{name} has changed since this run read it, or was recorded with another user's key: its earlier value \
                 is not known"
            ),
            Why::Guessable => format!(
                "a text with {name} was not recorded, because it is easily guessed, and can't be read back"
            ),
            Why::Unnamed => {
                "a text with a secret can't be read back: the version that began this run did not record which one"
                    .into()
            }
        };
        let failure = Failure::new(Kind::Mismatch, message);
        let failure = match self.read_at(lost.letter) {
            Some(place) => failure.why(format!("a text with it was read by {place}")),
            None => failure,
        };
        let anew = format!("start again with `banister run {} --abandon`", self.header.runbook);
        failure.help(match lost.why {
            Why::Changed => format!("put the earlier value back, then `banister resume`; or {anew}"),
            Why::Guessable => {
                format!("read it in the script where it is needed, as with `read_env`; or {anew}")
            }
            Why::Unnamed => anew,
        })
    }

    /// Remembers by which call a text was read that can't be put together any more.
    pub(super) fn note_lost(&self, value: &Value, place: impl Fn() -> String) {
        if !secret::has_letters(value) {
            return;
        }
        let lost = secret::lost_in(value).into_iter().filter(|lost| lost.at.is_none());
        let mut known = self.lost.lock();
        for lost in lost {
            known.entry(lost.letter).or_insert_with(&place);
        }
    }

    fn read_at(&self, letter: char) -> Option<String> {
        self.lost.lock().get(&letter).cloned()
    }
}

/// Whether a value has secrets in it that only this server knows, and no other that can't be had.
fn is_all_of(value: &Value, server: Option<&str>) -> bool {
    let lost = secret::lost_in(value);
    !lost.is_empty() && lost.iter().all(|lost| lost.at.as_deref() == server)
}

fn misplaced(secret: &str, argument: &str, primitive: &dyn AnyPrimitive) -> Failure {
    let message = format!(
        "the secret `{secret}` can't be in `{argument}` of `{}`, where others can read it",
        primitive.name()
    );
    Failure::new(Kind::Invalid, message).help(
        "give it to a command in its environment, and use the variable there: \
         server.shell(\"psql …\", #{ environment: #{ PGPASSWORD: server.read_env(\"DB_PASSWORD\") } })",
    )
}
