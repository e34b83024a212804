//! What passes between banister and its agent on a server: JSON, a line for each message.
//!
//! The agent's first line is a [`Hello`] from its caller, which it answers with a [`Welcome`]. Both say which protocols they
//! speak; the newest one that both do is spoken, whatever versions the two programs are of. Then requests come, each with a
//! number, and for each of them any number of [`Said::Told`] and one other answer with the same number. Lines of
//! different requests may come in any order.
//!
//! Values are sent as they are written down: a secret of the server is named, and only the server puts it together. What
//! is told is for eyes, and hidden there.

use super::inquiry::Inquiry;
use crate::book::End;
use crate::data::Arguments;
use crate::failure::{Context, Failure, Kind, Result};
use crate::lock::Holder;
use crate::primitive::Told;
use crate::secret::stored;
use crate::site::Server;
use crate::stop::Asked;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The protocol that is spoken here. It is raised by what an older side would not understand; what it only does not know, as
/// a field more, needs no other one.
pub const PROTOCOL: u32 = 1;
/// The oldest one that is still spoken.
pub const OLDEST: u32 = 1;

/// How often the caller says that it is there.
pub const BEAT: Duration = Duration::from_secs(5);
/// After how long without a word either side takes the other for lost.
pub const SILENCE: Duration = Duration::from_secs(20);

/// The caller's first line.
#[derive(Debug, Serialize, Deserialize)]
pub struct Hello {
    /// The version of the caller.
    pub program: String,
    #[serde(default = "Speaks::first")]
    pub speaks: Speaks,
    pub name: String,
    /// As its table in `site.toml` says.
    pub server: Value,
}

impl Hello {
    /// What the caller says for this server. Fails with [`Kind::Bug`] if a server is no plain data.
    pub fn of(server: &Server) -> Result<Hello> {
        let mut table =
            serde_json::to_value(server).or_fail(Kind::Bug, || "a server is not plain data".into())?;
        // A table does not name itself.
        table.as_object_mut().and_then(|table| table.remove("name"));
        let program = env!("CARGO_PKG_VERSION").into();
        Ok(Hello { program, speaks: Speaks::OURS, name: server.name.clone(), server: table })
    }

    /// The server, for whom it is on this machine. Fails with [`Kind::Invalid`] if it is none, as where the caller is newer
    /// and knows more keys.
    pub fn server(&self) -> Result<Server> {
        let program = env!("CARGO_PKG_VERSION");
        let server = serde_json::from_value(self.server.clone());
        let mut server: Server = server.or_fail(Kind::Invalid, || {
            format!("banister {program} there does not know all that site.toml says")
        })?;
        if let Some(key) = self.unknown_key(&server) {
            let message = format!("banister {program} there does not know `{key}`, which site.toml sets");
            return Err(Failure::new(Kind::Invalid, message));
        }
        (server.name, server.ssh) = (self.name.clone(), None);
        server.settle(Path::new("/"));
        Ok(server)
    }

    /// A key that has a value, and that this program does not know. Passed over, it would make another server of it.
    fn unknown_key(&self, known: &Server) -> Option<&str> {
        let known = serde_json::to_value(known).unwrap_or_default();
        let is_unset = |value: &Value| match value {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.is_empty(),
            Value::Array(values) => values.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            _ => false,
        };
        let said = self.server.as_object()?;
        let mut unknown = said.iter().filter(|(key, value)| known.get(key).is_none() && !is_unset(value));
        unknown.next().map(|(key, _)| key.as_str())
    }
}

/// The agent's first line.
#[derive(Debug, Serialize, Deserialize)]
pub struct Welcome {
    /// The version of the agent.
    pub program: String,
    #[serde(default = "Speaks::first")]
    pub speaks: Speaks,
    /// Why it serves no such caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refuses: Option<Failure>,
}

/// The protocols that a side speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speaks {
    pub oldest: u32,
    pub newest: u32,
}

impl Speaks {
    pub const OURS: Speaks = Speaks { oldest: OLDEST, newest: PROTOCOL };

    /// Of a program from before protocols had numbers.
    fn first() -> Speaks {
        Speaks { oldest: 1, newest: 1 }
    }

    /// Which of two sides must be updated, if they speak no protocol in common: the one that is behind.
    pub fn behind(self, other: Speaks) -> Option<Behind> {
        match () {
            () if self.newest < other.oldest => Some(Behind::This),
            () if other.newest < self.oldest => Some(Behind::Other),
            () => None,
        }
    }
}

/// Of two sides, the one that is too old for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    This,
    Other,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    pub id: u64,
    pub what: What,
}

/// A request of which no more is known than that somebody waits for its answer.
#[derive(Debug, Deserialize)]
pub struct Numbered {
    pub id: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    Perform(Task),
    Predict(Task),
    AfterCrash(Task),
    End(Task),
    /// Takes the lock; answered with the name of the run that had it before, if there was one.
    Hold {
        holder: Holder,
    },
    /// Writes into the server's book how the session leaves the run.
    Close {
        end: End,
    },
    /// Hands the lock back.
    Release,
    Inquire(Inquiry),
    /// Passes on to the request of this number what a person asks; not answered.
    Stop {
        id: u64,
        asked: Asked,
    },
    /// Answered with [`Value::Null`], like everything that has nothing to say.
    Beat,
}

/// A call of a primitive.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Task {
    pub primitive: String,
    #[serde(with = "stored::fields")]
    pub arguments: Arguments,
    /// The folder of this attempt. Absent in plans.
    pub attempt: Option<Attempt>,
    /// The step in which it is called.
    pub step: String,
    /// The values of the secrets among the arguments, by name, as far as the caller knows them.
    pub secrets: BTreeMap<String, String>,
}

/// An attempt of a run, as both sides name it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    pub run: String,
    /// The name of the attempt's folder.
    pub folder: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Reply {
    pub id: u64,
    pub said: Said,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    Told(Told),
    Done(#[serde(with = "stored::value")] Value),
    Failed(#[serde(with = "stored::failure")] Failure),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_sides_without_a_protocol_in_common_the_older_is_behind() {
        let speaks = |oldest, newest| Speaks { oldest, newest };
        assert_eq!(speaks(1, 2).behind(speaks(2, 3)), None);
        assert_eq!(speaks(1, 1).behind(speaks(2, 3)), Some(Behind::This));
        assert_eq!(speaks(2, 3).behind(speaks(1, 1)), Some(Behind::Other));
        let old: Welcome = serde_json::from_str(r#"{"program":"0.0.9"}"#).unwrap();
        assert_eq!(old.speaks, Speaks { oldest: 1, newest: 1 }, "before protocols had numbers");
    }
}
