//! Values that a format could change on their way.

use super::model::{AWKWARD, FLOAT};
use serde_json::{Value, json};
use std::sync::LazyLock;

/// By name; a script asks for them with `read_yaml`.
pub static ALL: LazyLock<Vec<(&'static str, Value)>> = LazyLock::new(all);

fn all() -> Vec<(&'static str, Value)> {
    let mut named_awkwardly = serde_json::Map::new();
    for key in
        ["$pieces", "$entries", "$servers", "$", "", AWKWARD, "attempt", "key", "result", "sum", "done"]
    {
        named_awkwardly.insert(key.into(), json!([key, { key: -0.0 }]));
    }
    vec![
        ("fraction", json!(FLOAT)),
        ("huge", json!(1e300)),
        ("zero_below", json!(-0.0)),
        ("sum", json!(0.1 + 0.2)),
        ("smallest", json!(5e-324)),
        ("greatest", json!(f64::MAX)),
        ("whole", json!(3.0)),
        ("most", json!(i64::MAX)),
        ("least", json!(i64::MIN)),
        ("empty", json!("")),
        ("awkward", json!(AWKWARD)),
        ("words", json!(super::words::of_formats().join(" "))),
        ("told", json!(format!("password={} is told", super::secrets::PASSWORD))),
        ("pieces", json!({ "$pieces": ["a", { "$secret": 1 }], "tag": "0" })),
        ("entries", json!({ "$entries": [["$server", "gateway"]] })),
        ("look_alike", json!("{\"$server\":\"gateway\"}")),
        ("long", json!("\u{100001}0,\"sum\":\"".repeat(300))),
        ("nothing", Value::Null),
        ("truth", json!([true, false, [], {}])),
        ("nested", json!([[[[{ "": [FLOAT, [AWKWARD], i64::MIN] }]]]])),
        ("named_awkwardly", Value::Object(named_awkwardly)),
    ]
}

pub fn value(name: &str) -> Option<Value> {
    ALL.iter().find(|(other, _)| *other == name).map(|(_, value)| value.clone())
}
