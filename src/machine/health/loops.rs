//! Services that end and are started again by Docker, over and over, whether a check looks at them or not: what is waited
//! for may only wait for one of them.

use super::asked::{Asked, docker};
use super::{Check, Place};
use crate::machine::compose::{Project, Service};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// So many restarts mean that no waiting helps: Docker doubles its pause before each, so the tenth comes after more than
/// a minute and a half, and what only starts slowly has long come up by then.
const RESTARTS: u64 = 10;
/// A life that lasts longer than this on average is one that waits for others and then ends; that may still go well.
const SHORT: Duration = Duration::from_secs(20);
/// Before this nobody gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was seen of the services around those that are checked.
pub(super) struct Loops {
    projects: BTreeSet<Project>,
    begun: Instant,
    /// By container: how often it had been restarted when it was first seen, and what was seen last.
    seen: BTreeMap<String, (u64, Service)>,
}

impl Loops {
    pub fn new(checks: &[Check], place: &Place) -> Loops {
        let project = |check: &Check| match check {
            Check::Service(service) => Some(service.project(place)),
            Check::Containers(containers) => Some(containers.project(place)),
            _ => None,
        };
        let projects = checks.iter().filter_map(project).collect();
        Loops { projects, begun: Instant::now(), seen: BTreeMap::new() }
    }

    /// The service that keeps the others from becoming healthy, if that is certain after a round that saw this.
    pub fn look(&mut self, asked: &Asked, stop: &dyn Fn() -> bool) -> Option<&Service> {
        // What Docker does not tell now, the checks themselves say.
        let there = |project: &Project| asked.services(project, None, stop).unwrap_or_default();
        let services = self.projects.iter().flat_map(there).collect();
        self.add(services);
        self.hopeless(self.begun.elapsed())
    }

    fn add(&mut self, services: Vec<Service>) {
        for service in services {
            let first = self.seen.get(&service.id).map_or(service.restart_count, |seen| seen.0);
            self.seen.insert(service.id.clone(), (first, service));
        }
    }

    fn hopeless(&self, waited: Duration) -> Option<&Service> {
        let short = |restarts: u64| waited < SHORT * u32::try_from(restarts).unwrap_or(u32::MAX);
        let hopeless = |restarts: u64| waited >= PATIENCE && restarts >= RESTARTS && short(restarts);
        self.restarted().find(|(restarts, _)| hopeless(*restarts)).map(|(_, service)| service)
    }

    /// The services that were restarted since the wait began and do not run well now, the one that ends soonest first.
    fn restarted(&self) -> impl Iterator<Item = (u64, &Service)> {
        let restarts = |(first, service): &(u64, Service)| service.restart_count.saturating_sub(*first);
        let mut all: Vec<_> = self.seen.values().map(|seen| (restarts(seen), &seen.1)).collect();
        all.retain(|(restarts, service)| *restarts > 0 && (service.restarting || *restarts >= RESTARTS));
        all.sort_by_key(|(restarts, _)| std::cmp::Reverse(*restarts));
        all.into_iter()
    }

    /// What there is to say of those that no check looks at: they may be why the others do not become healthy.
    pub fn unchecked(&self, checks: &[Check], place: &Place, lines: usize) -> Vec<String> {
        let is_checked = |service: &Service| {
            checks
                .iter()
                .any(|check| matches!(check, Check::Service(checked) if checked.service == service.service))
        };
        let unchecked = self.restarted().filter(|(_, service)| !is_checked(service));
        unchecked.flat_map(|(restarts, service)| tell(restarts, service, place, lines)).collect()
    }

    /// Why one keeps the others from becoming healthy.
    pub fn tell(&self, id: &str, place: &Place, lines: usize) -> Vec<String> {
        let found = self.restarted().find(|(_, service)| service.id == id);
        found.map(|(restarts, service)| tell(restarts, service, place, lines)).unwrap_or_default()
    }
}

fn tell(restarts: u64, service: &Service, place: &Place, lines: usize) -> Vec<String> {
    let mut told = vec![format!("service {} ended and was restarted {restarts} times", service.service)];
    let log = docker(place, &|| false).log(&service.id, lines).unwrap_or_default();
    if !log.trim().is_empty() {
        told.push(format!("the end of its log:\n{}", log.trim_end()));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, restart_count: u64, restarting: bool) -> Service {
        Service {
            id: name.into(),
            name: format!("web_{name}_1"),
            project: "web".into(),
            service: name.into(),
            state: if restarting { "restarting" } else { "running" }.into(),
            running: true,
            restarting,
            restart_count,
            exit_code: 0,
            started_at: String::new(),
            health: None,
            image: String::new(),
            image_name: String::new(),
            folder: None,
            files: Vec::new(),
            mounts: Vec::new(),
        }
    }

    #[test]
    fn a_service_that_ends_at_once_is_found_and_one_that_waits_for_it_is_not() {
        let mut loops = Loops::new(&[], &Place::default());
        // Restarts from before the wait do not count.
        loops.add(vec![service("store", 40, false), service("core", 0, false), service("old", 90, false)]);
        let now = |store: u64, core| {
            vec![service("store", 40 + store, true), service("core", core, true), service("old", 90, false)]
        };
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        loops.add(now(9, 2));
        assert_eq!(loops.hopeless(minutes(2)), None);
        loops.add(now(10, 3));
        assert_eq!(loops.hopeless(minutes(2)).unwrap().service, "store");
        // It may still come up: it is the first minute, or each of its lives is long.
        assert_eq!(loops.hopeless(Duration::from_secs(59)), None);
        assert_eq!(loops.hopeless(minutes(4)), None);
    }
}
