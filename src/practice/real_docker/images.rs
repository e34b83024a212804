//! The images of a practice server with a real Docker, made from Debian's packages on this machine.

use super::client::{docker, engine_of};
use crate::failure::{Context, Failure, Kind, Result};
use crate::practice::world::{Settings, digest, write};
use include_dir::{Dir, include_dir};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};

static KIT: Dir = include_dir!("$CARGO_MANIFEST_DIR/src/practice/real_docker/kit");

/// All that the services need besides this program.
const PACKAGES: &str = "postgresql,slapd,ldap-utils,curl,busybox";
const BASE: &str = "banister-practice/base";
const OWN: &str = "banister-practice/";

/// The names under which the Compose files and Dockerfiles of Hoss ask for images.
const NAMES: &[&str] = &[
    "alpine",
    "golang:alpine",
    "node:14",
    "minio/minio",
    "postgres:13.5-alpine",
    "opensearchproject/opensearch:1.2.1",
    "ghcr.io/dexidp/dex:v2.30.2",
    "traefik:v2.5.4",
    "osixia/openldap:1.4.0",
    "osixia/phpldapadmin:0.9.0",
    "gcr.io/etcd-development/etcd:v3.3.9",
    "rabbitmq:3.8.26-management-alpine",
];

/// What an image is called here.
pub fn own_name(name: &str) -> String {
    format!("{OWN}{name}")
}

/// How the container of a service whose image is not built starts.
pub fn entrypoint(service: &str) -> Value {
    match service {
        "db" => json!(["practice-db"]),
        "ldap" => json!(["practice-ldap"]),
        _ => json!(["/banister", "__practice", "/practice", "service"]),
    }
}

/// Makes all images that are not there yet: half a minute and some 400 MB the first time, in an engine that keeps them.
pub fn prepare(settings: &Settings) -> Result<()> {
    let mut files: Vec<_> = KIT.files().map(|file| (file.path().to_path_buf(), file.contents())).collect();
    files.sort();
    let key = digest(format!("{PACKAGES} {files:?}"));
    let kit = format!("{OWN}kit:{}", &key[..16]);
    if docker(settings, &["image", "inspect", &kit], b"").is_err() {
        let base = format!("{BASE}:{}", &digest(PACKAGES)[..16]);
        if docker(settings, &["image", "inspect", &base], b"").is_err() {
            debian_image(settings, PACKAGES, &base)?;
        }
        // The one that the kit is made from.
        docker(settings, &["tag", &base, BASE], b"")?;
        let mut context = tar::Builder::new(Vec::new());
        for (path, content) in &files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o755);
            context
                .append_data(&mut header, path, *content)
                .or_fail(Kind::Bug, || "the kit of the practice images can't be packed".into())?;
        }
        let context = context.into_inner().or_fail(Kind::Bug, || "the kit can't be packed".into())?;
        docker(settings, &["build", "--quiet", "--tag", &kit, "-"], &context)?;
    }
    NAMES.iter().try_for_each(|name| docker(settings, &["tag", &kit, &own_name(name)], b"").map(drop))
}

/// Makes a Debian image with these packages, of the same release of Debian as this machine if it is one.
fn debian_image(settings: &Settings, packages: &str, name: &str) -> Result<()> {
    let os = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let is_debian = os.lines().any(|line| line == "ID=debian");
    let suite = os.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME=")).filter(|_| is_debian);
    let failed = || "`mmdebstrap` can't be run".to_string();
    let mut build = Command::new("mmdebstrap");
    build.args(["--quiet", "--variant=minbase"]).arg(format!("--include={packages}"));
    build.args(["doc", "man", "locale"].map(|part| format!("--dpkgopt=path-exclude=/usr/share/{part}/*")));
    // Its device nodes need a file system that allows them: a temporary folder in memory often does not.
    build.env("TMPDIR", "/var/tmp");
    build.args([suite.unwrap_or("stable"), "-"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut build = build.spawn().map_err(|error| {
        let help = "install it: apt-get install mmdebstrap; or type `banister demo` without `--compose`";
        Failure::new(Kind::NotFound, failed()).why(error).help(help)
    })?;
    let mut import = Command::new("docker");
    import.args(["import", "-", name]).envs(engine_of(settings)).stdout(Stdio::null());
    import.stdin(build.stdout.take().map_or(Stdio::null(), Stdio::from));
    let imported = import.status().or_fail(Kind::NotFound, || "`docker` can't be run".into())?;
    let built = build.wait_with_output().or_fail(Kind::Refused, failed)?;
    if built.status.success() && imported.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&built.stderr).into_owned();
    Err(Failure::new(Kind::CommandFailed, "the base of the practice images can't be made").why(said.trim()))
}

/// Writes a Dockerfile that builds from the images made here.
pub fn write_dockerfile(from: &Path, to: &Path, label: &str) -> Result<()> {
    let text = std::fs::read_to_string(from)
        .or_fail(Kind::NotFound, || format!("`{}` is not there", from.display()))?;
    let line = |line: &str| match line.strip_prefix("FROM ") {
        // A build that fails or is killed leaves a container, which has the label of what it began with.
        Some(image) => format!("FROM {}\nLABEL {label}\n", own_name(image)),
        None => format!("{line}\n"),
    };
    let text: String = text.lines().map(line).collect();
    if !text.contains(OWN) {
        return Err(Failure::new(Kind::Invalid, format!("`{}` builds from nothing", from.display())));
    }
    write(to, text)
}
