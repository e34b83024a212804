//! The database service: the stand-in of PostgreSQL, over HTTP on loopback.

use super::service::Service;
use crate::failure::Result;
use crate::practice::database::Database;
use crate::practice::world::http::{Request, Response};
use crate::practice::world::make_folder;
use std::sync::Arc;
use std::time::Duration;

/// Where PostgreSQL keeps its data in the container.
pub const DATA: &str = "/var/lib/postgresql/data";

/// The database's file in the data folder.
pub const FILE: &str = "practice.redb";

pub fn run(service: &Service) -> Result<()> {
    let folder = service.file(DATA)?;
    make_folder(&folder)?;
    let fresh = !folder.join(FILE).exists();
    std::thread::sleep(Duration::from_millis(100));
    let database = Database::open(&folder.join(FILE))?;
    if fresh {
        // As with the real image, init scripts run only for an empty data folder.
        let wanted = service.variable("POSTGRES_MULTIPLE_DATABASES").split(',');
        for name in ["postgres"].into_iter().chain(wanted).filter(|name| !name.is_empty()) {
            database.execute("postgres", &format!("CREATE DATABASE \"{name}\""))?;
        }
        service.log("the data folder was empty: databases created");
    }
    let database = Arc::new(database);
    service.listen(move |request| {
        answer(&database, &request).unwrap_or_else(|failure| Response::text(400, failure.to_string()))
    })
}

fn answer(database: &Database, request: &Request) -> Result<Response> {
    let name = request.query.as_str();
    let body = String::from_utf8_lossy(&request.body);
    Ok(match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/ready") => Response::text(200, "accepting connections"),
        ("GET", "/content") => json(&database.content(name)?),
        ("GET", "/databases") => json(&database.databases()?),
        ("GET", "/dump") => Response::text(200, database.dump(name)?),
        ("POST", "/sql") => json(&database.execute(name, &body)?),
        ("POST", "/restore") => json(&database.restore(name, &body, false)?),
        ("POST", "/restore-clean") => json(&database.restore(name, &body, true)?),
        ("POST", path) if path.starts_with("/insert/") => {
            let rows = serde_json::from_str(&body).unwrap_or_default();
            json(&database.insert(name, &path["/insert/".len()..], &rows)?)
        }
        _ => Response::text(404, "no such thing"),
    })
}

fn json(value: &impl serde::Serialize) -> Response {
    Response::json(200, &serde_json::to_value(value).unwrap_or_default())
}
