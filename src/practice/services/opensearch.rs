//! The search service: each index with its mapping and documents in a file, and snapshots of them.

use super::service::Service;
use crate::failure::Result;
use crate::practice::world::http::{Request, Response};
use crate::practice::world::{make_folder, read_json, write, write_json};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub fn run(service: &Service) -> Result<()> {
    let data = service.file("/usr/share/opensearch/data")?;
    make_folder(&data)?;
    make_folder(&service.file(SNAPSHOTS)?)?;
    std::thread::sleep(Duration::from_millis(200));
    let store = Arc::new(Mutex::new(Store { data, service: service.clone() }));
    service.listen(move |request| {
        // Hold the store only while it answers: a restore goes on by itself.
        let answer = |store: &Mutex<Store>| {
            let store = store.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            store.answer(&request)
        };
        match answer(&store) {
            Ok(Answer::Now(response)) => response,
            Ok(Answer::Later(work)) => {
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_millis(700));
                    work().unwrap_or_else(crate::output::complain);
                });
                Response::json(200, &json!({ "accepted": true }))
            }
            Err(failure) => Response::json(500, &json!({ "error": failure.to_string() })),
        }
    })
}

/// Where repositories may be, in the container.
const SNAPSHOTS: &str = "/mnt/snapshots";

/// What a request gets.
enum Answer {
    Now(Response),
    /// It is accepted, and done some time later.
    Later(Box<dyn FnOnce() -> Result<()> + Send>),
}

struct Store {
    data: PathBuf,
    service: Service,
}

fn missing(name: &str) -> Response {
    Response::json(
        404,
        &json!({ "error": { "type": "not_found", "reason": format!("no such thing: {name}") }, "status": 404 }),
    )
}

fn done() -> Response {
    Response::json(200, &json!({ "acknowledged": true }))
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
    fn index_file(&self, name: &str) -> PathBuf {
        self.data.join(format!("{name}.json"))
    }

    fn index(&self, name: &str) -> Option<Value> {
        read_json(&self.index_file(name)).ok()
    }

    /// The names of all indices.
    fn indices(&self) -> Vec<String> {
        names(&self.data, "", ".json")
    }

    fn answer(&self, request: &Request) -> Result<Answer> {
        let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let now = match (request.method.as_str(), parts.as_slice()) {
            (_, parts) if parts.iter().any(|part| part.contains("..")) => missing(&request.path),
            ("GET", [""]) => Response::json(200, &json!({ "version": { "number": "1.2.1" } })),
            ("GET", ["_cluster", "health"]) => {
                let health =
                    json!({ "cluster_name": "docker-cluster", "status": "yellow", "number_of_nodes": 1 });
                Response::json(200, &health)
            }
            ("GET", ["_cat", "indices"]) => {
                let indices = self.indices().into_iter().map(|name| json!({ "index": name }));
                Response::json(200, &indices.collect())
            }
            ("POST", ["_snapshot", repository, name, "_restore"]) => {
                return self.restore(
                    repository,
                    name,
                    &body,
                    request.query.contains("wait_for_completion=true"),
                );
            }
            (method, ["_snapshot", rest @ ..]) => self.snapshot(method, rest, &body)?,
            ("PUT", [name]) => {
                if self.index(name).is_some() {
                    return Ok(Answer::Now(Response::json(
                        400,
                        &json!({ "error": "resource_already_exists_exception" }),
                    )));
                }
                write_json(&self.index_file(name), &json!({ "mapping": body["mappings"], "documents": [] }))?;
                done()
            }
            (method, [name, rest @ ..]) => match self.index(name) {
                Some(index) => self.with_index(method, name, rest, index, &body)?,
                None => missing(name),
            },
            _ => missing(&request.path),
        };
        Ok(Answer::Now(now))
    }

    fn with_index(
        &self,
        method: &str,
        name: &str,
        rest: &[&str],
        mut index: Value,
        body: &Value,
    ) -> Result<Response> {
        let count = index["documents"].as_array().map_or(0, Vec::len);
        match (method, rest) {
            ("GET" | "HEAD", []) | ("GET", ["_mapping"]) => {
                Ok(Response::json(200, &json!({ name: { "mappings": index["mapping"] } })))
            }
            ("GET", ["_count"]) => Ok(Response::json(200, &json!({ "count": count }))),
            ("GET", ["_search"]) => Ok(Response::json(
                200,
                &json!({ "hits": { "total": { "value": count }, "hits": index["documents"] } }),
            )),
            ("POST", ["_refresh"]) => Ok(Response::json(200, &json!({ "_shards": { "failed": 0 } }))),
            ("PUT", ["_mapping"]) => {
                merge(&mut index["mapping"], body);
                write_json(&self.index_file(name), &index)?;
                Ok(done())
            }
            ("POST", ["_update_by_query"]) => {
                Ok(Response::json(200, &json!({ "total": count, "updated": count, "failures": [] })))
            }
            // Not OpenSearch's: all documents at once, to fill a new practice server.
            ("POST", ["_practice"]) => {
                index["documents"] = body.clone();
                write_json(&self.index_file(name), &index)?;
                Ok(done())
            }
            ("DELETE", []) => {
                _ = std::fs::remove_file(self.index_file(name));
                Ok(done())
            }
            _ => Ok(missing(name)),
        }
    }

    /// The folder of a repository, if there is one of that name.
    fn repository(&self, name: &str) -> Result<Option<PathBuf>> {
        let Ok(settings) = read_json::<Value>(&self.repository_file(name)) else { return Ok(None) };
        let location = settings["settings"]["location"].as_str().unwrap_or(SNAPSHOTS).to_owned();
        self.service.file(&location).map(Some)
    }

    fn repository_file(&self, name: &str) -> PathBuf {
        self.data.join(format!("repository-{name}"))
    }

    fn snapshot(&self, method: &str, parts: &[&str], body: &Value) -> Result<Response> {
        if let ("PUT", [name]) = (method, parts) {
            let location = body["settings"]["location"].as_str().unwrap_or_default();
            if !Path::new(location).starts_with(SNAPSHOTS) || location.contains("..") {
                let reason = format!(
                    "location [{location}] doesn't match any of the locations specified by path.repo"
                );
                return Ok(Response::json(500, &json!({ "error": { "reason": reason }, "status": 500 })));
            }
            let folder = self.service.file(location)?;
            // As OpenSearch verifies it: whatever it may write to it must be able to write.
            let is_only_read = body["settings"]["readonly"] == true;
            let tried = folder.join("tests-write");
            if !is_only_read && (make_folder(&folder).is_err() || write(&tried, "").is_err()) {
                let reason = format!("[{name}] path is not accessible on master node");
                return Ok(Response::json(500, &json!({ "error": { "reason": reason }, "status": 500 })));
            }
            _ = std::fs::remove_file(tried);
            write_json(&self.repository_file(name), body)?;
            return Ok(done());
        }
        let [repository, rest @ ..] = parts else { return Ok(missing("_snapshot")) };
        let Some(folder) = self.repository(repository)? else { return Ok(missing(repository)) };
        let file = |name: &str| folder.join(format!("snap-{name}.json"));
        match (method, rest) {
            ("GET", []) => Ok(Response::json(200, &json!({ *repository: { "type": "fs" } }))),
            ("DELETE", []) => {
                _ = std::fs::remove_file(self.repository_file(repository));
                Ok(done())
            }
            ("PUT", [name]) if file(name).exists() => {
                let reason = format!(
                    "[{repository}:{name}] Invalid snapshot name [{name}], snapshot with the same name already exists"
                );
                Ok(Response::json(400, &json!({ "error": { "reason": reason }, "status": 400 })))
            }
            ("PUT", [name]) => {
                let indices = self.indices().into_iter().map(|index| {
                    let content = self.index(&index).unwrap_or_default();
                    (index, content)
                });
                let indices: serde_json::Map<String, Value> = indices.collect();
                let begun = jiff::Timestamp::now().as_millisecond();
                let strikes = |fault: &str| self.service.strikes(fault, 0).is_some();
                let state = match () {
                    () if strikes("snapshot-partial") => "PARTIAL",
                    () if strikes("snapshot-failed") => "FAILED",
                    () => "SUCCESS",
                };
                let slow = self.service.strikes("snapshot-slow", 2).unwrap_or(0);
                let ready = begun + 1000 * slow as i64;
                let kept = json!({ "begun": begun, "ready": ready, "state": state, "indices": indices });
                write_json(&file(name), &kept)?;
                list(&folder)?;
                Ok(Response::json(200, &json!({ "accepted": true })))
            }
            ("GET", ["_all"]) => {
                let snapshots: Vec<Value> = names(&folder, "snap-", ".json")
                    .iter()
                    .filter_map(|name| shown(name, &file(name)))
                    .collect();
                Ok(Response::json(200, &json!({ "snapshots": snapshots })))
            }
            ("GET", [name]) => Ok(match shown(name, &file(name)) {
                Some(snapshot) => Response::json(200, &json!({ "snapshots": [snapshot] })),
                None => missing(name),
            }),
            ("DELETE", [name]) if !file(name).exists() => Ok(missing(name)),
            ("DELETE", [name]) => {
                _ = std::fs::remove_file(file(name));
                list(&folder)?;
                Ok(done())
            }
            _ => Ok(missing("_snapshot")),
        }
    }

    /// Puts indices of a snapshot back. As OpenSearch does, it answers at once unless it is asked to wait.
    fn restore(&self, repository: &str, name: &str, body: &Value, wait: bool) -> Result<Answer> {
        let Some(folder) = self.repository(repository)? else { return Ok(Answer::Now(missing(repository))) };
        let Ok(kept) = read_json::<Value>(&folder.join(format!("snap-{name}.json"))) else {
            return Ok(Answer::Now(missing(name)));
        };
        let wanted = body["indices"].as_str().unwrap_or("*").to_owned();
        let wanted: Vec<&str> = wanted.split(',').collect();
        let prefix =
            body["rename_replacement"].as_str().unwrap_or_default().trim_end_matches("$1").to_owned();
        let mut work = Vec::new();
        for (index, content) in kept["indices"].as_object().into_iter().flatten() {
            if !wanted.contains(&"*") && !wanted.contains(&index.as_str()) {
                continue;
            }
            let target = format!("{prefix}{index}");
            if self.index(&target).is_some() {
                let reason = format!(
                    "cannot restore index [{target}] because an open index with same name already exists"
                );
                return Ok(Answer::Now(Response::json(500, &json!({ "error": { "reason": reason } }))));
            }
            work.push((self.index_file(&target), content.clone()));
        }
        let shards = json!({ "total": work.len(), "failed": 0, "successful": work.len() });
        let work = move || work.iter().try_for_each(|(file, content)| write_json(file, content));
        if !wait {
            return Ok(Answer::Later(Box::new(work)));
        }
        work()?;
        Ok(Answer::Now(Response::json(200, &json!({ "snapshot": { "snapshot": name, "shards": shards } }))))
    }
}

/// Writes down which snapshots a repository holds: the next `index-N`, to which `index.latest` points. Without them
/// OpenSearch takes the folder for an empty repository.
fn list(folder: &Path) -> Result<()> {
    let earlier = names(folder, "index-", "").iter().filter_map(|n| n.parse::<u64>().ok()).max();
    let next = earlier.map_or(0, |n| n + 1);
    write_json(
        &folder.join(format!("index-{next}")),
        &json!({ "snapshots": names(folder, "snap-", ".json") }),
    )?;
    write(&folder.join("index.latest"), next.to_be_bytes())?;
    if let Some(earlier) = earlier {
        _ = std::fs::remove_file(folder.join(format!("index-{earlier}")));
    }
    Ok(())
}

/// A snapshot as the service shows it.
fn shown(name: &str, file: &Path) -> Option<Value> {
    let kept: Value = read_json(file).ok()?;
    let indices: Vec<&String> = kept["indices"].as_object()?.keys().collect();
    let ready = kept["ready"].as_i64().unwrap_or(0) <= jiff::Timestamp::now().as_millisecond();
    let state = if ready { kept["state"].as_str().unwrap_or("SUCCESS") } else { "IN_PROGRESS" };
    let failed = usize::from(!matches!(state, "SUCCESS" | "IN_PROGRESS"));
    let shards = json!({ "total": 1, "failed": failed, "successful": 1 - failed });
    Some(json!({ "snapshot": name, "state": state, "indices": indices, "shards": shards, "failures": [],
                 "start_time_in_millis": kept["begun"], "end_time_in_millis": kept["ready"] }))
}

/// The files of a folder with this beginning and end, without them.
fn names(folder: &Path, start: &str, end: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let name = |entry: std::fs::DirEntry| {
        let name = entry.file_name().to_str()?.to_owned();
        Some(name.strip_prefix(start)?.strip_suffix(end)?.to_owned())
    };
    let mut names: Vec<String> = entries.filter_map(name).collect();
    names.sort();
    names
}
