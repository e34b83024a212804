//! The other servers of a Hoss, by what its own files say: where its auth service is, and who uses its own.

use super::is_bare;
use crate::failure::Result;
use crate::machine::env_file::{EnvFile, environment};
use crate::machine::yaml;
use serde_json::Value;
use std::path::Path;

/// What these files call the services that are on the server itself.
const OWN: [&str; 2] = ["http://auth:8080", "http://core:8080"];

/// Another server.
pub struct Linked {
    /// Its URL, without a slash at the end.
    pub endpoint: String,
    /// Where it was found, for people.
    pub source: &'static str,
}

/// The URL of the Hoss whose configuration is in `folder`, and the servers that it is linked with.
///
/// Fails if its files can't be read, or are not understood.
pub fn find(folder: &Path) -> Result<(String, Vec<Linked>)> {
    let settings = match folder.join(".env") {
        file if file.exists() => Some(EnvFile::read(&file, environment())?),
        _ => None,
    };
    let setting = |name| settings.as_ref().map_or(Ok(None), |settings| settings.get(name));
    let own = setting("EXTERNAL_HOSTNAME")?.unwrap_or_else(|| "http://localhost".into());
    let own = own.trim().trim_end_matches('/').to_owned();
    let mut urls = Vec::new();
    if let Some(auth) = setting("AUTH_SERVICE_ENDPOINT")? {
        urls.push((auth, "AUTH_SERVICE_ENDPOINT in ~/.hoss/.env"));
    }
    for (file, key, source) in [
        ("auth/config.yaml", "additional_allowed_servers", "~/.hoss/auth/config.yaml"),
        ("sync/config.yaml", "core_services", "~/.hoss/sync/config.yaml"),
    ] {
        let listed = list(&folder.join(file), key)?;
        urls.extend(listed.into_iter().map(|url| (url, source)));
    }
    let mut linked: Vec<Linked> = Vec::new();
    for (url, source) in urls {
        let endpoint = endpoint(&url);
        let is_known =
            endpoint == own || OWN.contains(&endpoint) || linked.iter().any(|one| one.endpoint == endpoint);
        if !is_known && !host(endpoint).is_empty() {
            linked.push(Linked { endpoint: endpoint.into(), source });
        }
    }
    Ok((own, linked))
}

/// The texts of a list in a file; none if there is no such file, or no such list in it.
fn list(file: &Path, key: &str) -> Result<Vec<String>> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    let value = yaml::read(file)?;
    let items = value.get(key).and_then(Value::as_array).into_iter().flatten();
    Ok(items.filter_map(Value::as_str).map(str::to_owned).collect())
}

/// The URL of the server of which a service has this URL.
fn endpoint(url: &str) -> &str {
    let url = url.trim().trim_end_matches('/');
    let url = url.strip_suffix("/v1").unwrap_or(url);
    ["/auth", "/core"].iter().find_map(|service| url.strip_suffix(service)).unwrap_or(url)
}

/// The host of a URL, without its port; nothing if it is none.
fn host(url: &str) -> &str {
    let after = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = after.split('/').next().unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

impl Linked {
    /// What is guessed of it, for people.
    pub fn guess(&self) -> &'static str {
        match self.is_here() {
            true => ": its table is a comment, as its `checkout` is not known",
            false => ": its `ssh` and `checkout` are guesses",
        }
    }

    fn is_here(&self) -> bool {
        let host = host(&self.endpoint);
        host == "localhost" || host.starts_with("127.") || host == "[::1]"
    }

    /// Its table in `site.toml`. `checkout` is that of the server here, `names` those of the tables so far.
    pub fn table(&self, checkout: &Path, home: &Path, names: &mut Vec<String>) -> String {
        let host = host(&self.endpoint);
        let label = host.split('.').next().unwrap_or_default();
        let is_free = is_bare(label) && !self.is_here() && !label.bytes().all(|byte| byte.is_ascii_digit());
        let name = match is_free && names.iter().all(|name| name != label) {
            true => label.to_owned(),
            false => format!("server-{}", names.len() + 1),
        };
        names.push(name.clone());
        let checkout = match checkout.strip_prefix(home) {
            Ok(inside) => format!("~/{}", inside.display()),
            Err(_) => checkout.display().to_string(),
        };
        let source = self.source;
        let endpoint = &self.endpoint;
        if self.is_here() {
            return format!(
                "\n# Another server, which {source} names. It is on this machine: say where.\n# [servers.{name}]\n\
                 # kind = \"hoss\"\n# checkout = \"\"\n# environment = {{ HOME = \"\" }}\n# endpoint = {endpoint:?}\n"
            );
        }
        format!(
            "\n# Another server, which {source} names.\n[servers.{name}]\nkind = \"hoss\"\n# What `ssh` takes; this one \
             is a guess.\nssh = {host:?}\n# The git checkout over there; this one is a guess.\ncheckout = \
             {checkout:?}\nendpoint = {endpoint:?}\n"
        )
    }
}
