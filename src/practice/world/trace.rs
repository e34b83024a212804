//! What was called in a practice world, in order: the proof that each thing ran exactly once.

use super::{World, now};
use crate::failure::{Context, Kind, Result};
use serde::{Deserialize, Serialize};
use std::io::Write;

/// One line of `trace.jsonl`. A command has two: `start`, and `end` with its exit status. A command that was
/// killed has no `end`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TraceLine {
    /// RFC 3339, UTC.
    pub time: String,
    /// `make`, `docker`, `docker-compose`, `sudo`, or `service` for what a service did.
    pub tool: String,
    /// The arguments; for a service its name, then what it did.
    pub args: Vec<String>,
    /// `start`, `end`, or `did` for what a service did.
    pub event: String,
    /// The process that wrote the line: joins a `start` with its `end`.
    pub pid: u32,
    /// The exit status, in an `end`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rc: Option<i32>,
}

/// Appends a line. It is built first and written with one call, so lines of several processes never mix.
pub fn note(world: &World, tool: &str, args: &[String], event: &str, rc: Option<i32>) {
    let line = TraceLine {
        time: now(),
        tool: tool.into(),
        args: args.into(),
        event: event.into(),
        pid: std::process::id(),
        rc,
    };
    let Ok(mut text) = serde_json::to_vec(&line) else { return };
    text.push(b'\n');
    // Without its world a stand-in has nobody to tell; it must not make the folder again.
    let file = std::fs::OpenOptions::new().append(true).open(world.path("trace.jsonl"));
    if let Ok(mut file) = file {
        _ = file.write_all(&text);
    }
}

/// Notes what a service did.
pub fn did(world: &World, service: &str, what: impl Into<String>) {
    note(world, "service", &[service.to_string(), what.into()], "did", None);
}

/// All lines so far, oldest first.
pub fn read(world: &World) -> Result<Vec<TraceLine>> {
    let path = world.path("trace.jsonl");
    let text = std::fs::read_to_string(&path)
        .or_fail(Kind::NotFound, || format!("`{}` can't be read", path.display()))?;
    // A last line without its end is being written right now.
    text.split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .map(|line| {
            serde_json::from_str(line).or_fail(Kind::Invalid, || "the trace has a broken line".into())
        })
        .collect()
}
