//! The auth service: waits for its database and for dex, then exchanges the service secret for tokens.

use super::service::{PATIENCE, Service};
use crate::failure::{Failure, Kind, Result};
use crate::practice::world::http::{Request, Response};
use crate::practice::world::{digest, make_folder, write};
use serde_json::{Value, json};
use std::io::Read;
use std::time::Duration;

pub fn run(service: &Service) -> Result<()> {
    if service.strikes("auth-down", 0).is_some() {
        return Err(Failure::new(Kind::Unreachable, "failed to query provider: connection refused"));
    }
    service.wait("the database", PATIENCE, || service.database_answers())?;
    service.migrate()?;
    // Hoss does not wait for dex at all: it ends, and is started again.
    let patience = Duration::from_secs(3);
    service
        .wait("dex", patience, || service.answers("http://dex:5556/dex/.well-known/openid-configuration"))?;
    let configuration = service.configuration()?;
    let key = key(service)?;
    let openid: Value = serde_json::from_str(
        &service
            .read("/opt/openid-config.json")?
            .replace("{{.ExternalHost}}", service.variable("EXTERNAL_HOSTNAME"))
            .replace("{{.ConditionalHost}}", "http://auth:8080"),
    )
    .unwrap_or_default();
    service.log(format_args!("issuer {}, key {key}", configuration["issuer"]));
    let secret = service.variable("SERVICE_AUTH_SECRET").to_string();
    service.listen(move |request| answer(&request, &secret, &key, &openid))
}

fn answer(request: &Request, secret: &str, key: &str, openid: &Value) -> Response {
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/v1/ping") => Response::json(200, &json!({ "status": "ok" })),
        ("GET", "/v1/.well-known/openid-configuration") => Response::json(200, openid),
        ("GET", "/v1/keys") => {
            let public = digest(key);
            let key =
                json!({ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": key, "n": public, "e": "AQAB" });
            Response::json(200, &json!({ "keys": [key] }))
        }
        ("POST", "/v1/sat/exchange/jwt") if !secret.is_empty() && request.bearer() == Some(secret) => {
            Response::json(201, &json!({ "id_token": token(key, &openid["issuer"]), "token_type": "Bearer" }))
        }
        ("POST", "/v1/sat/exchange/jwt") => Response::json(401, &json!({ "error": "invalid service token" })),
        _ => Response::text(404, "404 page not found"),
    }
}

/// The identity of the signing key, which is made at the first start and kept in the volume `auth-secrets`.
fn key(service: &Service) -> Result<String> {
    let folder = service.file("/secrets")?;
    let path = folder.join("private.pem");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(_) => {
            let mut random = [0; 32];
            let source =
                std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut random));
            source.map_err(|error| Failure::new(Kind::Refused, "no random numbers").why(error))?;
            make_folder(&folder)?;
            let text =
                format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", digest(random));
            write(&path, &text)?;
            text
        }
    };
    Ok(digest(text)[..16].to_string())
}

/// A token of three parts that [`valid`] accepts for that key.
fn token(key: &str, issuer: &Value) -> String {
    let payload = hexadecimal(&json!({ "iss": issuer, "sub": "service", "nickname": "service" }).to_string());
    let head = hexadecimal(&json!({ "alg": "RS256", "kid": key }).to_string());
    format!("{head}.{payload}.{}", digest(format!("{key} {payload}")))
}

/// Whether a token was signed with the key of that identity.
pub fn valid(token: &str, key: &str) -> bool {
    let parts: Vec<&str> = token.split('.').collect();
    matches!(parts.as_slice(), [_, payload, signature] if *signature == digest(format!("{key} {payload}")))
}

fn hexadecimal(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}
