//! The database service: the stand-in of PostgreSQL, over HTTP on loopback.

use super::service::Service;
use crate::failure::Result;
use crate::practice::database::Databases;
use crate::practice::database::dump::Dump;
use crate::practice::world::http::{Request, Response};
use crate::practice::world::make_folder;
use std::sync::Arc;
use std::time::Duration;

/// Where PostgreSQL keeps its data in the container.
const DATA: &str = "/var/lib/postgresql/data";

pub fn run(service: &Service) -> Result<()> {
    let folder = service.file(DATA)?;
    make_folder(&folder)?;
    std::thread::sleep(Duration::from_millis(100));
    // As with the real image, init scripts run only for an empty data folder.
    let wanted = service.variable("POSTGRES_MULTIPLE_DATABASES").split(',');
    let names = ["postgres"].into_iter().chain(wanted).filter(|name| !name.is_empty());
    let (databases, are_new) = Databases::create(&folder, names)?;
    if are_new {
        service.log("the data folder was empty: databases created");
    }
    let databases = Arc::new(databases);
    service.listen(move |request| {
        answer(&databases, &request).unwrap_or_else(|failure| Response::text(400, failure.to_string()))
    })
}

fn answer(databases: &Databases, request: &Request) -> Result<Response> {
    let name = request.query.as_str();
    let body = String::from_utf8_lossy(&request.body);
    Ok(match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/ready") => Response::text(200, "accepting connections"),
        ("GET", "/tables") => json(&databases.tables(name)?),
        ("GET", "/dump") => Response::text(200, databases.dump(name)?.write()?),
        ("POST", "/sql") => json(&databases.execute(name, &body)?),
        ("POST", "/restore") => json(&databases.restore(name, &Dump::read(&body)?, false)?),
        ("POST", "/restore-clean") => json(&databases.restore(name, &Dump::read(&body)?, true)?),
        _ => Response::text(404, "no such thing"),
    })
}

fn json(value: &impl serde::Serialize) -> Response {
    Response::json(200, &serde_json::to_value(value).unwrap_or_default())
}
