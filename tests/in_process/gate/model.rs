//! A small model of servers: what a primitive would say that is performed on one of them, and what that changes.
//!
//! What it says depends on nothing but the changes that were made before, so that a model which is told those that a
//! journal has goes on as the one did that the journal is of.

use banister::data::{self, Arguments};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Everything that a format could trip over: control characters, ends of lines, quotes, what looks like an end of a
/// record or a tag of ours, letters of other planes, halves of what a secret could be.
pub const AWKWARD: &str = "\u{0}\u{1}\u{1b}[31m\r\n\t\"\\'`${x} $pieces {\"$server\":\"gateway\"},\"sum\":\"0\"}\u{7f}\u{85}\u{2028}ß漢🦀\u{100000}\u{100001}\u{10ffff}‹secret›";

/// Not read back as they are by whoever rounds, or compares 0 with -0.
pub const FLOAT: f64 = 31.245270191439438;

/// Releases, the oldest first, as servers of Hoss have them.
const RELEASES: [&str; 4] = ["0.2.9", "0.2.10", "0.2.11", "0.2.12"];

/// What stands before a release's number in a backup's name.
const OF: &str = " of ";

#[derive(Clone)]
pub struct Model {
    servers: BTreeMap<String, Server>,
}

#[derive(Clone)]
struct Server {
    kind: String,
    /// What is checked out, and what was started last, as places in [`RELEASES`].
    checked_out: usize,
    started: usize,
    /// Which file is put in place next.
    wanted: usize,
    fetched: bool,
    settings: BTreeMap<String, Value>,
    actions: BTreeMap<String, Value>,
    /// What it is owed, as `owed` says it, the oldest first.
    owed: Vec<Value>,
    backups: usize,
    /// Of which release its settings are; of none that is known at first.
    configured: usize,
}

impl Model {
    /// `kinds` are those of the servers, by name.
    pub fn new(kinds: impl IntoIterator<Item = (String, String)>) -> Model {
        let server = |kind| Server {
            kind,
            checked_out: 0,
            started: 0,
            wanted: 0,
            fetched: false,
            settings: BTreeMap::new(),
            actions: BTreeMap::new(),
            owed: vec![owed(AWKWARD, AWKWARD, json!({ AWKWARD: [FLOAT, AWKWARD] }), true)],
            backups: 0,
            configured: usize::MAX,
        };
        Model { servers: kinds.into_iter().map(|(name, kind)| (name, server(kind))).collect() }
    }

    /// Says what the primitive would say, and remembers what it would change.
    pub fn answer(&mut self, primitive: &str, arguments: &Arguments) -> Value {
        let name = data::server_of(arguments).unwrap_or_default().to_owned();
        match self.servers.get_mut(&name) {
            Some(server) => server.answer(&name, primitive, arguments),
            None => elsewhere(primitive, arguments),
        }
    }
}

/// What is about no server.
fn elsewhere(primitive: &str, arguments: &Arguments) -> Value {
    match primitive {
        "now" => json!("2026-01-01T00:00:00Z"),
        "since" => json!({ data::DURATION: "5s" }),
        "secret" => json!({ data::SECRET: arguments["name"] }),
        "skipped" => Value::Null,
        "http" => {
            json!({ "status": 200, "body": AWKWARD, "json": { "": FLOAT }, "headers": { AWKWARD: AWKWARD } })
        }
        other => panic!("the model has no `{other}`"),
    }
}

/// An array of an argument.
fn items<'a>(arguments: &'a Arguments, name: &str) -> &'a [Value] {
    arguments.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(arguments: &'a Arguments, name: &str) -> &'a str {
    arguments.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn owed(name: &str, what: &str, data: Value, left: bool) -> Value {
    let since = "2026-01-01T00:00:00Z";
    json!({ "name": name, "what": what, "run": "", "by": AWKWARD, "since": since, "data": data, "left": left })
}

fn size(bytes: u64) -> Value {
    json!({ data::SIZE: format!("{bytes}B") })
}

impl Server {
    fn release(&self, place: usize) -> String {
        let before = if self.kind == "mastodon" { "v" } else { "" };
        format!("{before}{}", RELEASES[place])
    }

    fn place(&self, release: &str) -> usize {
        (0..RELEASES.len()).find(|place| self.release(*place) == release).unwrap_or_default()
    }

    fn position(&self, place: usize) -> Value {
        json!({ "commit": "c0ffee", "short": "c0f", "branch": null, "tags": [self.release(place)] })
    }

    fn answer(&mut self, name: &str, primitive: &str, arguments: &Arguments) -> Value {
        match primitive {
            "installed_release" => self.release(self.checked_out).into(),
            "newest_release" | "newest_published" => self.release(RELEASES.len() - 1).into(),
            "has_release" => (self.fetched || self.place(text(arguments, "release")) < 2).into(),
            "published_between" if arguments.get("stops").is_some_and(|stops| *stops == true) => json!([]),
            "releases_between" | "published_between" => {
                let (from, to) = (text(arguments, "from"), text(arguments, "to"));
                let between = self.place(from) + 1..=self.place(to);
                between.map(|place| Value::from(self.release(place))).collect()
            }
            "release_notes" => json!({
                "releases": [{ "name": "0.2.10", "text": AWKWARD }, { "name": "0.2.11", "text": "" }],
                "attention": [{ "path": AWKWARD, "what": AWKWARD }],
                "commits": [AWKWARD, ""],
            }),
            "fetch" => {
                self.fetched = true;
                json!({ "changed": true })
            }
            "repository_size" => json!({ "bytes": 1, "grown": size(2) }),
            "release_images" => json!({
                "images": [
                    { "name": AWKWARD, "image": format!("{AWKWARD}@sha256:0"), "here": false },
                    { "name": "", "image": null, "here": false },
                    { "name": AWKWARD, "image": AWKWARD, "here": true },
                ],
                "built": [AWKWARD],
                "why": AWKWARD,
            }),
            "pull_image" => json!({ "image": text(arguments, "image"), "size": size(3) }),
            "checkout" => {
                let from = self.checked_out;
                self.checked_out = self.place(text(arguments, "release"));
                let to = self.position(self.checked_out);
                json!({ "from": self.position(from), "to": to, "changed": from != self.checked_out })
            }
            "published_file" => {
                json!({ "name": AWKWARD, "url": AWKWARD, "size": size(1), "sha256": AWKWARD, "stated": AWKWARD })
            }
            "installed_file" => {
                let digest = self.checked_out.to_string();
                json!({ "path": AWKWARD, "folder": AWKWARD, "size": size(1), "sha256": digest, "unfit": null })
            }
            "fetch_file" => {
                let place = self.place(text(arguments, "release"));
                json!({ "release": text(arguments, "release"), "sha256": place.to_string() })
            }
            "download_file" => {
                self.wanted = self.place(text(arguments, "release"));
                json!({ "release": text(arguments, "release"), "sha256": self.wanted.to_string() })
            }
            "install_file" => {
                let changed = std::mem::replace(&mut self.checked_out, self.wanted) != self.wanted;
                json!({ "changed": changed, "sha256": self.checked_out.to_string() })
            }
            "keep_installed_file" => {
                json!({ "release": self.release(self.checked_out), "sha256": self.checked_out.to_string() })
            }
            "drop_kept_files" => json!({ "removed": [AWKWARD] }),
            "make" | "run" | "shell" => self.command(primitive, arguments),
            "services" => self.services(name, arguments),
            "mounted_files" => {
                let mounted = |file: &str, state: String| json!({ "name": AWKWARD, "file": file, "service": AWKWARD, "started": "", "state": state });
                json!([mounted(AWKWARD, self.configured.to_string()), mounted("", String::new())])
            }
            "query" => json!([[self.started.to_string(), AWKWARD]]),
            "read_env" => self.setting(name, text(arguments, "key")),
            "set_env" => {
                self.settings.insert(text(arguments, "key").into(), arguments["value"].clone());
                json!({ "changed": true })
            }
            "read_yaml" => document(name, text(arguments, "key")),
            "note_action" => {
                let action = json!({ "release": text(arguments, "release"), "at": "2026-01-01T00:00:00Z" });
                self.actions.insert(text(arguments, "name").into(), action);
                Value::Null
            }
            "done_actions" => json!(self.actions),
            "forget_actions" => json!(std::mem::take(&mut self.actions).into_keys().collect::<Vec<_>>()),
            "owed" => json!(self.owed),
            "owe" => {
                let (name, what) = (text(arguments, "name"), text(arguments, "what"));
                self.owed.retain(|owed| owed["name"] != name);
                self.owed.push(owed(name, what, arguments.get("data").cloned().unwrap_or_default(), false));
                Value::Null
            }
            "note_failed_release" | "forget_failed_releases" | "carry_edits" => Value::Null,
            "settle" => {
                self.owed.retain(|owed| !items(arguments, "names").contains(&owed["name"]));
                Value::Null
            }
            _ => self.answer_of_data(name, primitive, arguments),
        }
    }

    /// The rest: health, files and backups.
    fn answer_of_data(&mut self, name: &str, primitive: &str, arguments: &Arguments) -> Value {
        match primitive {
            "failed_releases" | "dirty_files" | "loose_commits" | "own_commits" | "prepare_checkout"
            | "missing_tools" | "missing_targets" => json!([]),
            "required_stops" => {
                let between = self.place(text(arguments, "from")) + 1..self.place(text(arguments, "to"));
                between.filter(|place| *place == 1).map(|place| Value::from(self.release(place))).collect()
            }
            "http" => {
                let seen = json!({ "version": self.release(self.started), "build": AWKWARD });
                json!({ "status": 200, "body": "", "json": seen, "headers": {} })
            }
            "is_excluded" => json!(false),
            "forge_notes" => {
                json!({ "releases": [{ "name": "0.2.11", "text": AWKWARD }], "unknown": AWKWARD })
            }
            "compare_mounts" => json!({ "compared": true, "why": AWKWARD, "lost": [], "added": [AWKWARD] }),
            "count_proofs" => {
                let proofs = json!([{ "name": AWKWARD, "count": 1, "why": "" }, { "name": "", "count": null, "why": AWKWARD }]);
                let tables = json!([{ "name": AWKWARD, "filled": [AWKWARD, ""], "why": "" }]);
                json!({ "counted": true, "proofs": proofs, "tables": tables })
            }
            "free_space" => size(i64::MAX as u64),
            "digest_env" => json!("digest"),
            "is_healthy" | "wait_healthy" => health(arguments),
            "missing_settings" => json!([
                { "file": AWKWARD, "template": AWKWARD, "keys": [AWKWARD], "unknown": [], "difference": AWKWARD },
                { "file": "a file", "template": "", "keys": ["", AWKWARD], "unknown": ["", AWKWARD], "difference": "" },
            ]),
            "add_settings" => json!([AWKWARD, ""]),
            "lost_edits" => {
                let lost = |edited: bool| json!({ "file": AWKWARD, "template": "", "difference": AWKWARD, "clean": !edited, "edited": edited });
                json!([lost(true), lost(false)])
            }
            "put_back_edits" => json!([AWKWARD]),
            "keep_files" | "untag_images" | "drop_replaced" | "skipped" => Value::Null,
            "tag_images" => {
                json!({ "names": arguments["tags"].as_object().unwrap().keys().collect::<Vec<_>>() })
            }
            "backup" => {
                self.backups += 1;
                let release = self.release(self.checked_out);
                let path = format!("/backups/{} {AWKWARD}{OF}{release}", self.backups);
                json!({
                    "path": path, "bytes": size(u64::MAX), "members": 3, "release": release, "commit": null,
                    "sha256": "", "not_included": [AWKWARD], "changed": [AWKWARD], "verified": true, "readable": true,
                })
            }
            "check_backup" => {
                let good = !name.ends_with("bare");
                json!({ "good": good, "why": if good { "" } else { AWKWARD } })
            }
            "unpack_backup" => {
                let backup = text(arguments, "backup");
                let release = backup.rsplit_once(OF).map(|(_, release)| release);
                json!({
                    "folder": format!("{backup}.unpacked"), "path": backup, "server": format!("{name} before"),
                    "release": release, "commit": null, "created": null, "parts": { "files": 1, "database": 1, "": FLOAT },
                    "not_included": [AWKWARD, ""], "changed": [AWKWARD], "changes": AWKWARD, "lost": AWKWARD, "left_alone": [AWKWARD], "unlinked": [AWKWARD], "places": [AWKWARD], "made_here": false, "unloaded": [""], "tables": [{ "name": AWKWARD, "filled": [AWKWARD], "why": "" }], "stripped": [""],
                })
            }
            "put_back" => json!({ "restored": [AWKWARD], "kept": [AWKWARD] }),
            "drill" => {
                json!({
                    "rows": { AWKWARD: i64::MAX }, "documents": {}, "keys": { "": 0 }, "untried": [AWKWARD],
                    "checks": [], "seconds": FLOAT,
                })
            }
            "old_backups" => json!({
                "backups": [{
                    "name": AWKWARD, "bytes": size(0), "created": null, "release": "", "level": "verified",
                }],
                "bytes": size(1), "kept": 1, "future": [AWKWARD], "fuller": { AWKWARD: [AWKWARD] }, "foreign": 1, "left": 0,
            }),
            "prune_backups" => json!({ "removed": [AWKWARD], "kept": 1, "freed": size(u64::MAX) }),
            other => panic!("the model has no `{other}`"),
        }
    }

    /// What a command says: all that it was given.
    fn command(&mut self, primitive: &str, arguments: &Arguments) -> Value {
        let words: Vec<&str> = items(arguments, "arguments").iter().filter_map(Value::as_str).collect();
        if text(arguments, "target") == "up" || words.contains(&"up") {
            self.started = self.checked_out;
        }
        // What is done twice is as if it was done once.
        if text(arguments, "target") == "config" {
            self.configured = self.checked_out;
        }
        let mut lines: Vec<Value> = words.iter().map(|word| Value::from(*word)).collect();
        lines.extend([primitive, text(arguments, "target"), text(arguments, "line")].map(Value::from));
        lines.extend(arguments.get("environment").map(|given| Value::from(given.to_string())));
        json!({ "seconds": FLOAT, "lines": lines })
    }

    fn services(&self, name: &str, arguments: &Arguments) -> Value {
        let all: &[&str] = match self.kind.as_str() {
            "hoss" => &[
                "db",
                "opensearch",
                "ldap",
                "rabbitmq",
                "etcd-0",
                "minio",
                "dex",
                "auth",
                "core",
                "ui",
                "sync",
                "reverse-proxy",
            ],
            _ => &["web", "streaming", "sidekiq", "db", "redis"],
        };
        let wanted = text(arguments, "service");
        let is_page = text(arguments, "project") == "banister-page";
        // Where auth is another server's, it has none.
        let is_here = |service: &&&str| {
            !is_page && (wanted.is_empty() || wanted == **service) && (**service != "auth" || has_auth(name))
        };
        let container = |service: &&str| {
            json!({
                "project": "server", "service": service, "name": format!("server_{service}_1 {AWKWARD}"),
                "state": "running", "image": format!("sha256:{service:0<12}{}", self.started),
                "image_name": format!("{service}:{}", self.release(self.started)), "restarts": 0,
            })
        };
        all.iter().filter(is_here).map(container).collect()
    }

    fn setting(&self, name: &str, key: &str) -> Value {
        if let Some(value) = self.settings.get(key) {
            return value.clone();
        }
        match key {
            "SERVICES" if has_auth(name) => json!("auth ldap sync"),
            "SERVICES" => json!("sync"),
            "AUTH_SERVICE_ENDPOINT" => AUTH.into(),
            "SERVICE_AUTH_SECRET" => json!({ data::SECRET: format!("{name} {key}") }),
            "EXTERNAL_HOSTNAME" => "https://gateway.test".into(),
            "RECAPTCHA_SITE_KEY" => AWKWARD.into(),
            _ => Value::Null,
        }
    }
}

/// Where the auth service of linked servers is.
const AUTH: &str = "https://gateway.test/auth/v1";

fn has_auth(name: &str) -> bool {
    name == "gateway"
}

/// A value of a file.
fn document(name: &str, key: &str) -> Value {
    if key == "names" {
        return super::values::ALL.iter().map(|(name, _)| *name).collect();
    }
    if let Some(value) = super::values::value(key) {
        return value;
    }
    match key {
        "server.auth_service" | "auth_endpoint" => AUTH.into(),
        "additional_allowed_servers" => json!(["https://stranger.test"]),
        "staticClients.0.secret" => json!({ data::SECRET: format!("{name} {key}") }),
        _ => Value::Null,
    }
}

/// All is well, save that somebody uses the server.
fn health(arguments: &Arguments) -> Value {
    let name = |check: &Value| check.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let names: Vec<String> = items(arguments, "checks").iter().map(name).collect();
    let is_well = |name: &String| name != "requests";
    let checks: Vec<Value> =
        names.iter().map(|name| json!({ "name": name, "ok": is_well(name), "said": AWKWARD })).collect();
    json!({ "healthy": names.iter().all(is_well), "seconds": FLOAT, "checks": checks })
}
