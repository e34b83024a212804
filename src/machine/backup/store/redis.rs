//! All that a Redis service holds.

use super::{Drilled, Group, Restored, Store};
use crate::failure::{Context, Kind, Result};
use crate::machine::archive::Content;
use crate::machine::backup::asked::Asked;
use crate::machine::backup::gathered::{Gathered, Workshop};
use crate::machine::backup::place::answers;
use crate::machine::backup::{Place, Unpacked};
use crate::machine::files::{kept, open, write_private_durably};
use crate::machine::part::Part;
use crate::machine::redis::{Layout, Redis as Server};
use std::fs::File;

/// Redis services, each with a dump.
pub struct Redis;

impl Store for Redis {
    fn group(&self) -> Group {
        Group::Databases
    }

    fn take(&self, asked: &Asked, workshop: &Workshop, gathered: &mut Gathered) -> Result<()> {
        for redis in &asked.redis {
            (workshop.tell)(format!("dumping {}", redis.service));
            let container = workshop.place.running(&redis.service)?;
            let server = Server { docker: workshop.place.docker(), container: &container.name };
            let dumped = workshop.output(&redis.name, &server.dump());
            let content = dumped.map_err(|failure| workshop.place.explain(&redis.service, failure))?;
            let part = Part::Redis { name: redis.name.clone(), service: redis.service.clone() };
            gathered.add(part, Content::Output(content));
        }
        Ok(())
    }

    /// A second server, in the container and for a moment, reads it.
    fn drill(&self, unpacked: &Unpacked, place: &Place, drilled: &mut Drilled) -> Result<()> {
        for (name, service) in parts(unpacked) {
            let container = place.running(service)?;
            let server = Server { docker: place.docker(), container: &container.name };
            let tried = server.try_dump(&open(&unpacked.path(name))?);
            let keys = tried.map_err(|failure| place.explain(service, failure))?;
            drilled.keys.insert(service.to_owned(), keys);
        }
        Ok(())
    }

    /// It is stopped for it, and started again: it reads its files only then.
    fn put_back(&self, unpacked: &Unpacked, place: &Place, done: &mut Restored) -> Result<()> {
        let docker = place.docker();
        for (name, service) in parts(unpacked) {
            let container = docker.service(place.project, service)?;
            let server = Server { docker, container: &container.name };
            let dump = open(&unpacked.path(name))?;
            let layout = prepare(unpacked, place, service, &server, &dump)?;
            docker.run_spec(&docker.spec(["stop", &container.name]))?;
            server.exchange(&container.image, &layout, &unpacked.id, &dump)?;
            docker.run_spec(&docker.spec(["start", &container.name]))?;
            answers(place, service, || server.keys())?;
            done.names.push(service.to_owned());
        }
        Ok(())
    }

    fn drop_aside(&self, unpacked: &Unpacked, place: &Place) -> Result<()> {
        for (_, service) in parts(unpacked) {
            let container = place.running(service)?;
            let server = Server { docker: place.docker(), container: &container.name };
            let layout = server.layout()?;
            server.drop_aside(&container.image, &layout, &unpacked.id)?;
        }
        Ok(())
    }
}

/// Reads the dump in a second server, so that it is known to be good before anything is touched, and asks the server where
/// it has its data. That is kept: an attempt that was cut off may have stopped it, and it must not start on half of it.
fn prepare(
    unpacked: &Unpacked,
    place: &Place,
    service: &str,
    server: &Server,
    dump: &File,
) -> Result<Layout> {
    let path = unpacked.folder.join(format!("{service}.redis.json"));
    if let Some(layout) = kept(&path)? {
        return Ok(layout);
    }
    place.running(service)?;
    let layout = answers(place, service, || server.layout())?;
    server.try_dump(dump)?;
    let text = serde_json::to_vec(&layout).or_fail(Kind::Bug, || "a layout is not plain data".into())?;
    write_private_durably(&path, &text)?;
    Ok(layout)
}

fn parts(unpacked: &Unpacked) -> impl Iterator<Item = (&str, &str)> {
    unpacked.parts.iter().filter_map(|part| match part {
        Part::Redis { name, service } => Some((name.as_str(), service.as_str())),
        _ => None,
    })
}
