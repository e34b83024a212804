//! What an agent hears from its caller: messages with a bound, and what is none.

use super::lines::{self, Line, first_of};
use super::wire::{Hello, Numbered, Request, SILENCE};
use crate::failure::{Failure, Kind, Result};
use std::io::BufRead;
use std::sync::mpsc::{self, Receiver};

/// So many messages are read ahead: who sends more than is taken has to wait.
const AHEAD: usize = 4;

/// The caller, and what it says.
pub struct Caller(Receiver<Line>);

/// What was heard.
pub enum Heard {
    Request(Box<Request>),
    /// A request that this agent does not know, by its number, and the answer to it.
    Unknown(u64, Failure),
    /// Nothing more will come, or nothing came for too long.
    Gone,
    /// It is no banister that speaks.
    Nonsense(Failure),
}

impl Caller {
    /// The caller at the other end of this input, which is read by a thread of its own, so that silence is noticed.
    pub fn of(mut input: impl BufRead + Send + 'static) -> Caller {
        let (sender, receiver) = mpsc::sync_channel(AHEAD);
        std::thread::spawn(move || {
            loop {
                let line = lines::next(&mut input);
                let is_last = !matches!(line, Line::Whole(_));
                if sender.send(line).is_err() || is_last {
                    break;
                }
            }
        });
        Caller(receiver)
    }

    /// Its first message. Fails with [`Kind::Invalid`] if it is another one.
    pub fn hello(&self) -> Result<Hello> {
        match self.0.recv_timeout(SILENCE) {
            Ok(Line::Whole(line)) => {
                serde_json::from_slice(&line).map_err(|error| no_banister(&first_of(&line)).why(error))
            }
            Ok(Line::Nonsense(said)) => Err(no_banister(&said)),
            Ok(Line::End) | Err(_) => Err(no_banister("")),
        }
    }

    /// What it says next.
    pub fn next(&self) -> Heard {
        let line = match self.0.recv_timeout(SILENCE) {
            Ok(Line::Whole(line)) => line,
            Ok(Line::Nonsense(said)) => return Heard::Nonsense(no_banister(&said)),
            Ok(Line::End) | Err(_) => return Heard::Gone,
        };
        match (serde_json::from_slice(&line), serde_json::from_slice(&line)) {
            (Ok(request), _) => Heard::Request(Box::new(request)),
            (Err(error), Ok(Numbered { id })) => Heard::Unknown(id, unknown(&error)),
            (Err(_), Err(_)) => Heard::Nonsense(no_banister(&first_of(&line))),
        }
    }
}

fn no_banister(said: &str) -> Failure {
    let failure = Failure::new(Kind::Invalid, "what calls `banister agent` is no banister");
    if said.is_empty() { failure } else { failure.why(format!("it said `{said}`")) }
}

fn unknown(error: &serde_json::Error) -> Failure {
    let message = format!("banister {} there does not understand a request", env!("CARGO_PKG_VERSION"));
    Failure::new(Kind::Refused, message).why(error).help(
        "install the same version on both machines, or remove `agent` from site.toml: then banister installs it there \
         automatically",
    )
}
