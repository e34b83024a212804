//! Snapshots of OpenSearch and Elasticsearch, over HTTP.
//!
//! Each backup has a repository of its own, in a folder of its own: one that is used again and again holds every
//! snapshot there ever was. API: <https://opensearch.org/docs/1.3/opensearch/rest-api/snapshots/>.

use super::http::Request;
use crate::failure::{Failure, Kind, Result};
use crate::units::Duration;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::Instant;

/// How often an unfinished snapshot is looked at.
const TICK: std::time::Duration = std::time::Duration::from_millis(200);

/// A search service.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    /// Without a slash at the end.
    pub url: &'a str,
    /// The limit for a snapshot, and for putting one back.
    pub within: Duration,
    pub stop: &'a dyn Fn() -> bool,
}

/// The indices of a service.
#[derive(Debug, Default)]
pub struct Present {
    pub open: Vec<String>,
    /// They have no documents that could be read, and are in no snapshot.
    pub closed: Vec<String>,
}

impl Search<'_> {
    /// Makes a folder, as the service sees it, a repository. One that is only read may belong to another user: the
    /// service does not try to write to it.
    pub fn register(&self, repository: &str, location: &str, readonly: bool) -> Result<()> {
        let settings = json!({ "location": location, "compress": true, "readonly": readonly });
        let body = json!({ "type": "fs", "settings": settings });
        self.ask("PUT", &format!("_snapshot/{repository}"), Some(body)).map(drop)
    }

    /// Forgets a repository; its files stay. It need not be there.
    pub fn forget(&self, repository: &str) -> Result<()> {
        match self.ask("DELETE", &format!("_snapshot/{repository}"), None) {
            Err(failure) if failure.kind == Kind::NotFound => Ok(()),
            done => done.map(drop),
        }
    }

    /// Takes a snapshot of all indices and waits until it is whole. One that lacks a part is a failure; one of that name,
    /// which an attempt before did not bring to its end, is deleted first: the service makes no second one.
    pub fn snapshot(&self, repository: &str, name: &str) -> Result<()> {
        let path = format!("_snapshot/{repository}/{name}");
        self.delete(&path)?;
        let body = json!({ "indices": "*,-.*", "include_global_state": false });
        self.ask("PUT", &format!("{path}?wait_for_completion=false"), Some(body))?;
        let until = Instant::now() + self.within.0;
        loop {
            let answer = self.ask("GET", &path, None)?;
            let snapshot = &answer["snapshots"][0];
            match snapshot["state"].as_str() {
                Some("SUCCESS") => return Ok(()),
                Some("IN_PROGRESS" | "STARTED" | "INIT") => {}
                state => {
                    let shards = &snapshot["shards"];
                    let message =
                        format!("the snapshot `{name}` ended as {}", state.unwrap_or("nothing known"));
                    let why = format!(
                        "{} of {} shards failed; {}",
                        shards["failed"], shards["total"], snapshot["failures"]
                    );
                    return Err(Failure::new(Kind::Refused, message)
                        .why(why)
                        .help("check the search service's log and free space, then run it again"));
                }
            }
            if (self.stop)() {
                return Err(Failure::new(Kind::Interrupted, "the snapshot was interrupted"));
            }
            if Instant::now() > until {
                let message = format!("the snapshot `{name}` is not ready within {}", self.within);
                return Err(Failure::new(Kind::TimedOut, message));
            }
            std::thread::sleep(TICK);
        }
    }

    /// The indices that are there, whose names begin so; of the open ones a snapshot is taken.
    pub fn present(&self, prefix: &str) -> Result<Present> {
        let answer = self.ask("GET", "_cat/indices?format=json&h=index,status&expand_wildcards=all", None)?;
        let mut present = Present::default();
        for entry in answer.as_array().into_iter().flatten() {
            let Some(name) = entry["index"].as_str() else { continue };
            if name.starts_with(prefix) && !name.starts_with('.') {
                let all = if entry["status"] == "close" { &mut present.closed } else { &mut present.open };
                all.push(name.to_owned());
            }
        }
        Ok(present)
    }

    /// The indices in a snapshot.
    pub fn indices(&self, repository: &str, name: &str) -> Result<Vec<String>> {
        let answer = self.ask("GET", &format!("_snapshot/{repository}/{name}"), None)?;
        let indices = answer["snapshots"][0]["indices"].as_array().cloned().unwrap_or_default();
        Ok(indices.iter().filter_map(|index| Some(index.as_str()?.to_owned())).collect())
    }

    /// The newest snapshot of a repository that is whole.
    pub fn newest(&self, repository: &str) -> Result<Option<String>> {
        let answer = self.ask("GET", &format!("_snapshot/{repository}/_all"), None)?;
        let snapshots = answer["snapshots"].as_array().cloned().unwrap_or_default();
        let whole = snapshots.iter().filter(|snapshot| snapshot["state"] == "SUCCESS");
        let newest = whole.max_by_key(|snapshot| snapshot["start_time_in_millis"].as_u64());
        Ok(newest.and_then(|snapshot| Some(snapshot["snapshot"].as_str()?.to_owned())))
    }

    /// Puts indices back and waits until that is done. With `prefix` they are called so, beside those that are there;
    /// else those that are there are deleted first.
    pub fn restore(&self, repository: &str, name: &str, indices: &[String], prefix: &str) -> Result<()> {
        for index in indices {
            self.delete(&format!("{prefix}{index}"))?;
        }
        let body = json!({
            "indices": indices.join(","), "include_global_state": false, "include_aliases": prefix.is_empty(),
            "rename_pattern": "(.+)", "rename_replacement": format!("{prefix}$1"),
        });
        let path = format!("_snapshot/{repository}/{name}/_restore?wait_for_completion=true");
        let answer = self.ask_patiently("POST", &path, body)?;
        let shards = &answer["snapshot"]["shards"];
        match (shards["failed"].as_u64(), shards["total"] == shards["successful"]) {
            (Some(0), true) => Ok(()),
            _ => {
                Err(Failure::new(Kind::Refused, format!("the snapshot `{name}` was not restored completely"))
                    .why(format!("shards: {shards}")))
            }
        }
    }

    /// Deletes an index, or what else has a path, if it is there.
    pub fn delete(&self, path: &str) -> Result<()> {
        match self.ask("DELETE", path, None) {
            Err(failure) if failure.kind == Kind::NotFound => Ok(()),
            done => done.map(drop),
        }
    }

    /// How many documents each of these indices has; those that are not there have none.
    pub fn count(&self, indices: &[String], prefix: &str) -> Result<BTreeMap<String, u64>> {
        let mut counts = BTreeMap::new();
        for index in indices {
            _ = self.ask("POST", &format!("{prefix}{index}/_refresh"), None);
            let count = match self.ask("GET", &format!("{prefix}{index}/_count"), None) {
                Ok(answer) => answer["count"].as_u64().unwrap_or(0),
                Err(failure) if failure.kind == Kind::NotFound => 0,
                Err(failure) => return Err(failure),
            };
            counts.insert(index.clone(), count);
        }
        Ok(counts)
    }

    /// Asks for what takes long, and is deaf to nobody meanwhile. The service goes on with it if this is interrupted.
    fn ask_patiently(&self, method: &str, path: &str, body: Value) -> Result<Value> {
        let (tell, told) = mpsc::channel();
        let (url, within) = (self.url.to_owned(), self.within);
        let (method, path) = (method.to_owned(), path.to_owned());
        std::thread::spawn(move || {
            let search = Search { url: &url, within, stop: &|| false };
            _ = tell.send(search.ask(&method, &path, Some(body)));
        });
        loop {
            match told.recv_timeout(TICK) {
                Ok(answer) => return answer,
                Err(mpsc::RecvTimeoutError::Timeout) if (self.stop)() => {
                    return Err(Failure::new(Kind::Interrupted, "putting the snapshot back was interrupted"));
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    return Err(Failure::new(Kind::Bug, "whoever asked the search service ended"));
                }
            }
        }
    }

    fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Result<Value> {
        let url = format!("{}/{path}", self.url);
        let mut request = Request::get(&url);
        request.method = method.into();
        request.within = self.within;
        if let Some(body) = body {
            request.headers.insert("content-type".into(), "application/json".into());
            request.body = Some(body.to_string());
        }
        let response = request.send()?;
        let answer = response.json().unwrap_or_default();
        if response.status < 300 {
            return Ok(answer);
        }
        let kind = match response.status {
            404 => Kind::NotFound,
            // So it says while it starts.
            503 => Kind::Unreachable,
            _ => Kind::Refused,
        };
        let error = &answer["error"];
        let reason = error["reason"].as_str().or(error.as_str()).unwrap_or(&response.body);
        Err(Failure::new(kind, format!("`{method} {url}` answered {}", response.status)).why(reason))
    }
}
