//! Between a script's values and plain data.

use super::here::Here;
use super::values::{ServerValue, server_argument};
use crate::data;
use crate::secret::Secret;
use crate::units;
use rhai::{Dynamic, EvalAltResult, Map};
use serde_json::{Value, json};
use std::sync::Arc;

/// A script's value as plain data. What is not plain (a closure, a position) can't be passed to a primitive.
pub fn to_plain(value: &Dynamic) -> Result<Value, Box<EvalAltResult>> {
    if value.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(yes) = value.as_bool() {
        return Ok(yes.into());
    }
    if let Ok(number) = value.as_int() {
        return Ok(number.into());
    }
    if let Ok(number) = value.as_float() {
        // JSON has no form for it, and would say nothing instead.
        return serde_json::Number::from_f64(number)
            .map(Value::Number)
            .ok_or_else(|| format!("`{number}` is no number that can be passed to a primitive").into());
    }
    if value.is_string() {
        return Ok(value.clone().into_string().unwrap_or_default().into());
    }
    if let Ok(letter) = value.as_char() {
        return Ok(letter.to_string().into());
    }
    if let Some(items) = value.read_lock::<rhai::Array>() {
        return items.iter().map(to_plain).collect::<Result<Vec<_>, _>>().map(Value::Array);
    }
    if let Some(map) = value.read_lock::<Map>() {
        return map_to_plain(&map).map(Value::Object);
    }
    if let Some(server) = value.read_lock::<ServerValue>() {
        return Ok(server_argument(&server));
    }
    if let Some(duration) = value.read_lock::<units::Duration>() {
        return Ok(json!(*duration));
    }
    if let Some(size) = value.read_lock::<units::Size>() {
        return Ok(json!(*size));
    }
    if let Some(secret) = value.read_lock::<Secret>() {
        return Ok(json!(*secret));
    }
    if let Some(unknown) = value.read_lock::<super::unknown::Unknown>() {
        return Ok(data::unknown(unknown.about.clone()));
    }
    Err(format!("a value of type {} can't be passed to a primitive", value.type_name()).into())
}

/// A map of a script as plain data.
pub fn map_to_plain(map: &Map) -> Result<data::Arguments, Box<EvalAltResult>> {
    map.iter().map(|(name, item)| Ok((name.to_string(), to_plain(item)?))).collect()
}

/// Plain data as a script's value. Where a plan does not know which of a few values it will be, `here` is asked.
pub fn to_dynamic(value: &Value, here: &Here) -> Result<Dynamic, Box<EvalAltResult>> {
    if let Some(Value::String(name)) = data::tagged(value, data::SERVER) {
        let server = here.session.site.server(name).map_err(super::values::to_error)?;
        return Ok(Dynamic::from(ServerValue(Arc::new(server.clone()))));
    }
    if let Some(Value::Array(values)) = data::tagged(value, data::ONE_OF) {
        let about = value.get("about").and_then(Value::as_str).unwrap_or_default();
        return to_dynamic(here.choose(about, values)?, here);
    }
    match value {
        Value::Array(items) => {
            Ok(items.iter().map(|item| to_dynamic(item, here)).collect::<Result<rhai::Array, _>>()?.into())
        }
        Value::Object(object) if !object.keys().any(|name| name.starts_with('$')) => {
            let fields =
                object.iter().map(|(name, item)| Ok((name.as_str().into(), to_dynamic(item, here)?)));
            Ok(fields.collect::<Result<Map, Box<EvalAltResult>>>()?.into())
        }
        Value::Number(number) if number.is_u64() && !number.is_i64() => {
            Err(format!("`{number}` is too large for a number of a script").into())
        }
        other => Ok(plain_to_dynamic(other)),
    }
}

/// Plain data that speaks of no server and of nothing unknown but as a whole.
pub fn plain_to_dynamic(value: &Value) -> Dynamic {
    if let Some(Value::String(text)) = data::tagged(value, data::DURATION) {
        return text.parse::<units::Duration>().map(Dynamic::from).unwrap_or_default();
    }
    if let Some(Value::String(text)) = data::tagged(value, data::SIZE) {
        return text.parse::<units::Size>().map(Dynamic::from).unwrap_or_default();
    }
    if let Some(Value::String(name)) = data::tagged(value, data::SECRET) {
        return Dynamic::from(Secret { name: name.clone() });
    }
    if let Some(Value::String(about)) = data::tagged(value, data::UNKNOWN) {
        return Dynamic::from(super::unknown::Unknown::new(about));
    }
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(yes) => (*yes).into(),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => integer.into(),
            None => number.as_f64().unwrap_or_default().into(),
        },
        Value::String(text) => text.into(),
        Value::Array(items) => items.iter().map(plain_to_dynamic).collect::<rhai::Array>().into(),
        Value::Object(object) => object
            .iter()
            .map(|(name, item)| (name.as_str().into(), plain_to_dynamic(item)))
            .collect::<Map>()
            .into(),
    }
}
