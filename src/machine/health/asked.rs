//! What Docker says during one round of checks: asked once for all of them, by whichever needs it first.

use super::{LOOK, Place};
use crate::failure::Result;
use crate::machine::compose::{Docker, Project, Service, only};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Docker as checks ask it: it answers within [`LOOK`], or the check fails.
pub(super) fn docker<'a>(place: &'a Place, stop: &'a dyn Fn() -> bool) -> Docker<'a> {
    Docker { environment: &place.environment, within: LOOK, stop }
}

/// Empty at the beginning of a round, and shared by its checks.
pub(super) struct Asked {
    place: Arc<Place>,
    projects: Answers<Project, Vec<Service>>,
    images: Answers<String, String>,
}

/// What was asked, with the answer once it is there: who asks the same meanwhile waits for it.
type Answers<Q, A> = Mutex<BTreeMap<Q, Arc<OnceLock<Result<A>>>>>;

fn answer<Q: Ord + Clone, A>(
    answers: &Answers<Q, A>,
    question: &Q,
    ask: impl FnOnce() -> Result<A>,
) -> Arc<OnceLock<Result<A>>> {
    let mut all = answers.lock().unwrap_or_else(PoisonError::into_inner);
    let slot = Arc::clone(all.entry(question.clone()).or_default());
    drop(all);
    slot.get_or_init(ask);
    slot
}

impl Asked {
    pub fn new(place: &Arc<Place>) -> Asked {
        Asked { place: Arc::clone(place), projects: Answers::default(), images: Answers::default() }
    }

    /// How the checks of this round ask Docker for what only one of them wants to know.
    pub fn docker<'a>(&'a self, stop: &'a dyn Fn() -> bool) -> Docker<'a> {
        docker(&self.place, stop)
    }

    /// The containers of a project's services, of one service or of all. Fails as [`Docker::services`] does.
    pub fn services(
        &self,
        project: &Project,
        service: Option<&str>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<Service>> {
        let there = answer(&self.projects, project, || self.docker(stop).services(project, None));
        let all = there.get().map_or(Ok(&[][..]), |told| told.as_deref().map_err(Clone::clone))?;
        let is_meant = |found: &&Service| service.is_none_or(|service| found.service == service);
        Ok(all.iter().filter(is_meant).cloned().collect())
    }

    /// The one container of a service. Fails as [`Docker::service`] does.
    pub fn service(&self, project: &Project, service: &str, stop: &dyn Fn() -> bool) -> Result<Service> {
        only(self.services(project, Some(service), stop)?, project, service)
    }

    /// The id of an image by its name.
    pub fn image(&self, name: &str, stop: &dyn Fn() -> bool) -> Result<String> {
        let told = answer(&self.images, &name.to_owned(), || self.docker(stop).image(name));
        told.get().cloned().unwrap_or(Ok(String::new()))
    }
}
