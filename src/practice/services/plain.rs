//! The services of which an update sees little: each answers at its port what a health check asks.

use super::service::{PATIENCE, Service};
use crate::failure::{Failure, Kind, Result};
use crate::machine::yaml;
use crate::practice::world::http::{Request, Response};
use crate::practice::world::ports;
use crate::practice::world::write;
use serde_json::json;
use std::time::Duration;

pub fn run(service: &Service) -> Result<()> {
    match service.service() {
        "dex" => dex(service),
        "minio" => minio(service),
        "ui" => ui(service),
        "sync" => sync(service),
        "ldap" => {
            let data = service.file("/var/lib/ldap")?.join("data.ldif");
            if !data.exists() {
                write(&data, format!("dn: {}\nobjectClass: domain\n", service.variable("LDAP_DOMAIN")))?;
            }
            service.listen(|_| Response::text(200, "ok"))
        }
        "etcd-0" => service.listen(|_| Response::json(200, &json!({ "health": "true" }))),
        _ => match ports::inner(service.service()) {
            Some(_) => service.listen(|_| Response::text(200, "ok")),
            // A service that this module doesn't know just runs.
            None => loop {
                std::thread::sleep(Duration::from_secs(3600));
            },
        },
    }
}

fn dex(service: &Service) -> Result<()> {
    let text = service.read("/opt/config.yaml")?;
    if text.contains("{{") {
        return Err(Failure::new(
            Kind::Invalid,
            "failed to parse the config file: it still holds placeholders",
        ));
    }
    let issuer = text.lines().find_map(|line| line.strip_prefix("issuer:")).unwrap_or("").trim().to_string();
    let base = "http://dex:5556/dex";
    let answer = json!({ "issuer": issuer, "token_endpoint": format!("{base}/token"), "jwks_uri": format!("{base}/keys") });
    service.listen(move |request: Request| match request.path.as_str() {
        "/dex/.well-known/openid-configuration" => Response::json(200, &answer),
        "/dex/healthz" => Response::text(200, "Health check passed"),
        _ => Response::text(404, "404 page not found"),
    })
}

fn minio(service: &Service) -> Result<()> {
    let openid = service.variable("MINIO_IDENTITY_OPENID_CONFIG_URL").to_string();
    service.wait("auth", PATIENCE, || service.answers(&openid))?;
    service.wait("the queue", PATIENCE, || service.answers("http://rabbitmq:5672/"))?;
    std::thread::sleep(Duration::from_millis(100));
    service.listen(|request: Request| {
        if request.path.starts_with("/minio/health/") {
            return Response::text(200, "");
        }
        let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code>\
                    <Message>Access Denied.</Message><Resource>/</Resource></Error>";
        Response::new(403, "application/xml", body)
    })
}

fn ui(service: &Service) -> Result<()> {
    let own = service.clone();
    service.listen(move |request: Request| match request.path.as_str() {
        "/" | "/index.html" => {
            let page = format!("<!doctype html>\n<title>Practice server</title>\n<p>{}</p>\n", own.release());
            Response::new(200, "text/html; charset=utf-8", page)
        }
        "/config.json" => match own.read("/opt/config/config.json") {
            Ok(text) => Response::new(200, "application/json", text),
            Err(failure) => Response::text(404, failure.to_string()),
        },
        _ => Response::text(404, "404 page not found"),
    })
}

fn sync(service: &Service) -> Result<()> {
    let configuration = service.configuration()?;
    let auth = yaml::text(&configuration["auth_endpoint"]);
    service.wait("auth", PATIENCE, || service.answers(&format!("{auth}/ping")))?;
    service.token(&auth)?;
    let cores = configuration["core_services"].as_array().cloned().unwrap_or_default();
    for core in cores.iter().map(yaml::text) {
        service.wait(&core, PATIENCE, || service.answers(&format!("{core}/discover")))?;
    }
    service.listen(|_| Response::text(200, "ok"))
}
