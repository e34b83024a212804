//! What a plan rests on: what was looked at when it was made, to be looked at again before it is carried out.

use super::Reach;
use crate::data;
use crate::failure::{Failure, Kind, Result};
use crate::journal::Call;
use crate::primitive::{Given, Host, Told};
use crate::primitives;
use crate::secret::{put_together, stored};
use crate::site::Site;
use crate::stop::Stop;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A look, and what it saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    #[serde(flatten)]
    pub call: Call,
    #[serde(with = "stored::value")]
    pub outcome: Value,
}

/// Looks again, and fails if anything else is seen than before.
pub fn look_again(facts: &[Fact], site: &Site, reach: &dyn Reach, stop: &Stop) -> Result<()> {
    for fact in facts {
        let shown = primitives::describe(&fact.call);
        let primitive = primitives::find(&fact.call.name).ok_or_else(|| {
            Failure::new(Kind::Invalid, format!("the plan rests on `{}`, which is not there", fact.call.name))
        })?;
        let server = data::server_of(&fact.call.arguments).map(|name| site.server(name)).transpose()?;
        let host = Host {
            server,
            folder: std::path::Path::new(""),
            stop,
            tell: &|_: Told| {},
            hold: &|_: &str| Ok(()),
        };
        server.into_iter().for_each(|server| drop(server.learn_secrets()));
        let together = |(name, value): (&String, &Value)| (name.clone(), put_together(value.clone()));
        let arguments = fact.call.arguments.iter().map(together).collect();
        let seen = reach.perform(&Given::new(primitive, &arguments), &host)?;
        if seen != put_together(fact.outcome.clone()) {
            let failure =
                Failure::new(Kind::Invalid, format!("the plan no longer holds: {shown} is another now"))
                    .why(format!("when it was made: {}", data::describe(&fact.outcome)))
                    .why(format!("now: {}", data::describe(&seen)));
            return Err(failure);
        }
    }
    Ok(())
}
