//! Releases that are too young, or known to be bad, are only installed if they are named.

use crate::registry::server::{JSON, Server, reply};
use crate::support;

use sha2::{Digest, Sha256};
use std::path::Path;
use std::process::Command;
use support::World;

fn git(folder: &Path, date: Option<&str>, arguments: &[&str]) {
    let mut command = Command::new("git");
    command
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.org", "-C"])
        .arg(folder)
        .args(arguments);
    if let Some(date) = date {
        command.env("GIT_AUTHOR_DATE", date).env("GIT_COMMITTER_DATE", date);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
}

/// A server of v1.0.0 whose origin has v1.1.0 of last year, v1.2.0 of last year that was tagged just now, and v1.3.0 of just
/// now; `fetched` says whether the checkout has them already.
fn world(fetched: bool, releases: &str) -> World {
    let world = World::new();
    let (web, origin, old) =
        (world.path().join("web"), world.path().join("origin"), Some("2025-01-01T00:00:00Z"));
    git(&web, None, &["tag", "-d", "0.1.0"]);
    git(&web, None, &["tag", "v1.0.0"]);
    std::fs::rename(&web, &origin).unwrap();
    git(world.path(), None, &["clone", "-q", "origin", "web"]);
    git(&web, None, &["checkout", "-q", "--detach", "v1.0.0"]);
    for (tag, date) in [("v1.1.0", old), ("v1.2.0", old), ("v1.3.0", None)] {
        git(&origin, date, &["commit", "-q", "--allow-empty", "-m", tag]);
        let annotated: &[&str] = if tag == "v1.2.0" { &["-a", "-m", "What is new"] } else { &[] };
        git(&origin, None, &[&["tag", tag], annotated].concat());
    }
    if fetched {
        git(&web, None, &["fetch", "-q", "--tags"]);
    }
    world.write(
        "site.toml",
        &format!(
            "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackup = [\"~/data\"]\nbackups = \"~/kept\"\n\
             health = [{{ command = [\"true\"], name = \"well\" }}]\nhealthy = {{ stable = \"20ms\" }}\n\
             targets = {{ stop = \"stop\" }}\nreleases = {{ {releases} }}\n"
        ),
    );
    world.write("data/file", "kept\n");
    world
}

fn installed(world: &World) -> String {
    let status: serde_json::Value = serde_json::from_str(&world.banister(&["status", "--json"]).out).unwrap();
    status[0]["release"].as_str().unwrap().to_owned()
}

#[test]
fn a_release_younger_than_min_age_waits_and_says_until_when() {
    for fetched in [true, false] {
        let world = world(fetched, "min_age = \"7d\"");
        let planned = world.banister(&["plan", "update"]);
        assert!(planned.code == Some(0) && planned.out.contains("checkout(web, \"v1.1.0\")"), "{planned:?}");
        let said = world.banister(&["run", "update", "--yes"]);
        assert_eq!((said.code, installed(&world).as_str()), (Some(0), "v1.1.0"), "{said:?}");
        for tag in ["v1.2.0", "v1.3.0"] {
            let told = format!("`{tag}` is 0 minutes old, and is taken automatically from 20");
            assert!(said.out.contains(&told) && said.out.contains("(`min_age` is 7d)"), "{said:?}");
        }
        let said = world.banister(&["run", "update", "--yes"]);
        assert!(said.code == Some(0) && said.out.contains("web already runs v1.1.0"), "{said:?}");
        let said = world.banister(&["run", "update", "--yes", "--to", "v1.3.0"]);
        assert_eq!((said.code, installed(&world).as_str()), (Some(0), "v1.3.0"), "{said:?}");
    }
    let wrong = world(true, "min_age = \"soon\"");
    let said = wrong.banister(&["check"]);
    assert!(said.code == Some(2) && format!("{said:?}").contains("soon"), "{said:?}");
}

#[test]
fn a_release_that_the_site_excludes_is_only_installed_with_a_reason() {
    let world = world(false, "not = [\"1.3.*\"]");
    let said = world.banister(&["run", "update", "--yes", "--to", "v1.3.0"]);
    assert_eq!((said.code, installed(&world).as_str()), (Some(3), "v1.0.0"), "{said:?}");
    assert!(said.err.contains("v1.3.0 is known to be bad: `not` in site.toml excludes it"), "{said:?}");
    assert!(said.err.contains("--bad REASON"), "{said:?}");
    let said =
        world.banister(&["run", "update", "--yes", "--to", "v1.3.0", "--bad", "only that mends the mails"]);
    assert_eq!((said.code, installed(&world).as_str()), (Some(0), "v1.3.0"), "{said:?}");
    let note = "v1.3.0 is installed although it is known to be bad: only that mends the mails";
    assert!(said.out.contains(note), "{said:?}");
}

fn digest(bytes: &str) -> String {
    let digits: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A registry with an image of each version; `created` is what the configuration of each says.
fn registry(created: &'static [(&'static str, &'static str)]) -> Server {
    let configuration = |text: &str| format!("{{\"architecture\":\"amd64\",\"os\":\"linux\"{text}}}");
    let manifest = move |text: &str| {
        let config = configuration(text);
        format!(
            "{{\"schemaVersion\":2,\"mediaType\":\"{MANIFEST}\",\"config\":{{\"mediaType\":\
             \"application/vnd.oci.image.config.v1+json\",\"digest\":\"{}\",\"size\":{}}},\"layers\":[]}}",
            digest(&config),
            config.len()
        )
    };
    let index = move |text: &str| {
        let platform =
            |architecture: &str| format!("{{\"os\":\"linux\",\"architecture\":\"{architecture}\"}}");
        let entries = ["s390x", "amd64", "arm64"].map(|architecture| {
            let (digest, platform) = (digest(&manifest(text)), platform(architecture));
            format!(
                "{{\"mediaType\":\"{MANIFEST}\",\"digest\":\"{digest}\",\"size\":1,\"platform\":{platform}}}"
            )
        });
        format!("{{\"schemaVersion\":2,\"mediaType\":\"{INDEX}\",\"manifests\":[{}]}}", entries.join(","))
    };
    Server::start(move |seen, stream| {
        let path = seen.path.split('?').next().unwrap();
        let tags: Vec<String> = created.iter().map(|(tag, _)| format!("\"{tag}\"")).collect();
        if path == "/v2/app/tags/list" {
            let list = format!("{{\"name\":\"app\",\"tags\":[\"1.0.0\",{}]}}", tags.join(","));
            return reply(seen, stream, 200, &[JSON], list);
        }
        for (tag, text) in created {
            if path == format!("/v2/app/manifests/{tag}") {
                return reply(seen, stream, 200, &[("content-type", INDEX)], index(text));
            }
            if path == format!("/v2/app/manifests/{}", digest(&manifest(text))) {
                return reply(seen, stream, 200, &[("content-type", MANIFEST)], manifest(text));
            }
            if path == format!("/v2/app/blobs/{}", digest(&configuration(text))) {
                return reply(seen, stream, 200, &[], configuration(text));
            }
        }
        reply(seen, stream, 404, &[JSON], "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\"}]}");
    })
}

/// What the newest tag is said to be, and all that is said.
fn newest(registry: &Server) -> String {
    let world = World::new();
    world.write(
        "app/compose.yaml",
        &format!("services:\n  app:\n    image: {}/app:1.0.0\n", registry.authority()),
    );
    world.write(
        "site.toml",
        "[servers.app]\nkind = \"compose\"\ncheckout = \"app\"\nversion = { service = \"app\" }\n\
         releases = { min_age = \"30d\" }\n",
    );
    world.write("runbooks/newest.rhai", "fn main() { note(`it is ${this_server().newest_tag()}.`); }\n");
    let said = world.banister(&["run", "newest"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    said.out
}

#[test]
fn an_image_is_as_old_as_its_configuration_says() {
    let registry = registry(&[
        ("1.1.0", ",\"created\":\"2025-02-03T04:05:06.789Z\""),
        ("1.2.0", ",\"created\":\"2999-01-01T00:00:00Z\""),
        ("1.3.0", ",\"created\":\"1970-01-01T00:00:00Z\""),
        ("1.4.0", ",\"created\":[1]"),
    ]);
    let said = newest(&registry);
    assert!(said.contains("it is 1.1.0."), "{said}");
    assert!(
        said.contains("`1.2.0` is from the future, and is taken automatically from 2999-01-31"),
        "{said}"
    );
    for tag in ["1.3.0", "1.4.0"] {
        let told = format!(
            "how old `{tag}` is, is unknown: its configuration does not say when it was made; as `min_age`"
        );
        assert!(said.contains(&told), "{said}");
    }
    // A list, and for each candidate an index, a manifest and a configuration.
    assert_eq!(registry.seen().len(), 1 + 4 * 3, "{:?}", registry.seen());
}

#[test]
fn an_image_whose_registry_says_nothing_is_only_installed_if_it_is_named() {
    let registry = Server::start(|seen, stream| match seen.path.contains("tags/list") {
        true => reply(seen, stream, 200, &[JSON], "{\"tags\":[\"1.0.0\",\"1.1.0\"]}"),
        false => reply(seen, stream, 403, &[JSON], "{\"errors\":[{\"code\":\"DENIED\"}]}"),
    });
    let said = newest(&registry);
    assert!(said.contains("it is 1.0.0.") && said.contains("how old `1.1.0` is, is unknown: "), "{said}");
}
