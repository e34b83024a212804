//! Whether a practice server is healthy.

use crate::failure::{Failure, Kind, Result};
use crate::practice::real_docker;
use crate::practice::world::World;
use crate::practice::world::http::{self, Request};
use serde_json::Value;
use std::time::{Duration, Instant};

/// How long a practice server may take for anything before it is called broken.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What core says of itself, through the reverse proxy.
pub fn discover(world: &World) -> Result<Value> {
    let response = http::send(world.socket("reverse-proxy")?, &Request::new("GET", "/core/v1/discover", ""))?;
    match response.status {
        200 => Ok(response.value()),
        status => Err(Failure::new(Kind::Unreachable, format!("discover answered {status}"))),
    }
}

/// Waits until core says that it runs this release and the other services answer too.
pub fn wait_for(world: &World, version: &str) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while !is_healthy(world, version) {
        if Instant::now() > end {
            return Err(Failure::new(
                Kind::TimedOut,
                format!("the practice server does not come up at {version}"),
            )
            .why(logs(world)));
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    Ok(())
}

fn is_healthy(world: &World, version: &str) -> bool {
    let answers = |path: &str| {
        let proxy = world.socket("reverse-proxy");
        proxy.and_then(|to| http::send(to, &Request::new("GET", path, ""))).is_ok_and(|r| r.status == 200)
    };
    let services = world.services();
    let here = |service: &str| services.iter().any(|there| there == service);
    let paths = [
        ("ui", "/ui/"),
        ("auth", "/auth/v1/ping"),
        ("dex", "/dex/.well-known/openid-configuration"),
        ("minio", "/minio/health/live"),
    ];
    discover(world).is_ok_and(|discover| discover["version"] == version)
        && paths.into_iter().all(|(service, path)| !here(service) || answers(path))
}

/// The last lines of every log, for a person who has to find out what went wrong.
fn logs(world: &World) -> String {
    if let Some(settings) = world.in_real_docker() {
        return real_docker::logs(&settings);
    }
    let entries = std::fs::read_dir(world.path("logs")).into_iter().flatten().flatten();
    let mut parts: Vec<String> = entries
        .map(|entry| {
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            let last: Vec<&str> = text.lines().rev().take(3).collect();
            format!("{}: {}", entry.file_name().to_string_lossy(), last.join(" / "))
        })
        .collect();
    parts.sort();
    parts.join("\n")
}
