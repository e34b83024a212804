//! What is said between who looks on and the home of a run: a line of JSON each. The first line of each side is a [`Hello`] and
//! a [`Welcome`](crate::reach::wire::Welcome).

use super::parcel::Parcel;
use crate::data::Arguments;
use crate::key::KeyBuf;
use crate::person::{Answer, Question};
use crate::reach::wire::Speaks;
use crate::runner::answers::Given;
use crate::secret::Shown;
use crate::stop::Asked;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The first line of who wants something.
#[derive(Serialize, Deserialize)]
pub struct Hello {
    pub program: String,
    pub speaks: Speaks,
    pub caller: Caller,
    pub what: What,
}

/// Who wants it, and what their command line says for every command.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Caller {
    /// `user@host`.
    pub by: String,
    /// The name of the schedule that wants it, if one does.
    #[serde(default)]
    pub schedule: Option<String>,
    /// Whether somebody is there who can be asked.
    pub interactive: bool,
    pub color: bool,
    pub json: bool,
    pub quiet: bool,
    pub verbose: bool,
    /// `--site` and `--server`, as they were typed.
    pub site: Option<PathBuf>,
    pub server: Option<String>,
}

/// What is wanted.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Begins a run under this name.
    Begin {
        run: String,
        runbook: String,
        parameters: Arguments,
        /// Those of `run`.
        answers: Value,
        abandon: Option<String>,
        parcel: Parcel,
    },
    /// Continues a run, with the site as it is here now.
    Resume {
        run: String,
        options: Value,
        parcel: Option<Parcel>,
    },
    /// Looks on, if somebody works on it.
    Attach {
        run: String,
    },
    Show {
        run: String,
    },
    /// The runs of a site's server, as [`key`](super::parcel::key) names it: [`Says::Runs`].
    Runs {
        key: String,
        /// Those of the same checkout are meant as well: the server may have had another name.
        #[serde(default)]
        checkout: PathBuf,
        /// And these, wherever they are there.
        #[serde(default)]
        runs: Vec<String>,
    },
    /// Tells what happens in a run from there on: the number of a session and of a line in it.
    Follow {
        run: String,
        since: (u64, u64),
    },
}

/// What the home says.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// Where the site's part of the run is there.
    Site(PathBuf),
    /// For standard output, and for standard error.
    Out(String),
    Error(String),
    /// A question of the command; answered with [`Wish::Answer`].
    Ask(Question),
    /// The run is there, and has this name.
    Begun(String),
    /// A runner works on it, from this session on: it is to be followed.
    View {
        run: String,
        session: u64,
    },
    Runs(Vec<Listed>),
    /// The command ended with this code.
    Exit(u8),
    /// An event, its line as it stands there, and its place.
    Event {
        at: (u64, u64),
        line: String,
    },
    /// The last line of each course.
    Live(BTreeMap<KeyBuf, Shown>),
    /// Whether somebody works on the run.
    Works(bool),
    /// A question has this answer.
    Answered {
        question: String,
        given: Given,
    },
    /// That the run is to stop is written down.
    Stopping(Asked),
}

/// What who looks on says. Each is an object: nothing else counts as a message.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// To the question of a command; nothing if it was left.
    Answer(Option<Answer>),
    /// To a question of the run.
    Give {
        question: String,
        given: Given,
    },
    Stop(Asked),
    /// How the run stands, as its end says it; answered with [`Says::Out`] and [`Says::Exit`].
    Outcome {},
}

/// A run, as it is listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Listed {
    pub run: String,
    pub runbook: String,
    pub servers: Vec<String>,
    pub state: String,
    /// RFC 3339, UTC.
    pub started: String,
    /// What is wrong with its journal, in a few words.
    pub wrong: String,
    /// As `runs --json` has it.
    pub head: Value,
    pub is_open: bool,
    pub is_at_work: bool,
    /// When its last record was written: RFC 3339, UTC. Absent while somebody works on it.
    #[serde(default)]
    pub ended: Option<String>,
    /// Whether it does not get on alone, or did not do what it was begun for; of the newest run only.
    #[serde(default)]
    pub needs_somebody: bool,
    /// How it stands, and the next command; of the newest run only.
    pub text: String,
    pub next: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_begins_as_the_other_side_reads_one() {
        let given = || Given { text: "yes".into(), by: "ann".into(), id: "1".into(), prepared: None };
        let question = || "000001-question.0".to_owned();
        let wishes = [
            Wish::Answer(None),
            Wish::Give { question: question(), given: given() },
            Wish::Stop(Asked::Finish),
            Wish::Outcome {},
        ];
        let says = [
            Says::Site("/".into()),
            Says::Out(String::new()),
            Says::Begun(String::new()),
            Says::Runs(Vec::new()),
            Says::Exit(0),
            Says::Live(BTreeMap::new()),
            Says::Works(true),
            Says::Answered { question: question(), given: given() },
            Says::Stopping(Asked::Cancel),
        ];
        let wishes = wishes.iter().map(|wish| serde_json::to_string(wish).unwrap());
        let says = says.iter().map(|says| serde_json::to_string(says).unwrap());
        wishes.chain(says).for_each(|line| assert!(line.starts_with('{'), "{line}"));
    }
}
