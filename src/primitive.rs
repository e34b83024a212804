//! What a primitive is.
//!
//! A primitive is one file in `primitives/`: its documentation, its arguments, what it does, what a plan may assume of
//! it, and what a second attempt after a crash does. It takes plain data and gives plain data; it never calls another
//! primitive. What combines primitives is Rhai, in `stdlib/`.

pub(crate) mod given;
mod page;
mod signature;

pub use given::Accepted;
pub(crate) use given::Given;
pub use page::Page;
pub use signature::{Parameter, Signature};

use crate::data::Arguments;
use crate::failure::{Failure, Kind, Result};
use crate::person::{Answer, Question};
use crate::secret::Shown;
use crate::site::Server;
use crate::stop::Stop;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// A part of a server's state. A plan uses it to know which looks a planned change makes meaningless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facet {
    /// What is checked out.
    Checkout,
    /// Which commits and tags the checkout knows.
    History,
    /// Settings files.
    Settings,
    /// Which actions that releases ask for are done.
    Actions,
    /// What runs, and how it answers. It changes by itself, too.
    Services,
    /// Which backups there are, and how far they are proven.
    Backups,
    /// Free room on disks. It changes by itself, too.
    Space,
    /// The time of day. It changes by itself, too.
    Clock,
    /// Anything that a command could change.
    Everything,
}

impl Facet {
    /// Whether it stays as it is while nobody changes it, so that a plan can rest on it.
    pub fn is_steady(self) -> bool {
        !matches!(self, Facet::Services | Facet::Space | Facet::Clock)
    }
}

/// What a primitive may use while it acts: the server it acts on, and the session it acts for.
pub struct Host<'a> {
    /// Absent for calls that are about no server.
    pub server: Option<&'a Server>,
    /// The folder of this attempt, for a supervised command.
    pub folder: &'a Path,
    pub stop: &'a Stop,
    /// Tells whoever looks on.
    pub tell: &'a (dyn Fn(Told) + Sync),
    /// Takes the lock of the server for a purpose, if this session does not hold it.
    pub hold: &'a (dyn Fn(&str) -> Result<()> + Sync),
}

/// What a primitive can tell while it acts: for eyes, so that secrets are hidden where they are known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// A line of a command's output, or how far something is.
    Progress(Shown),
    /// A sentence for the person.
    Note(Shown),
    /// A longer text for the person.
    Text { title: Shown, text: Shown },
    /// What a person should know, but what stops nothing.
    Warning(Shown),
}

impl Host<'_> {
    /// The server, for primitives that need one.
    pub fn server(&self) -> Result<&Server> {
        self.server.ok_or_else(|| Failure::new(Kind::Bug, "a call without a server"))
    }

    /// The name of the run, which is that of the folder around those of its attempts.
    pub fn run(&self) -> String {
        let run = self.folder.ancestors().nth(2).and_then(Path::file_name);
        run.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Fails if a signal asked to stop. Called by whatever waits.
    pub fn go_on(&self) -> Result<()> {
        match self.stop.is_asked() {
            true => Err(Failure::new(Kind::Interrupted, "interrupted")),
            false => Ok(()),
        }
    }
}

/// How a primitive acts. There is no default: each must choose.
pub enum Act<P: Primitive> {
    /// Only reads. Done in plans too, unless the plan has changed what it reads; done again after a crash.
    Look {
        reads: &'static [Facet],
        perform: fn(&P::Arguments, &Host) -> Result<P::Outcome>,
        /// What a plan assumes when it has changed what this reads; it may look elsewhere, and changes nothing.
        predict: fn(&P::Arguments, &Host) -> Result<Value>,
    },
    /// Changes the server.
    Change {
        touches: &'static [Facet],
        perform: fn(&P::Arguments, &Host) -> Result<P::Outcome>,
        /// What a plan may assume; it may look at the server, and changes nothing.
        predict: fn(&P::Arguments, &Host) -> Result<Value>,
        after_crash: AfterCrash<P>,
    },
    /// Needs a person.
    Ask {
        question: fn(&P::Arguments) -> Question,
        answered: fn(&P::Arguments, &Answer) -> Result<P::Outcome>,
        /// What a plan assumes as the answer.
        predict: fn(&P::Arguments) -> Value,
    },
    /// Is for the session alone: done by each anew, recorded by none.
    Session { perform: fn(&P::Arguments, &Host) -> Result<P::Outcome> },
}

/// What a second attempt does when the first was cut off and nobody knows how far it came.
pub enum AfterCrash<P: Primitive> {
    /// Twice is the same as once: do it again.
    Repeat,
    /// Look how far it came.
    Probe(Prober<P>),
    /// Only a person can tell.
    Ask,
}

/// Looks how far a call came that was cut off.
pub type Prober<P> = fn(&<P as Primitive>::Arguments, &Host) -> Result<Probe<<P as Primitive>::Outcome>>;

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe<O> {
    /// It happened, with this outcome.
    Done(O),
    /// Performing it, in the same attempt, does what is left to do.
    GoOn,
    /// It was stopped on purpose and did not get through: what is left is done by a new attempt.
    Again,
    /// It can't be known; a person is asked, and told this.
    Unknown(String),
}

/// A primitive, as its file writes it.
pub trait Primitive: Sized + 'static {
    /// What the script passes, what is checked, and what the journal stores. Denies unknown fields.
    type Arguments: Serialize + DeserializeOwned;
    type Outcome: Serialize + DeserializeOwned;
    const NAME: &'static str;
    /// The file's own text; its first comment is the documentation.
    const SOURCE: &'static str;
    /// The arguments in which a secret may stand, also within a text: those that nobody else on the machine can read.
    const SECRETS: &'static [&'static str] = &[];
    const ACT: Act<Self>;

    /// Learns what becomes secret by the call, before it is written down. Nothing, for most.
    fn learn(_arguments: &Self::Arguments, _server: &Server) {}
}

/// The sort of an [`Act`], without its functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Look,
    Change,
    Ask,
    Session,
}

/// Whether it changes more of a server than its backups, its git history and what is noted of it: what is done before it
/// is not half-way.
pub fn changes_server(primitive: &dyn AnyPrimitive) -> bool {
    // What works on backups also takes room for a while, or frees some: nothing of the server waits for that.
    let of_backups = primitive.facets().contains(&Facet::Backups);
    let is_aside = |facet: &Facet| match facet {
        Facet::History | Facet::Actions | Facet::Backups => true,
        Facet::Space => of_backups,
        _ => false,
    };
    primitive.sort() == Sort::Change && !primitive.facets().iter().all(is_aside)
}

/// A primitive, as the gate sees it: plain data in, plain data out.
pub trait AnyPrimitive: Send + Sync {
    fn name(&self) -> &'static str;
    fn page(&self) -> Page;
    fn sort(&self) -> Sort;
    /// The arguments in which a secret may stand.
    fn secrets(&self) -> &'static [&'static str];
    /// What it reads or touches.
    fn facets(&self) -> &'static [Facet];
    /// Takes the arguments of a call. Fails with [`Kind::Invalid`] if they are not of its form.
    fn accept(&self, arguments: &Arguments) -> Result<Box<dyn Accepted>>;
}

/// Makes a primitive plain.
pub struct Of<P>(std::marker::PhantomData<fn() -> P>);

impl<P> Of<P> {
    pub const fn new() -> Of<P> {
        Of(std::marker::PhantomData)
    }
}

impl<P> Default for Of<P> {
    fn default() -> Of<P> {
        Of::new()
    }
}

impl<P: Primitive> AnyPrimitive for Of<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn page(&self) -> Page {
        Page::of(P::NAME, P::SOURCE)
    }

    fn sort(&self) -> Sort {
        match P::ACT {
            Act::Look { .. } => Sort::Look,
            Act::Change { .. } => Sort::Change,
            Act::Ask { .. } => Sort::Ask,
            Act::Session { .. } => Sort::Session,
        }
    }

    fn secrets(&self) -> &'static [&'static str] {
        P::SECRETS
    }

    fn facets(&self) -> &'static [Facet] {
        match P::ACT {
            Act::Look { reads, .. } => reads,
            Act::Change { touches, .. } => touches,
            Act::Ask { .. } | Act::Session { .. } => &[],
        }
    }

    fn accept(&self, arguments: &Arguments) -> Result<Box<dyn Accepted>> {
        let refused = |error: serde_json::Error| {
            let message = format!("`{}`: {}", P::NAME, reword(&error.to_string()));
            Failure::new(Kind::Invalid, message)
                .help(format!("read its documentation with `banister doc {}`", P::NAME))
        };
        P::Arguments::deserialize(arguments)
            .map(|arguments| Box::new(Typed::<P>(arguments)) as Box<dyn Accepted>)
            .map_err(refused)
    }
}

/// The arguments of a call as the primitive takes them.
struct Typed<P: Primitive>(P::Arguments);

impl<P: Primitive> Accepted for Typed<P> {
    fn learn(&self, server: &Server) {
        P::learn(&self.0, server);
    }

    fn perform(&self, host: &Host) -> Result<Value> {
        match P::ACT {
            Act::Look { perform, .. } | Act::Change { perform, .. } | Act::Session { perform } => {
                plain(&perform(&self.0, host)?)
            }
            Act::Ask { .. } => Err(Failure::new(Kind::Bug, "a question was performed")),
        }
    }

    fn predict(&self, host: &Host) -> Result<Value> {
        match P::ACT {
            Act::Ask { predict, .. } => Ok(predict(&self.0)),
            Act::Look { predict, .. } | Act::Change { predict, .. } => predict(&self.0, host),
            Act::Session { .. } => Ok(Value::Null),
        }
    }

    fn question(&self) -> Result<Question> {
        match P::ACT {
            Act::Ask { question, .. } => Ok(question(&self.0)),
            _ => Err(Failure::new(Kind::Bug, "a question of a primitive that asks nothing")),
        }
    }

    fn answered(&self, answer: &Answer) -> Result<Value> {
        match P::ACT {
            Act::Ask { answered, .. } => plain(&answered(&self.0, answer)?),
            _ => Err(Failure::new(Kind::Bug, "an answer to a primitive that asks nothing")),
        }
    }

    fn after_crash(&self, host: &Host) -> Result<Probe<Value>> {
        match P::ACT {
            Act::Change { after_crash: AfterCrash::Probe(probe), .. } => Ok(match probe(&self.0, host)? {
                Probe::Done(outcome) => Probe::Done(plain(&outcome)?),
                Probe::GoOn => Probe::GoOn,
                Probe::Again => Probe::Again,
                Probe::Unknown(why) => Probe::Unknown(why),
            }),
            Act::Change { after_crash: AfterCrash::Ask, .. } => {
                Ok(Probe::Unknown("it was started, and nothing shows how far it came".into()))
            }
            _ => Ok(Probe::GoOn),
        }
    }
}

fn plain(outcome: &impl Serialize) -> Result<Value> {
    serde_json::to_value(outcome)
        .map_err(|error| Failure::new(Kind::Bug, "an outcome is not plain data").why(error))
}

/// serde's words for wrong arguments, as an admin would say it.
fn reword(said: &str) -> String {
    said.replace("unknown field", "there is no option")
        .replace("missing field", "this is missing:")
        .replace("invalid type: null", "it is given ()")
        .replace("invalid type: ", "it is given ")
        .replace("map, expected", "a map, expected")
        .replace("sequence", "an array")
}
