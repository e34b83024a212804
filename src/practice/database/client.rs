//! The database service as the other services and PostgreSQL's own programs ask it.

use super::answer::Answer;
use crate::failure::{Failure, Kind, Result};
use crate::practice::world::http::{self, Request, Response};
use crate::practice::world::{World, start};

/// Sends a request to the database service; an answer other than 200 is a failure with its text.
pub fn ask(world: &World, request: &Request) -> Result<Response> {
    let response = http::send(world.socket("db")?, request)?;
    match response.status {
        200 => Ok(response),
        _ => Err(Failure::new(Kind::Refused, String::from_utf8_lossy(&response.body))),
    }
}

/// Runs statements in one transaction.
pub fn sql(world: &World, database: &str, statements: &str) -> Result<Vec<Answer>> {
    if world.is_inside() {
        return psql(database, statements);
    }
    let request = Request::new("POST", &format!("/sql?{database}"), statements);
    serde_json::from_slice(&ask(world, &request)?.body)
        .map_err(|error| Failure::new(Kind::Invalid, "the database's answer is not understood").why(error))
}

/// Asks the real PostgreSQL, in one transaction.
fn psql(database: &str, statements: &str) -> Result<Vec<Answer>> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let said = start::psql(database, &variable("POSTGRES_USER"), &variable("POSTGRES_PASSWORD"), statements)?;
    let rows = said.lines().map(|line| line.split('|').map(str::to_owned).collect()).collect();
    Ok(vec![Answer { columns: Vec::new(), rows, tag: String::new() }])
}

/// The first value of the first row of the last answer.
pub fn first_value(answers: &[Answer]) -> String {
    answers.last().and_then(|answer| answer.rows.first()?.first().cloned()).unwrap_or_default()
}
