//! A forge on a port of this machine that publishes a program, and the machine of a server that runs it.

use crate::registry::server::{JSON, Seen, Server, reply};
use crate::support::{Said, World};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};

/// A release as it is published.
#[derive(Clone, Default)]
pub struct Release {
    pub tag: String,
    pub body: Vec<u8>,
    /// What the file with checksums says; none, if there is none.
    pub sums: Option<String>,
    /// What the forge itself says of the digest, as GitHub does.
    pub digest: Option<String>,
    pub is_trial: bool,
}

/// What is answered otherwise than it should be.
#[derive(Clone, Copy, Default, PartialEq)]
pub enum Fault {
    #[default]
    Nothing,
    /// So many bytes of a file are sent each time, and then the connection ends.
    Cut(usize),
    /// So many bytes of a file are sent, and then nothing for a while.
    Stalled(usize),
    /// The length that is announced.
    Announced(u64),
    /// Nobody answers.
    Dead,
}

#[derive(Clone, Default)]
pub struct Shop {
    pub releases: Vec<Release>,
    pub fault: Fault,
    /// Where files are instead, as `127.0.0.1:1234`.
    pub elsewhere: Option<String>,
}

pub struct Forge {
    pub server: Server,
    pub shop: Arc<Mutex<Shop>>,
}

/// A program that says its version, and that a machine of these tests can start.
pub fn program(version: &str, more: &str) -> Vec<u8> {
    format!(
        "#!/bin/sh\n# {more}\necho \"app version {version}+base-3.1.0 (built with sh 5.2)\"\n{}",
        format!("# of {version}\n").repeat(2_000)
    )
    .into_bytes()
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A release of this version, with a file of checksums.
pub fn release(version: &str, more: &str) -> Release {
    let body = program(version, more);
    let sums = format!("{}  app-{version}-linux\n", sha256(&body));
    Release { tag: format!("v{version}"), body, sums: Some(sums), ..Release::default() }
}

impl Forge {
    /// Gitea's and Forgejo's, unless `sort` says GitHub's.
    pub fn start(releases: Vec<Release>) -> Forge {
        let shop = Arc::new(Mutex::new(Shop { releases, ..Shop::default() }));
        let shared = shop.clone();
        let server = Server::with_port(|port| {
            move |seen: &Seen, stream: &mut TcpStream| {
                let shop = shared.lock().unwrap().clone();
                answer(&shop, port, seen, stream);
            }
        });
        Forge { server, shop }
    }

    pub fn change(&self, change: impl FnOnce(&mut Shop)) {
        change(&mut self.shop.lock().unwrap());
    }

    /// The paths of files that were asked for, with where they were to begin.
    pub fn fetched(&self) -> Vec<String> {
        let files = self.server.seen().into_iter().filter(|seen| seen.path.ends_with("-linux"));
        files.map(|seen| format!("{} {}", seen.path, seen.header("range").unwrap_or_default())).collect()
    }
}

fn answer(shop: &Shop, port: u16, seen: &Seen, stream: &mut TcpStream) {
    if shop.fault == Fault::Dead {
        return;
    }
    if seen.path.starts_with("/api/") {
        let all = shop.releases.iter().map(|release| listed(release, port, seen.path.contains("/v3/")));
        return reply(seen, stream, 200, &[JSON], format!("[{}]", all.collect::<Vec<_>>().join(",")));
    }
    if let Some(versions) = seen.path.strip_prefix("/versions") {
        let tags: Vec<&str> = shop.releases.iter().map(|release| release.tag.as_str()).collect();
        return match versions {
            ".json" => reply(
                seen,
                stream,
                200,
                &[JSON],
                format!("{{\"app\":{{\"all\":{}}}}}", serde_json::json!(tags)),
            ),
            _ => reply(seen, stream, 200, &[], tags.join("\n")),
        };
    }
    let Some(release) =
        shop.releases.iter().find(|release| seen.path.contains(&format!("/{}/", release.tag)))
    else {
        return reply(seen, stream, 404, &[], "not here");
    };
    if seen.path.ends_with(".sha256") {
        return match &release.sums {
            Some(sums) => reply(seen, stream, 200, &[], sums),
            None => reply(seen, stream, 404, &[], "not here"),
        };
    }
    if let Some(elsewhere) = &shop.elsewhere {
        let place = format!("http://{elsewhere}{}", seen.path);
        return reply(seen, stream, 302, &[("location", &place)], "");
    }
    send(shop.fault, release, seen, stream);
}

/// With much of what the real ones say besides.
fn listed(release: &Release, port: u16, is_github: bool) -> String {
    let Release { tag, body, sums, digest, is_trial } = release;
    let version = tag.trim_start_matches('v');
    let asset = |name: String, size: usize, digest: serde_json::Value| {
        let url = format!("http://127.0.0.1:{port}/owner/name/releases/download/{tag}/{name}");
        let mut asset = serde_json::json!({
            "id": 7, "name": name, "size": size, "download_count": 3, "created_at": "2026-01-02T10:00:00Z",
            "uuid": "0b1c", "browser_download_url": url,
        });
        if is_github {
            asset["digest"] = digest;
            asset["uploader"] = serde_json::json!({ "login": "octocat", "id": 1 });
            asset["content_type"] = "application/octet-stream".into();
            asset["url"] =
                format!("http://127.0.0.1:{port}/api/v3/repos/owner/name/releases/assets/7").into();
        }
        asset
    };
    let mut assets = vec![asset(format!("app-{version}-linux"), body.len(), serde_json::json!(digest))];
    if sums.is_some() {
        assets.push(asset(format!("app-{version}-linux.sha256"), 80, serde_json::Value::Null));
    }
    serde_json::json!({
        "id": 1, "tag_name": tag, "target_commitish": "main", "name": format!("The one of {version}"),
        "body": format!("News of {version}."), "draft": false, "prerelease": is_trial,
        "created_at": "2026-01-02T10:00:00Z", "published_at": "2026-01-02T10:05:00Z",
        "author": { "id": 1, "login": "a" }, "tarball_url": "http://127.0.0.1/x", "assets": assets,
    })
    .to_string()
}

fn send(fault: Fault, release: &Release, seen: &Seen, stream: &mut TcpStream) {
    let body = &release.body;
    let from =
        seen.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let from: usize = from.unwrap_or(0);
    if from >= body.len() {
        return reply(seen, stream, 416, &[], "");
    }
    let rest = &body[from..];
    let (status, range) = match from {
        0 => ("200 OK", String::new()),
        _ => ("206 Partial", format!("content-range: bytes {from}-{}/{}\r\n", body.len() - 1, body.len())),
    };
    let (length, rest) = match fault {
        Fault::Cut(bytes) | Fault::Stalled(bytes) => (rest.len() as u64, &rest[..bytes.min(rest.len())]),
        Fault::Announced(length) => (length, rest),
        _ => (rest.len() as u64, rest),
    };
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{range}\r\n");
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(rest);
    if let Fault::Stalled(_) = fault {
        std::thread::sleep(std::time::Duration::from_secs(20));
    }
}

/// As its manual describes it. A unit is a file with the version that runs; of the program `bad` none does. What is started
/// migrates its data.
const SYSTEMCTL: &str = r#"#!/bin/sh
cd "$(dirname "$0")/../units" || exit 4
app=../opt/app
command=$1
shift
for unit; do
    case $unit in --*|LoadState) continue ;; esac
    case $command in
    show) if [ -f "$unit" ]; then echo loaded; else echo not-found; fi ;;
    is-active) [ -s "$unit" ] || exit 3 ;;
    stop) echo "stop, file of $($app --version | cut -d' ' -f3)" >> ../trace; : > "$unit" ;;
    restart)
        version=$($app --version | sed 's/app version \([^+]*\)+.*/\1/')
        echo "start $version" >> ../trace
        echo "of $version" > ../srv/schema
        if grep -q '^# bad' $app; then : > "$unit"; else echo "$version" > "$unit"; fi ;;
    esac
done
"#;

/// A machine on which 1.0.0 runs.
pub fn machine(forge: &Forge) -> World {
    let world = World::new();
    world.remove("web");
    world.write("bin/systemctl", SYSTEMCTL);
    world.write("opt/app", "");
    std::fs::write(world.path().join("opt/app"), program("1.0.0", "good")).unwrap();
    for (file, mode) in [("bin/systemctl", 0o755), ("opt/app", 0o751)] {
        std::fs::set_permissions(world.path().join(file), std::fs::Permissions::from_mode(mode)).unwrap();
    }
    world.write("units/app.service", "1.0.0\n");
    world.write("srv/schema", "of 1.0.0\n");
    site(&world, forge, "sha256 = \"app-{}-linux.sha256\"\n");
    world
}

/// With more lines for its table.
pub fn site(world: &World, forge: &Forge, more: &str) {
    let releases = format!(
        "releases = {{ forge = \"http://{}/owner/name\", type = \"forgejo\" }}",
        forge.server.authority()
    );
    site_with(world, &format!("{releases}\nasset = \"app-{{}}-linux\"\n{more}"));
}

pub fn site_with(world: &World, more: &str) {
    let path = format!("{}:{}", world.path().join("bin").display(), std::env::var("PATH").unwrap());
    let program = world.path().join("opt/app").display().to_string();
    world.write(
        "site.toml",
        &format!(
            "[servers.git]\nkind = \"binary\"\ncheckout = \"srv\"\nfile = \"~/opt/app\"\nunits = [\"app.service\"]\n\
             version = {{ command = [\"{program}\", \"--version\"] }}\nbackup = [\"schema\"]\nbackups = \"~/kept\"\n\
             healthy = {{ within = \"3s\", stable = \"50ms\" }}\nfree_space = \"1MB\"\n\
             environment = {{ PATH = \"{path}\" }}\n{more}"
        ),
    );
}

/// What runs, what is in place, and of what the data is.
pub fn state(world: &World) -> (String, String, String) {
    let file = std::fs::read(world.path().join("opt/app")).unwrap();
    let text = String::from_utf8_lossy(&file).into_owned();
    let version = text.split("app version ").nth(1).and_then(|rest| rest.split('+').next());
    let version = version.unwrap_or_default().to_owned();
    let is_whole = [("good", &version), ("bad", &version)].iter().any(|(more, of)| file == program(of, more));
    assert!(is_whole, "half a file: {} bytes", file.len());
    let line = |name: &str| world.read(name).trim().to_owned();
    (line("units/app.service"), version, line("srv/schema"))
}

/// What lies in the state folder and beside the file besides what belongs there.
pub fn leavings(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["srv/.banister/program", "opt"] {
        let entries = std::fs::read_dir(world.path().join(folder)).into_iter().flatten();
        found.extend(entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()));
    }
    found.retain(|name| name != "app");
    found
}

pub fn assert_state(world: &World, running: &str, said: &Said) {
    let of = format!("of {running}");
    assert_eq!(
        state(world),
        (running.to_owned(), running.to_owned(), of),
        "{said:?} {}",
        world.read("trace")
    );
    assert_eq!(leavings(world), Vec::<String>::new(), "{said:?}");
}
