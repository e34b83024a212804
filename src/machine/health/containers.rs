//! All containers of a service: as many as are wanted run and are healthy, or, where that is how it ends, ended well.

use super::asked::{Asked, docker};
use super::service::judge;
use super::{Answer, Place};
use crate::failure::Result;
use crate::machine::compose::{Project, Service};
use serde::{Deserialize, Serialize};

/// `#{ containers: service, … }`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Containers {
    /// The service.
    pub containers: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The Compose project, if it is not that of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// How many must run.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub count: u64,
    /// Whether one that ended with 0 is well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_end: bool,
}

fn one() -> u64 {
    1
}

fn is_one(count: &u64) -> bool {
    *count == 1
}

/// In seconds. One that Docker had to start again so lately may fail again.
const LATELY: i64 = 30;

/// What is said of a container that failed, and was started again only now.
fn just_restarted(found: &Service) -> Option<String> {
    let started: jiff::Timestamp = found.started_at.parse().ok()?;
    let since = jiff::Timestamp::now().duration_since(started).as_secs();
    let is_it = found.running && found.restart_count > 0 && (0..LATELY).contains(&since);
    is_it.then(|| {
        format!(
            "{} failed and was restarted {since} s ago (restarts so far: {})",
            found.name, found.restart_count
        )
    })
}

impl Containers {
    pub(super) fn look(&self, place: &Place, asked: &Asked, stop: &dyn Fn() -> bool) -> Result<Answer> {
        let mut found = asked.services(&self.project(place), Some(&self.containers), stop)?;
        found.sort_by(|one, other| one.name.cmp(&other.name));
        let mut answer = self.judge(&found);
        let lives = found.iter().map(|it| format!("{} {} {}", it.id, it.restart_count, it.started_at));
        answer.mark = Some(lives.collect::<Vec<_>>().join(", "));
        Ok(answer)
    }

    fn judge(&self, found: &[Service]) -> Answer {
        let ended_well = |it: &&Service| self.may_end && it.state == "exited" && it.exit_code == 0;
        let (ended, others): (Vec<&Service>, Vec<&Service>) = found.iter().partition(ended_well);
        let ended_badly = |it: &Service| it.state == "exited" && !it.running && !it.restarting;
        let bad = others.iter().find_map(|it| match judge(it) {
            _ if ended_badly(it) => Some(format!("{} ended with {}", it.name, it.exit_code)),
            answer if !answer.ok && found.len() == 1 => Some(answer.said),
            answer if !answer.ok => Some(format!("{} {}", it.name, answer.said)),
            _ => None,
        });
        let restarted = others.iter().find_map(|it| just_restarted(it));
        let there = (others.len() + ended.len()) as u64;
        match bad {
            Some(said) => Answer::bad(said),
            None if there == 0 && self.count > 0 => Answer::bad("has no container"),
            None if there < self.count => Answer::bad(format!("has {there} of {} containers", self.count)),
            None if restarted.is_some() => Answer::bad(restarted.unwrap_or_default()),
            None if others.is_empty() && there > 0 => Answer::good("has ended well"),
            None if others.len() == 1 => judge(others[0]),
            None => Answer::good(format!("has {} containers, all running", others.len())),
        }
    }

    /// The last lines that those wrote which are not well.
    pub(super) fn log(&self, place: &Place, lines: usize) -> Result<String> {
        let docker = docker(place, &|| false);
        let found = docker.services(&self.project(place), Some(&self.containers))?;
        let bad = found.iter().find(|it| !judge(it).ok).or(found.first());
        bad.map_or(Ok(String::new()), |it| docker.log(&it.id, lines))
    }

    pub(super) fn project(&self, place: &Place) -> Project {
        self.project.clone().map_or_else(|| place.project.clone(), Project::Named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_failed_a_moment_ago_is_not_healthy_yet() {
        let service = |restart_count: u64, seconds: i64| Service {
            id: "1".into(),
            name: "web_app_1".into(),
            project: "web".into(),
            service: "app".into(),
            state: "running".into(),
            running: true,
            restarting: false,
            restart_count,
            exit_code: 0,
            started_at: (jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds)).to_string(),
            health: None,
            image: String::new(),
            image_name: String::new(),
            folder: None,
            mounts: Vec::new(),
            files: Vec::new(),
        };
        let app =
            Containers { containers: "app".into(), name: None, project: None, count: 1, may_end: false };
        let said = |found| app.judge(&[found]);
        assert_eq!((said(service(0, 1)).ok, said(service(3, 100)).ok), (true, true));
        let bad = said(service(3, 5));
        assert!(!bad.ok && bad.said.contains("failed and was restarted 5 s ago"), "{}", bad.said);
    }
}
