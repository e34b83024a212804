//! What the kind of a server says of it now, outside of any run: `status` asks it, and the end of a run that stopped.

use crate::event::Event;
use crate::failure::Result;
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

/// Calls one of [`kind::ASKED`]. Nothing is written, nobody is asked, and `stop` ends it.
pub fn ask(
    site: &Arc<Site>,
    reach: &Arc<dyn Reach>,
    server: &Server,
    function: &str,
    stop: &Arc<Stop>,
) -> Result<Value> {
    let layers = Arc::new(Layers::of_site(Some(site.folder()), &server.kind));
    let parts = Parts {
        site: site.clone(),
        header: session::header(site, "status", Default::default(), vec![server.name.clone()]),
        stop: stop.clone(),
        reach: Arc::new(Looking(reach.clone())),
        listener: Arc::new(|_: &Event| {}),
        person: Arc::new(Nobody),
        stepwise: false,
    };
    let session = Arc::new(Session::begin(parts, None, Direction::On)?);
    kind::call(layers, &session, function)
}
