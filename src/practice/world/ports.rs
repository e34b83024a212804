//! The port on which each service of Hoss listens in its container.

const PORTS: &[(&str, u16)] = &[
    ("reverse-proxy", 80),
    ("core", 8080),
    ("auth", 8080),
    ("ui", 8080),
    ("dex", 5556),
    ("opensearch", 9200),
    ("etcd-0", 2379),
    ("ldap-admin", 443),
    ("minio", 9000),
    ("rabbitmq", 5672),
    ("db", 5432),
    ("ldap", 389),
    ("sync", 8080),
    // Not of Hoss: what is shown to users while it is worked on.
    ("page", 8080),
];

/// All services that a practice server can run.
pub fn services() -> impl Iterator<Item = &'static str> {
    PORTS.iter().map(|(service, _)| *service)
}

/// The port of a service, if it is known.
pub fn inner(service: &str) -> Option<u16> {
    PORTS.iter().find(|(name, _)| *name == service).map(|(_, port)| *port)
}
