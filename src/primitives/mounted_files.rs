//! `mounted_files(server, salt: text, #{ folder: text, project: text })`
//!
//! Files of the server that containers of its Compose project mount one by one, and what they are now: to find the
//! containers that must be restarted when such a file changed.
//!
//! A container keeps the file that it was started with: one that is replaced, as most editors do, never reaches it. One
//! that is changed in place does, but most programs read their settings only when they start.
//!
//! # Options
//! - `folder`: only files in it. `~` is the server's home, and a relative path is in the checkout. Default: all, also those
//!   that containers themselves write.
//! - `project`: the project's name. Default: as for `services`.
//!
//! Choose another `salt` for each comparison, such as `now()`: states with different salts can't be compared.
//!
//! # Returns
//! An array of maps, by `name` and `file`: `service`, `name` (the container's), `started` (text, since when it runs),
//! `file` (text, a path on the server), `state` (text: another one if the file was replaced or has another content).
//! Containers that do not run, and files that can't be read, are left out.
//!
//! # Errors
//! `not_found` if there is no `docker`; `unreachable` if its daemon does not answer.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let files = this_server().mounted_files(now()).filter(|mounted| mounted.service == "reverse-proxy");
//! files.map(|mounted| mounted.file.split("/").pop())
//! // => ["traefik.yaml"]
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::compose::Docker;
use crate::machine::files::sha256_of;
use crate::primitive::{Act, Facet, Host, Primitive};
use crate::units::Duration;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

pub struct MountedFiles;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    salt: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    project: Option<String>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mounted {
    name: String,
    file: String,
    service: String,
    started: String,
    state: String,
}

/// Of a larger file only its identity and times are looked at: it is no settings.
const LARGEST: u64 = 1 << 20;
/// Digits of a SHA-256 that tell two contents apart.
const LENGTH: usize = 32;

impl Primitive for MountedFiles {
    type Arguments = Arguments;
    type Outcome = Vec<Mounted>;
    const NAME: &'static str = "mounted_files";
    const SOURCE: &'static str = include_str!("mounted_files.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[Facet::Services, Facet::Settings],
        perform,
        // A plan changes none.
        predict: |_, _| Ok(json!([])),
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Vec<Mounted>> {
    let server = host.server()?;
    let docker = Docker {
        environment: &server.environment,
        within: Duration::seconds(60),
        stop: &|| host.stop.is_asked(),
    };
    let folder = arguments.folder.as_ref().map(|folder| server.path(folder));
    // Whichever of the two has links in it.
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let is_meant = |file: &Path| folder.as_ref().is_none_or(|folder| real(file).starts_with(real(folder)));
    let mut all = Vec::new();
    let services = docker.services(&server.project(arguments.project.as_deref()), None)?;
    for container in services.into_iter().filter(|found| found.running) {
        for mount in container.mounts.iter().filter(|mount| mount.sort == "bind") {
            let file = Path::new(&mount.source);
            if let Some(state) = state(file, &arguments.salt).filter(|_| is_meant(file)) {
                all.push(Mounted {
                    service: container.service.clone(),
                    name: container.name.clone(),
                    started: container.started_at.clone(),
                    file: mount.source.clone(),
                    state,
                });
            }
        }
    }
    all.sort();
    Ok(all)
}

/// What a file is, if it is one.
fn state(path: &Path, salt: &str) -> Option<String> {
    // A socket, or a pipe that nobody writes to, must not be opened.
    let metadata = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let identity = format!("{} {}", metadata.dev(), metadata.ino());
    if metadata.len() > LARGEST {
        return Some(format!("{identity} {} {}", metadata.len(), metadata.mtime()));
    }
    let mut content = format!("{} {salt}", salt.len()).into_bytes();
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let file: File = std::fs::OpenOptions::new().read(true).custom_flags(nonblock).open(path).ok()?;
    file.take(LARGEST).read_to_end(&mut content).ok()?;
    let digest: String = sha256_of(&content).chars().take(LENGTH).collect();
    Some(format!("{identity} {digest}"))
}
