//! The reverse proxy: routes by the labels of the running containers, as Traefik does.

use super::service::Service;
use crate::failure::Result;
use crate::output;
use crate::practice::docker::engine::{self, Order};
use crate::practice::docker::socket;
use crate::practice::world::http::{self, Request, Response};
use crate::practice::world::{World, now};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;

pub fn run(service: &Service) -> Result<()> {
    let world = service.world.clone();
    service.listen(move |request| {
        // As Traefik's access log in JSON, of which this is a part.
        let (method, path) = (&request.method, &request.path);
        output::line(json!({ "RequestMethod": method, "RequestPath": path, "StartUTC": now() }));
        answer(&world, request)
    })
}

/// One way in, from the labels of a container.
#[derive(Debug, PartialEq)]
struct Route {
    host: String,
    prefix: String,
    /// Of the routes that fit, the one with the highest is taken.
    priority: usize,
    /// A prefix that is taken off before the request goes on.
    strip: Option<String>,
    /// Where a request for `/` itself is sent.
    redirect: Option<String>,
    to: Option<SocketAddr>,
}

fn answer(world: &World, mut request: Request) -> Response {
    let routes = known(world);
    let host = request.header("host").and_then(|host| host.split(':').next()).unwrap_or_default();
    let fitting = routes.iter().filter(|route| route.host == host && request.path.starts_with(&route.prefix));
    let Some(route) = fitting.max_by_key(|route| route.priority) else {
        return Response::text(404, "404 page not found\n");
    };
    if request.path == "/"
        && let Some(target) = &route.redirect
    {
        let mut response = Response::text(307, "Temporary Redirect");
        response.headers.push(("location".into(), target.clone()));
        return response;
    }
    if let Some(rest) = route.strip.as_ref().and_then(|prefix| request.path.strip_prefix(prefix.as_str())) {
        request.path = if rest.starts_with('/') { rest.to_string() } else { format!("/{rest}") };
    }
    let answer = route.to.and_then(|to| http::send(to, &request).ok());
    answer.unwrap_or_else(|| Response::text(502, "Bad Gateway"))
}

/// All routes of the moment. Traefik routes only to a container that is healthy, if it says.
fn known(world: &World) -> Vec<Route> {
    if world.is_inside() {
        let seen = socket::containers().unwrap_or_default();
        return seen.iter().flat_map(|container| routes(container.to, &container.labels)).collect();
    }
    let containers = engine::order(world, &Order::List).unwrap_or_default();
    let running = containers.iter().filter(|container| container.running());
    let ready = running.filter(|container| container.health(world).is_none_or(|health| health == "healthy"));
    ready
        .flat_map(|container| routes(world.socket(&container.spec.service).ok(), &container.spec.labels))
        .collect()
}

/// The routes that a container's labels ask for, at the one entry point that there is: `web`, without TLS.
fn routes(to: Option<SocketAddr>, labels: &BTreeMap<String, String>) -> Vec<Route> {
    let value = |key: &str| labels.get(key).cloned();
    if value("traefik.enable").as_deref() != Some("true") {
        return Vec::new();
    }
    let rules = labels.iter().filter_map(|(key, rule)| {
        Some((key.strip_prefix("traefik.http.routers.")?.strip_suffix(".rule")?, rule))
    });
    rules
        .filter_map(|(router, rule)| {
            let of_router = |name: &str| value(&format!("traefik.http.routers.{router}.{name}"));
            if of_router("tls").as_deref() == Some("true") {
                return None;
            }
            let middleware = of_router("middlewares").unwrap_or_default();
            let middleware = middleware.trim_end_matches("@docker");
            let setting = |name: &str| value(&format!("traefik.http.middlewares.{middleware}.{name}"));
            Some(Route {
                host: between(rule, "Host(`")?,
                prefix: between(rule, "PathPrefix(`").unwrap_or_else(|| "/".into()),
                priority: of_router("priority").and_then(|told| told.parse().ok()).unwrap_or(rule.len()),
                strip: setting("stripprefix.prefixes"),
                redirect: setting("redirectregex.replacement"),
                to,
            })
        })
        .collect()
}

fn between(rule: &str, start: &str) -> Option<String> {
    let rest = &rule[rule.find(start)? + start.len()..];
    Some(rest[..rest.find('`')?].to_string())
}
