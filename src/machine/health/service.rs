//! A service of Docker Compose that runs, is healthy, and was made from the right image.

use super::asked::{Asked, docker};
use super::{Answer, Place};
use crate::failure::Result;
use crate::machine::compose::{self, Project};
use serde::{Deserialize, Serialize};

/// `#{ service: name, … }`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    pub service: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The Compose project, if it is not that of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The image that its container must have been made from, by name or id. A container that was not made anew
    /// after a build still runs the image that had the name before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

impl Service {
    pub(super) fn look(&self, place: &Place, asked: &Asked, stop: &dyn Fn() -> bool) -> Result<Answer> {
        let found = asked.service(&self.project(place), &self.service, stop)?;
        let mut answer = match (&self.image, judge(&found)) {
            (Some(image), answer) if answer.ok => match image.starts_with("sha256:") {
                true if *image == found.image => answer,
                false if asked.image(image, stop)? == found.image => answer,
                _ => Answer::bad(format!("runs another image than `{image}`")),
            },
            (_, answer) => answer,
        };
        answer.mark = Some(format!("{} {} {}", found.id, found.restart_count, found.started_at));
        Ok(answer)
    }

    /// The last lines that it wrote, to be shown when it does not become healthy.
    pub(super) fn log(&self, place: &Place, lines: usize) -> Result<String> {
        let docker = docker(place, &|| false);
        let found = docker.service(&self.project(place), &self.service)?;
        docker.log(&found.id, lines)
    }

    pub(super) fn project(&self, place: &Place) -> Project {
        self.project.clone().map_or_else(|| place.project.clone(), Project::Named)
    }
}

pub(super) fn judge(found: &compose::Service) -> Answer {
    let times = found.restart_count;
    match found.health.as_deref() {
        _ if found.restarting => Answer::bad(format!("is restarting (restarts so far: {times})")),
        _ if !found.running => Answer::bad(format!("is {}", found.state)),
        Some("healthy") => Answer::good("is running and healthy"),
        Some("starting") => Answer::bad("is running, its health check has not passed yet"),
        Some(health) => Answer::bad(format!("is running, but {health}")),
        None => Answer::good("is running"),
    }
}
