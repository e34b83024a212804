//! `to_json` of maps: what JSON has no form for is an error. Rhai's own writes the names of our types in its place.

use super::convert::map_to_plain;
use super::error::place;
use super::unknown::Unknown;
use super::values::to_error;
use crate::data;
use crate::failure::{Failure, Kind};
use crate::units;
use rhai::{Dynamic, Engine, EvalAltResult, Map, NativeCallContext};
use serde_json::Value;

pub fn register(engine: &mut Engine) {
    engine.register_fn(
        "to_json",
        |context: NativeCallContext, map: &mut Map| -> Result<Dynamic, Box<EvalAltResult>> {
            let plain = Value::Object(units::tagged(|| map_to_plain(map))?);
            if data::contains(&plain, data::UNKNOWN) {
                return Ok(Dynamic::from(Unknown::new("a value of the map")));
            }
            let forms = [
                (data::SECRET, "secret", "pass it to `run` or `shell` in its `environment`"),
                (data::SERVER, "server", "write its name, `server.name`"),
                (data::SIZE, "size", "write its number, `….in_bytes`"),
                (data::DURATION, "duration", "write its number, `….in_seconds`"),
            ];
            match forms.into_iter().find(|(tag, ..)| data::contains(&plain, tag)) {
                None => Ok(plain.to_string().into()),
                Some((_, of, help)) => {
                    let mut failure =
                        Failure::new(Kind::Invalid, format!("a {of} can't be written as JSON")).help(help);
                    failure.at =
                        Some(place(context.call_source().unwrap_or_default(), context.call_position()));
                    Err(to_error(failure))
                }
            }
        },
    );
}
