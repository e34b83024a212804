//! What the kind of a server says of it now, outside of any run: `status` asks it, and the end of a run that stopped.

use crate::event::Event;
use crate::failure::{Failure, Kind, Result};
use crate::person::Nobody;
use crate::reach::Reach;
use crate::reach::looking::Looking;
use crate::script::kind;
use crate::script::layers::Layers;
use crate::session::{self, Direction, Parts, Session};
use crate::site::{Server, Site};
use crate::stop::Stop;
use serde_json::Value;
use std::sync::Arc;

/// Asks the kind of one server. Nothing is written, nobody is asked, and `stop` ends it.
pub struct KindSays<'a> {
    site: &'a Arc<Site>,
    reach: &'a Arc<dyn Reach>,
    server: &'a Server,
    stop: Arc<Stop>,
    kind: Result<kind::Asked>,
}

/// Whether a server is healthy.
#[derive(Default)]
pub struct Health {
    /// Absent if it is not known.
    pub healthy: Option<bool>,
    /// As the kind gives them.
    pub checks: Value,
}

impl<'a> KindSays<'a> {
    pub fn of(
        site: &'a Arc<Site>,
        reach: &'a Arc<dyn Reach>,
        server: &'a Server,
        stop: Arc<Stop>,
    ) -> KindSays<'a> {
        let layers = Arc::new(Layers::of_site(Some(site.folder()), server.kind.as_str()));
        KindSays { site, reach, server, stop, kind: kind::Asked::of(layers) }
    }

    pub fn health(&self) -> Result<Health> {
        let mut said = self.ask("health")?;
        let healthy = said["healthy"].as_bool();
        let checks = said.get_mut("checks").map(Value::take).unwrap_or_default();
        Ok(Health { healthy, checks })
    }

    /// The release that runs; absent if the kind can't see it, or can't be asked: it is only shown where it is another one
    /// than what is checked out.
    pub fn running_release(&self) -> Option<String> {
        self.ask("running_release").ok()?.as_str().map(str::to_owned)
    }

    /// Where the backups are, as a script writes it.
    pub fn backup_folder(&self) -> Result<String> {
        let said = self.ask("backup_folder")?;
        said.as_str().map(str::to_owned).ok_or_else(|| {
            let message = format!("`backup_folder` of the kind `{}` gives no text", self.server.kind);
            Failure::new(Kind::Invalid, message).help("see what is expected of it with `banister doc kind`")
        })
    }

    /// Calls one of [`kind::ASKED`].
    fn ask(&self, function: &str) -> Result<Value> {
        let KindSays { site, reach, server, stop, kind } = self;
        let kind = kind.as_ref().map_err(Clone::clone)?;
        let parts = Parts {
            site: (*site).clone(),
            header: session::header(site, "status", Default::default(), vec![server.name.clone()]),
            stop: stop.clone(),
            reach: Arc::new(Looking((*reach).clone())),
            listener: Arc::new(|_: &Event| {}),
            person: Arc::new(Nobody),
            stepwise: false,
        };
        let session = Arc::new(Session::begin(parts, None, Direction::On)?);
        kind.call(&session, function)
    }
}
