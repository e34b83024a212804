//! The core service: comes up last, after its whole chain, and says which release it is.

use super::auth::valid;
use super::service::{PATIENCE, Service};
use crate::failure::{Failure, Kind, Result};
use crate::machine::yaml;
use crate::practice::database::client::{first_value, sql};
use crate::practice::docker::image;
use crate::practice::world::http::{self, Request, Response};
use serde_json::{Value, json};
use std::time::Duration;

/// The search index of a Hoss server.
const INDEX: &str = "http://opensearch:9200/metadata-index";

/// How long a core with the fault `flapping` lives.
const FLAP: Duration = Duration::from_millis(1500);

/// A minute of the configuration.
const MINUTE: Duration = Duration::from_millis(100);

pub fn run(service: &Service) -> Result<()> {
    if let Some(message) = service.image.program["crash"].as_str() {
        std::thread::sleep(Duration::from_millis(50));
        return Err(Failure::new(Kind::Bug, message));
    }
    let configuration = service.configuration()?;
    let settings = configuration["server"].clone();
    let has = |name: &str| service.variable("AVAILABLE_SERVICES").split_whitespace().any(|word| word == name);
    let auth = yaml::text(&settings["auth_service"]);

    service.wait("the database", PATIENCE, || service.database_answers())?;
    service.migrate()?;
    if has("minio") {
        let store = store(service, &configuration)?;
        service.wait("minio", PATIENCE, || service.answers(&format!("{store}/minio/health/live")))?;
        service.wait("the queue", PATIENCE, || service.answers("http://rabbitmq:5672/"))?;
    }
    service.wait("opensearch", PATIENCE, || service.answers("http://opensearch:9200/_cluster/health"))?;
    // A missing index is made; one that is there is never changed.
    if !service.image.mapping.is_null() && !service.answers(INDEX) {
        let body = json!({ "mappings": service.image.mapping }).to_string();
        http::request(&service.world, "PUT", INDEX, &[], body.into())?;
    }
    service.wait("auth", PATIENCE, || service.answers(&format!("{auth}/ping")))?;
    service.token(&auth)?;
    let keys = http::get(&service.world, &format!("{auth}/keys"))?.value();
    let key = yaml::text(&keys["keys"][0]["kid"]);

    if let Some(seconds) = service.strikes("healthy-late", 4) {
        service.log(format_args!("warming up for {seconds} s"));
        std::thread::sleep(Duration::from_secs(seconds));
    }
    if service.strikes("flapping", 0).is_some() {
        std::thread::spawn(|| {
            std::thread::sleep(FLAP);
            crate::output::complain("fatal error: all goroutines are asleep - deadlock!");
            std::process::exit(2);
        });
    }
    // Where auth is another server's, so that it can be away while this one stays.
    if !has("auth") {
        let minutes = u32::try_from(settings["sync_frequency_minutes"].as_i64().unwrap_or(5)).unwrap_or(5);
        synchronize_groups(service.clone(), auth.clone(), minutes * MINUTE);
    }
    let discover = discover(service, &settings, &auth);
    let queues = queues(&configuration);
    let own = service.clone();
    service.listen(move |request| answer(&own, &request, &discover, &queues, &key))
}

/// Where the object store is. The database says it, once the configuration said it for the first time; it is asked there
/// under the name that users have for it, unless that is this machine's own.
fn store(service: &Service, configuration: &Value) -> Result<String> {
    let database = service.variable("POSTGRES_DB");
    let known = || sql(&service.world, database, "SELECT endpoint FROM object_stores");
    let mut endpoint = first_value(&known()?);
    if endpoint.is_empty() {
        endpoint = yaml::text(&configuration["object_stores"][0]["endpoint"]);
        let row = format!("('000001', 'default', '{endpoint}', 'minio')");
        let insert = "INSERT INTO object_stores (id, name, endpoint, object_store_type) VALUES";
        sql(&service.world, database, &format!("{insert} {row}"))?;
    }
    let is_here = endpoint == "http://localhost";
    Ok(if is_here { "http://minio:9000".into() } else { endpoint })
}

/// Asks auth for a token again and again, as for a list of groups. Without one core ends.
fn synchronize_groups(service: Service, auth: String, period: Duration) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(period);
            if let Err(failure) = service.token(&auth) {
                crate::output::complain(format!("failed to sync groups: {failure}"));
                std::process::exit(1);
            }
        }
    });
}

fn answer(service: &Service, request: &Request, discover: &Value, queues: &Value, key: &str) -> Response {
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/v1/discover") => Response::json(200, discover),
        ("GET", "/v1/configuration/queue") => {
            let database = service.variable("POSTGRES_DB");
            if !request.bearer().is_some_and(|token| valid(token, key)) {
                Response::json(401, &json!({ "error": "unauthorized" }))
            } else if let Err(failure) = sql(&service.world, database, "SELECT 1") {
                Response::json(500, &json!({ "error": failure.to_string() }))
            } else {
                Response::json(200, queues)
            }
        }
        _ => Response::text(404, "404 page not found"),
    }
}

fn discover(service: &Service, settings: &Value, auth: &str) -> Value {
    let mut told = service.image.clone();
    if service.strikes("wrong-version", 0).is_some()
        && let Ok(world) = service.world.settings()
    {
        match image::find(&service.world, &format!("hoss-core:{}", world.base)) {
            Some(old) => told = old,
            // Within a container there is no other image to look at.
            None => told.version = world.base,
        }
    }
    // The address within Compose's network says nothing to a client.
    let auth = match auth.contains("auth:8080") {
        true => format!("{}/auth/v1", service.variable("EXTERNAL_HOSTNAME")),
        false => auth.to_string(),
    };
    let services: Vec<&str> = service.variable("AVAILABLE_SERVICES").split_whitespace().collect();
    json!({
        "alive": "true", "dev": settings["dev"] == true, "version": told.version, "build": told.commit,
        "services": services, "auth_service": auth,
        "delete_delay_minutes": settings["dataset_delete_delay_minutes"].as_i64().unwrap_or(0),
    })
}

fn queues(configuration: &Value) -> Value {
    let queues = configuration["queues"].as_array().cloned().unwrap_or_default();
    let shown = |queue: &Value| json!({ "type": queue["type"], "object_store": queue["object_store"] });
    queues.iter().map(shown).collect()
}
