//! Credentials that `docker login` left for registries. They are looked up where they are each time, and never kept.

use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::client::json::Loose;
use crate::secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// What of the file is read, in bytes.
const LARGEST: u64 = 1 << 20;
/// As Docker calls its own registry in there.
const HUB: &str = "https://index.docker.io/v1/";

/// Runs a helper: the program's name (`docker-credential-pass`), its one argument (`get`) and its input, for its output.
/// Nothing if the helper says that it knows none. Such a program is started by `command`.
pub type RunHelper<'a> = &'a dyn Fn(&str, &str, &str) -> Result<Option<String>>;

/// Who asks. Not shown by anything.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    Password {
        user: String,
        password: String,
    },
    /// For which the token service gives tokens.
    Identity(String),
    /// A token for the registry itself.
    Registry(String),
}

impl std::fmt::Debug for Login {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Login")
    }
}

/// `config.json`, as far as it matters here.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    auths: BTreeMap<String, Auth>,
    creds_store: Loose,
    cred_helpers: BTreeMap<String, Loose>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: Loose,
    username: Loose,
    password: Loose,
    identitytoken: Loose,
    registrytoken: Loose,
}

/// What a helper prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    username: String,
    secret: String,
}

/// The login for a registry's host, `docker.io` or `localhost:5000`. `file` is the `config.json`; it need not be there.
///
/// Fails with [`Kind::Invalid`] if the file can't be read or is wrong, and as the helper fails.
pub fn login(file: &Path, host: &str, run: RunHelper) -> Result<Option<Login>> {
    let Some(config) = read(file)? else { return Ok(None) };
    let named = config.cred_helpers.into_iter().find(|(known, _)| is_host(known, host));
    let helper = named.map_or(config.creds_store, |(_, helper)| helper).text();
    let from_helper = match helper.filter(|helper| !helper.is_empty()) {
        Some(helper) => ask_helper(&helper, host, run)?,
        None => None,
    };
    let found = match from_helper {
        Some(login) => Some(login),
        None => {
            let mut all = config.auths.into_iter();
            all.find(|(known, _)| is_host(known, host)).and_then(|(_, auth)| from_file(auth))
        }
    };
    if let Some(login) = &found {
        let (Login::Password { password: value, .. } | Login::Identity(value) | Login::Registry(value)) =
            login;
        secret::keep(format!("password of {host}"), value);
    }
    Ok(found)
}

fn read(file: &Path) -> Result<Option<Config>> {
    let shown = file.display();
    let failed = || format!("the registries' credentials in `{shown}` can't be read");
    let mut text = Vec::new();
    match File::open(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.or_fail(Kind::Invalid, failed)?.take(LARGEST).read_to_end(&mut text),
    }
    .or_fail(Kind::Invalid, failed)?;
    // What serde says of it may quote it.
    let wrong = |error: serde_json::Error| {
        let place =
            format!("line {}, column {}: not as `docker login` writes it", error.line(), error.column());
        Failure::new(Kind::Invalid, failed()).why(place)
    };
    serde_json::from_slice(&text).map(Some).map_err(wrong)
}

fn ask_helper(helper: &str, host: &str, run: RunHelper) -> Result<Option<Login>> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !helper.bytes().all(is_name) {
        let helper = helper.escape_debug();
        return Err(Failure::new(Kind::Invalid, format!("`{helper}` is not a helper for credentials")));
    }
    let program = format!("docker-credential-{helper}");
    let server = if host == "docker.io" { HUB } else { host };
    let Some(printed) = run(&program, "get", server)? else { return Ok(None) };
    let Ok(printed) = serde_json::from_str::<Printed>(&printed) else {
        return Err(Failure::new(Kind::Refused, format!("`{program} get` printed no credentials")));
    };
    Ok(match printed.username.as_str() {
        "<token>" => Some(Login::Identity(printed.secret)),
        "" => None,
        _ => Some(Login::Password { user: printed.username, password: printed.secret }),
    })
}

fn from_file(auth: Auth) -> Option<Login> {
    let text = |value: Loose| value.text().filter(|text| !text.is_empty());
    if let Some(token) = text(auth.identitytoken) {
        return Some(Login::Identity(token));
    }
    if let Some(token) = text(auth.registrytoken) {
        return Some(Login::Registry(token));
    }
    let encoded = text(auth.auth).and_then(|encoded| STANDARD.decode(encoded).ok());
    let decoded = encoded.and_then(|bytes| String::from_utf8(bytes).ok());
    let (user, password) = match decoded {
        // Docker writes zeros behind it.
        Some(decoded) => decoded
            .split_once(':')
            .map(|(user, password)| (user.to_owned(), password.trim_end_matches('\0').to_owned()))?,
        None => (text(auth.username)?, text(auth.password)?),
    };
    Some(Login::Password { user, password })
}

/// Whether an entry is for a host. Old ones have a scheme and a path.
fn is_host(written: &str, host: &str) -> bool {
    let bare = written.split_once("://").map_or(written, |(_, rest)| rest);
    let bare = bare.split('/').next().unwrap_or(bare);
    let known = if bare == "index.docker.io" || bare == "registry-1.docker.io" { "docker.io" } else { bare };
    known.eq_ignore_ascii_case(host)
}
