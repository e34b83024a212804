//! `compose_config(server)`
//!
//! What Docker Compose makes of the files in the server's folder: its services, images and volumes.
//!
//! The plugin `docker compose` is asked, else `docker-compose`, else `podman-compose`, in the folder, with only those
//! variables that `environment` of the server says. Values of services' environments are secrets, and are left out.
//!
//! # Options
//! None.
//!
//! # Returns
//! A map:
//! - `project`: the name of the project, as its containers say; without containers, as Compose would name it. `project` in
//!   site.toml overrides both.
//! - `program`: an array, how Compose is run; `version`: that of Compose; `modern`: whether it is Compose 2 or later.
//! - `files`: an array of the Compose files that are read, `settings`, the `.env` if there is one, and `profiles`, those that
//!   are on.
//! - `services`: a map by name. Each is a map with `image` (text), `built` (whether it is built here), `replicas` (how many
//!   containers the files ask for), `versioned` (whether its tag has the version of the server), `floating` (whether that tag moves, as `latest` does), `left_behind` (whether it has
//!   the image of the version, in no Compose file where that could be moved), `one_shot` (whether others wait until it has ended well), `may_end` (the same, or nothing
//!   says to restart it), and `mounts`, an array of maps with `volume` or `source`, `target` and `read_only`.
//! - `volumes`: a map by the names in the files. Each is a map with `name` (the full one) and `external`.
//!
//! # Errors
//! `not_found` if there is no Compose; `command_failed`, with what it said, if Compose does not take the files.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! this_server().compose_config().profiles
//! // => []
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::machine::deployment::{Model, Program};
use crate::primitive::{Act, Facet, Host, Primitive, Told};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::PathBuf;

pub struct ComposeConfig;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    program: Vec<String>,
    version: String,
    modern: bool,
    settings: Option<PathBuf>,
    #[serde(flatten)]
    model: Model,
}

impl Primitive for ComposeConfig {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "compose_config";
    const SOURCE: &'static str = include_str!("compose_config.rs");
    const ACT: Act<Self> = Act::Look { reads: &[Facet::Checkout, Facet::Settings], perform, predict };
}

/// A plan changes the version and nothing else in the files.
fn predict(arguments: &Arguments, host: &Host) -> Result<Value> {
    let mut config = json!(perform(arguments, host)?);
    let services = config["services"].as_object_mut().into_iter().flatten();
    for (name, service) in services.filter(|(_, service)| service["versioned"] == true) {
        service["image"] = data::unknown(format!("image of {name}"));
    }
    Ok(config)
}

fn perform(_: &Arguments, host: &Host) -> Result<Outcome> {
    let server = host.server()?;
    let stop = || host.stop.is_asked();
    let deployment = server.deployment(&stop);
    let program = Program::find(&deployment.folder, deployment.environment, &stop)?;
    let mut model = deployment.model(&program)?;
    if let Ok(place) = server.version_place() {
        let written = place.read(&server.version_settings(), &model.files)?;
        deployment.mark(&mut model, &place, &written)?;
        if server.floats(&written.tag) {
            let images = deployment.versioned(&place, &written, &server.version_settings(), Some(&model))?;
            deployment.mark_floating(&mut model, &images, &written.tag);
        }
    }
    if let (Some(name), Some(otherwise)) = (&model.project, &model.otherwise) {
        let note = format!(
            "the containers belong to the project `{name}`, and the files would name it `{otherwise}`"
        );
        (host.tell)(Told::Note(note.into()));
    }
    let settings = Some(deployment.folder.join(".env")).filter(|file| file.exists());
    Ok(Outcome {
        settings,
        modern: program.speaks_json(),
        program: program.words,
        version: program.version,
        model,
    })
}
