//! The search service: one index with its mapping and documents in a file, and snapshots of it.

use super::Service;
use crate::failure::Result;
use crate::practice::http::{Request, Response};
use crate::practice::world::{make_folder, read_json, write_json};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

/// The name of the only index.
const INDEX: &str = "metadata-index";

pub fn run(service: &Service) -> Result<()> {
    let data = service.file("/usr/share/opensearch/data")?;
    let snapshots = service.file("/mnt/snapshots")?;
    make_folder(&data)?;
    make_folder(&snapshots)?;
    std::thread::sleep(Duration::from_millis(200));
    let store = Mutex::new(Store { data, snapshots });
    service.listen(move |request| {
        let store = store.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        store
            .answer(&request)
            .unwrap_or_else(|failure| Response::json(500, &json!({ "error": failure.to_string() })))
    })
}

struct Store {
    data: PathBuf,
    snapshots: PathBuf,
}

fn missing(name: &str) -> Result<Response> {
    Ok(Response::json(404, &json!({ "error": { "type": "not_found", "reason": name }, "status": 404 })))
}

fn done() -> Result<Response> {
    Ok(Response::json(200, &json!({ "acknowledged": true })))
}

/// Overwrites and adds fields, as a change of a mapping does.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            from.iter().for_each(|(key, value)| merge(into.entry(key).or_insert(Value::Null), value));
        }
        (into, from) => *into = from.clone(),
    }
}

impl Store {
    fn index_file(&self) -> PathBuf {
        self.data.join(format!("{INDEX}.json"))
    }

    fn index(&self) -> Option<Value> {
        read_json(&self.index_file()).ok()
    }

    fn answer(&self, request: &Request) -> Result<Response> {
        let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", [""]) => Ok(Response::json(200, &json!({ "version": { "number": "1.2.1" } }))),
            ("GET", ["_cluster", "health"]) => {
                let health =
                    json!({ "cluster_name": "docker-cluster", "status": "yellow", "number_of_nodes": 1 });
                Ok(Response::json(200, &health))
            }
            (method, ["_snapshot", rest @ ..]) => self.snapshot(method, rest, &body),
            ("PUT", [INDEX]) => {
                if self.index().is_some() {
                    return Ok(Response::json(400, &json!({ "error": "resource_already_exists_exception" })));
                }
                write_json(&self.index_file(), &json!({ "mapping": body["mappings"], "documents": [] }))?;
                done()
            }
            (method, [INDEX, rest @ ..]) => match self.index() {
                Some(index) => self.with_index(method, rest, index, &body),
                None => missing(INDEX),
            },
            _ => missing(&request.path),
        }
    }

    fn with_index(&self, method: &str, rest: &[&str], mut index: Value, body: &Value) -> Result<Response> {
        let count = index["documents"].as_array().map_or(0, Vec::len);
        match (method, rest) {
            ("GET" | "HEAD", []) | ("GET", ["_mapping"]) => {
                Ok(Response::json(200, &json!({ INDEX: { "mappings": index["mapping"] } })))
            }
            ("GET", ["_count"]) => Ok(Response::json(200, &json!({ "count": count }))),
            ("PUT", ["_mapping"]) => {
                merge(&mut index["mapping"], body);
                write_json(&self.index_file(), &index)?;
                done()
            }
            ("POST", ["_update_by_query"]) => {
                Ok(Response::json(200, &json!({ "total": count, "updated": count, "failures": [] })))
            }
            // Not OpenSearch's: all documents at once, to fill a new practice server.
            ("POST", ["_practice"]) => {
                index["documents"] = body.clone();
                write_json(&self.index_file(), &index)?;
                done()
            }
            ("DELETE", []) => {
                _ = std::fs::remove_file(self.index_file());
                done()
            }
            _ => missing(INDEX),
        }
    }

    fn snapshot(&self, method: &str, parts: &[&str], body: &Value) -> Result<Response> {
        let repository = |name: &str| self.data.join(format!("repository-{name}"));
        let file = |name: &str| self.snapshots.join(format!("snap-{name}.json"));
        let safe = |name: &&str| !name.contains("..");
        match (method, parts) {
            (_, [name, ..]) if method != "PUT" && !repository(name).exists() => missing(name),
            (_, parts) if !parts.iter().all(safe) => missing("_snapshot"),
            ("PUT", [name]) => {
                write_json(&repository(name), body)?;
                done()
            }
            ("DELETE", [name]) => {
                _ = std::fs::remove_file(repository(name));
                done()
            }
            ("PUT", [name, _]) if !repository(name).exists() => missing(name),
            ("PUT", [_, name]) => {
                write_json(&file(name), &self.index().unwrap_or_default())?;
                Ok(Response::json(200, &json!({ "snapshot": shown(name), "accepted": true })))
            }
            ("GET", [_, "_all"]) => Ok(Response::json(200, &json!({ "snapshots": listed(&self.snapshots) }))),
            ("GET", [_, name]) if file(name).exists() => {
                Ok(Response::json(200, &json!({ "snapshots": [shown(name)] })))
            }
            ("DELETE", [_, name]) => {
                _ = std::fs::remove_file(file(name));
                done()
            }
            ("POST", [_, name, "_restore"]) if file(name).exists() => {
                if self.index().is_some() {
                    let reason = "an open index with same name already exists";
                    return Ok(Response::json(500, &json!({ "error": { "reason": reason } })));
                }
                let index: Value = read_json(&file(name))?;
                write_json(&self.index_file(), &index)?;
                Ok(Response::json(200, &json!({ "accepted": true })))
            }
            _ => missing("_snapshot"),
        }
    }
}

fn shown(name: &str) -> Value {
    json!({ "snapshot": name, "state": "SUCCESS", "indices": [INDEX], "shards": { "total": 1, "failed": 0, "successful": 1 } })
}

fn listed(folder: &Path) -> Vec<Value> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            Some(entry.file_name().to_str()?.strip_prefix("snap-")?.strip_suffix(".json")?.to_string())
        })
        .collect();
    names.sort();
    names.iter().map(|name| shown(name)).collect()
}
