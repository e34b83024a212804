//! What containers wrote: `docker logs`, and `docker-compose logs`, which shows several.

use super::container::Container;
use super::engine::find;
use super::words::Words;
use crate::failure::Result;
use crate::output;
use crate::practice::world::World;
use serde_json::Value;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// `docker logs`.
pub fn logs(world: &World, words: &Words) -> Result<()> {
    let container = find(world, words.names.first().map_or("", String::as_str))?;
    let text =
        std::fs::read(world.path("logs").join(format!("{}.log", container.spec.name))).unwrap_or_default();
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    // Only seconds are asked for; a line that does not say when it was written is shown.
    let since = words.option(&["--since"]).and_then(|since| since.strip_suffix('s')?.parse().ok());
    let after = since.map(|seconds: i64| jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds));
    let is_new = |line: &&[u8]| match (after, instant(line)) {
        (Some(after), Some(at)) => at >= after,
        _ => true,
    };
    let lines: Vec<&[u8]> = lines.filter(is_new).collect();
    let tail = words.option(&["--tail", "-n"]).and_then(|tail| tail.parse().ok()).unwrap_or(usize::MAX);
    _ = output::print(lines[lines.len().saturating_sub(tail)..].concat());
    if words.flag(&["--follow"]) {
        show(world, &[container], Some(0), true);
    }
    Ok(())
}

/// When a line of a log was written: it begins with that, or has it as `StartUTC`.
fn instant(line: &[u8]) -> Option<jiff::Timestamp> {
    let text = std::str::from_utf8(line).ok()?;
    let told: Option<Value> = serde_json::from_str(text).ok();
    let told = told.and_then(|told| Some(told["StartUTC"].as_str()?.to_owned()));
    told.as_deref().or(text.split(' ').next())?.parse().ok()
}

/// Prints the containers' logs, each line behind its service; with `follow` until SIGINT or SIGTERM.
pub fn show(world: &World, containers: &[Container], tail: Option<usize>, follow: bool) {
    let over = Arc::new(AtomicBool::new(!follow));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        if follow {
            // Without the handler the signal ends us at once, which is good enough.
            _ = signal_hook::flag::register(signal, Arc::clone(&over));
        }
    }
    let mut seen: Vec<(String, u64)> =
        containers.iter().map(|container| (container.spec.name.clone(), 0)).collect();
    let mut first = true;
    loop {
        for (name, offset) in &mut seen {
            let Ok(mut file) = std::fs::File::open(world.path("logs").join(format!("{name}.log"))) else {
                continue;
            };
            let mut text = String::new();
            _ = std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(*offset));
            if file.read_to_string(&mut text).is_err() {
                continue;
            }
            *offset += text.len() as u64;
            let lines: Vec<&str> = text.lines().collect();
            let skipped = tail.filter(|_| first).map_or(0, |tail| lines.len().saturating_sub(tail));
            let service = name.split_once('_').map_or(name.as_str(), |(_, service)| service);
            for line in &lines[skipped..] {
                if output::print(format!("{service:<16} | {line}\n")).is_err() {
                    return;
                }
            }
        }
        first = false;
        if over.load(Ordering::Relaxed) {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
