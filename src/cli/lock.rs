//! `banister lock`.

use super::context::{Context, at_once};
use crate::failure::Result;
use crate::lock::{self, State};
use crate::reach::inquiry;
use serde_json::{Value, json};

/// Shows who holds each server.
pub fn show(context: &Context) -> Result<u8> {
    let site = context.site()?;
    let reach = context.reach(&site);
    let mut list = Vec::new();
    let servers = context.servers(&site)?;
    let found = at_once(&servers, |server| inquiry::lock(reach.as_ref(), server));
    for (server, state) in servers.iter().zip(found) {
        let state = state?;
        let text = match &state {
            State::Free => "free".to_owned(),
            State::Held(holder) => format!("held by {}", lock::describe(holder)),
            State::Left(holder) => {
                format!(
                    "free; the last holder died: {}. Go on with `banister resume {}`",
                    lock::describe(holder),
                    holder.run
                )
            }
        };
        if !context.json {
            println!("{}: {text}", server.name);
        }
        let holder = match &state {
            State::Free => Value::Null,
            State::Held(holder) | State::Left(holder) => json!(holder),
        };
        list.push(
            json!({ "server": server.name, "held": matches!(state, State::Held(_)), "holder": holder }),
        );
    }
    if context.json {
        println!("{}", json!(list));
    }
    Ok(0)
}

/// Releases the lock of each server.
pub fn release(context: &Context, force: bool) -> Result<u8> {
    let site = context.site()?;
    let reach = context.reach(&site);
    let mut list = Vec::new();
    for server in context.servers(&site)? {
        let state = inquiry::release_lock(reach.as_ref(), server, force)?;
        let holder = match &state {
            State::Free => Value::Null,
            State::Held(holder) | State::Left(holder) => json!(holder),
        };
        list.push(
            json!({ "server": server.name, "was_held": matches!(state, State::Held(_)), "holder": holder }),
        );
        if context.json {
            continue;
        }
        let said = match state {
            State::Free => "was free".to_owned(),
            State::Held(holder) => format!("was taken from {}", lock::describe(&holder)),
            State::Left(holder) => format!("was left by {}", lock::describe(&holder)),
        };
        println!("{}: the lock {said}", server.name);
    }
    if context.json {
        println!("{}", json!(list));
    }
    Ok(0)
}
