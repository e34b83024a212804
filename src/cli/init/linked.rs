//! The other servers that one is linked with, by what its own files say.

use crate::cli::new_site::is_bare;
use crate::failure::Result;
use crate::kind::Links;
use crate::machine::env_file::EnvFile;
use crate::machine::yaml;
use serde_json::Value;
use std::path::Path;

/// Another server.
pub struct Linked {
    /// Its URL, without a slash at the end.
    pub endpoint: String,
    /// Where it was found, for people.
    pub source: String,
}

/// The servers that one is linked with whose URL is `own`. `settings` are its settings, and `file` is their name for people.
///
/// Fails if its files can't be read, or are not understood.
pub fn find(
    links: &Links,
    own: &str,
    settings: Option<(&EnvFile, &str)>,
    home: &Path,
) -> Result<Vec<Linked>> {
    let mut urls = Vec::new();
    for (name, (settings, file)) in links.settings.iter().flat_map(|name| settings.map(|it| (name, it))) {
        urls.extend(settings.get(name)?.map(|url| (url, format!("{name} in {file}"))));
    }
    for listed in &links.lists {
        let file =
            listed.file.strip_prefix("~/").map_or_else(|| listed.file.clone().into(), |file| home.join(file));
        urls.extend(list(&file, &listed.key)?.into_iter().map(|url| (url, listed.file.clone())));
    }
    let mut linked: Vec<Linked> = Vec::new();
    for (url, source) in urls {
        let endpoint = endpoint(&url, &links.services);
        let is_known = endpoint == own
            || links.own.iter().any(|known| known == endpoint)
            || linked.iter().any(|one| one.endpoint == endpoint);
        if !is_known && !host(endpoint).is_empty() {
            linked.push(Linked { endpoint: endpoint.into(), source });
        }
    }
    Ok(linked)
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
fn endpoint<'a>(url: &'a str, services: &[String]) -> &'a str {
    let url = url.trim().trim_end_matches('/');
    services.iter().find_map(|service| url.strip_suffix(service.as_str())).unwrap_or(url)
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

    /// Its table in `site.toml`, as a server of a kind. `checkout` is that of the server here, `names` those of the tables so
    /// far.
    pub fn table(&self, kind: &str, checkout: &Path, home: &Path, names: &mut Vec<String>) -> String {
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
        let source = &self.source;
        let endpoint = &self.endpoint;
        if self.is_here() {
            return format!(
                "\n# Another server, which {source} names. It is on this machine: say where.\n# [servers.{name}]\n\
                 # kind = {kind:?}\n# checkout = \"\"\n# environment = {{ HOME = \"\" }}\n# endpoint = {endpoint:?}\n"
            );
        }
        format!(
            "\n# Another server, which {source} names.\n[servers.{name}]\nkind = {kind:?}\n# What `ssh` takes; this one \
             is a guess.\nssh = {host:?}\n# The git checkout over there; this one is a guess.\ncheckout = \
             {checkout:?}\nendpoint = {endpoint:?}\n"
        )
    }
}
