//! A folder with Compose projects, a site, and a real registry on loopback. The images are made on the spot from this machine's
//! busybox.

use crate::support::docker::{alone, compose_1, docker, inherit_engine};
use crate::support::{Said, began, said};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

static ONE: Mutex<()> = Mutex::new(());

/// Each start leaves a row. 2.0 changes the data, and does not start.
pub const APP: &str = r#"#!/bin/sh
if [ VERSION = 2.0 ]; then
    echo 2 > /data/schema
    echo "row of 2.0" >> /data/rows
    echo "2.0 can't start"
    exit 3
fi
[ -f /data/schema ] || echo 1 > /data/schema
echo "started VERSION" >> /data/rows
trap 'exit 0' TERM
while :; do sleep 60 & wait; done
"#;

/// With a comment, quotes and blanks, which all stay. Nothing in it needs a network, which takes an engine longest to make.
pub const FILE: &str = r#"# The shop.
version: "2.4"
services:
  app:
    image:  "IMAGE"   # moved by banister
    restart: unless-stopped
    stop_grace_period: 2s
    network_mode: none
    volumes: ["data:/data", "./files:/files"]
  worker:
    image: IMAGE
    restart: unless-stopped
    stop_grace_period: 2s
    network_mode: none
volumes:
  data: {}
"#;

/// The same in which the workers keep something, too.
pub fn with_work(file: &str) -> String {
    let file = file.replace("none\nvolumes:\n", "none\n    volumes: [\"work:/data\"]\nvolumes:\n");
    format!("{file}  work: {{}}\n")
}

/// A folder with projects, a registry, and a site.
pub struct Lab {
    folder: tempfile::TempDir,
    registry: Option<Child>,
    port: u16,
    projects: Vec<String>,
    /// `PATH`, if it is not our own: that of Compose 1.
    path: Option<OsString>,
    _one: MutexGuard<'static, ()>,
}

impl Lab {
    /// None where there is no engine.
    pub fn create(versions: &[&str]) -> Option<Lab> {
        Lab::with(versions, None)
    }

    /// The same with Compose 1. None also where that is not installed.
    pub fn create_with_compose_1(versions: &[&str]) -> Option<Lab> {
        Lab::with(versions, Some(compose_1()?))
    }

    fn with(versions: &[&str], path: Option<OsString>) -> Option<Lab> {
        let one = alone(&ONE)?;
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut lab = Lab { folder, registry: None, port, projects: Vec::new(), path, _one: one };
        for name in ["registry", "site", "home"] {
            fs::create_dir(lab.path(name)).unwrap();
        }
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"127.0.0.1:{port}\"}}\n",
            lab.path("registry").display()
        );
        fs::write(lab.path("registry.yml"), config).unwrap();
        lab.start_registry();
        lab.make_images(versions);
        Some(lab)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What images that are built here are known by.
    pub fn label(&self) -> String {
        format!("banister-test={}", self.port)
    }

    pub fn image(&self, version: &str) -> String {
        format!("127.0.0.1:{}/shop:{version}", self.port)
    }

    pub fn start_registry(&mut self) {
        let mut serve = Command::new("docker-registry");
        serve.arg("serve").arg(self.path("registry.yml"));
        self.registry = Some(serve.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < until, "the registry does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn stop_registry(&mut self) {
        if let Some(mut registry) = self.registry.take() {
            let _ = registry.kill();
            let _ = registry.wait();
        }
    }

    /// Takes the layers out of the registry, or puts them back: what is large is one.
    pub fn has_layers(&self, yes: bool) {
        let (from, to) = if yes { ("data.away", "data") } else { ("data", "data.away") };
        let blobs = self.path("registry/docker/registry/v2/blobs");
        let script = "find \"$1\" -name \"$2\" -size +64k -execdir mv \"$2\" \"$3\" ';'";
        ran(Command::new("sh").args(["-c", script, "sh"]).arg(blobs).args([from, to]));
    }

    /// Busybox and the tar that reads volumes, with the libraries that both need.
    fn make_images(&self, versions: &[&str]) {
        let root = self.path("root");
        let script = "mkdir -p $1/bin; cp $(command -v busybox) $1/bin/busybox; cp $(command -v tar) $1/bin/gnutar; \
            for f in $(ldd $1/bin/busybox $1/bin/gnutar | grep -o '/[^ :]*' | grep /lib); do mkdir -p $1$(dirname $f); cp -L $f $1$f; done; \
            cd $1/bin; for a in sh cat echo sleep mv stat mkdir ls rm rmdir chown chmod sync; do ln -s busybox $a; done; ln -s gnutar tar";
        ran(Command::new("sh").args(["-c", script, "sh"]).arg(&root));
        for version in versions {
            self.publish(version, version);
        }
    }

    /// Puts a version into the registry behind a tag, and gives its digest. What the tag stands for on this machine stays.
    pub fn publish(&self, tag: &str, version: &str) -> String {
        let root = self.path("root");
        fs::write(root.join("app"), APP.replace("VERSION", version)).unwrap();
        ran(Command::new("chmod").arg("755").arg(root.join("app")));
        let tar = self.path("root.tar");
        ran(Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&tar).arg("."));
        let image = self.image(tag);
        let before = docker(&["images", "--quiet", "--no-trunc", &image]).trim().to_owned();
        docker(&["import", "--change", "ENTRYPOINT [\"/app\"]", tar.to_str().unwrap(), &image]);
        let id = docker(&["images", "--quiet", "--no-trunc", &image]).trim().to_owned();
        docker(&["push", "--quiet", &image]);
        let known = docker(&["image", "inspect", "--format", "{{index .RepoDigests 0}}", &image]);
        docker(&["rmi", "--force", &id]);
        if !before.is_empty() {
            docker(&["tag", &before, &image]);
        }
        known.trim().rsplit('@').next().unwrap().to_owned()
    }

    /// A running project, with two workers.
    pub fn project(&mut self, name: &str, file: &str, settings: &str) {
        fs::create_dir_all(self.path(name).join("files")).unwrap();
        fs::write(self.path(name).join("files/kept"), "kept").unwrap();
        fs::write(self.path(name).join("docker-compose.yml"), file).unwrap();
        if !settings.is_empty() {
            fs::write(self.path(name).join(".env"), settings).unwrap();
        }
        self.up(name, &["--scale", "worker=2"]);
    }

    /// Starts what is in a folder; it is removed when this is dropped.
    pub fn up(&mut self, name: &str, arguments: &[&str]) {
        self.projects.push(name.to_owned());
        ran(self.compose(name).args(["up", "--detach"]).args(arguments));
    }

    /// Compose in the folder of a project.
    pub fn compose(&self, name: &str) -> Command {
        let mut command = Command::new("docker-compose");
        command.current_dir(self.path(name));
        command.envs(self.path.iter().map(|path| ("PATH", path)));
        command
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_banister"));
        command
            .args(arguments)
            .current_dir(self.path("site"))
            .env_clear()
            .env("BANISTER_FOREGROUND", "yes")
            .env("TMPDIR", std::env::temp_dir())
            .stdin(Stdio::null());
        inherit_engine(&mut command);
        match &self.path {
            Some(path) => command.env("PATH", path),
            // With its plugins, of which Compose 2 is one.
            None => {
                command.envs(std::env::var_os("BANISTER_TEST_DOCKER_CONFIG").map(|it| ("DOCKER_CONFIG", it)))
            }
        };
        command.env("HOME", self.path("home")).env("BANISTER_STATE", self.path("state"));
        // What the administrator's shell has must override no setting.
        command.env("SHOP_VERSION", "9.9").env("COMPOSE_PROJECT_NAME", "another");
        command
    }

    pub fn banister(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments).output().unwrap())
    }

    /// Begins a run, kills each of its sessions at one of the places, and at last lets it end.
    pub fn killed_at(&self, begin: &[&str], resume: &[&str], places: &[String]) -> Said {
        let mut arguments = begin;
        for place in places {
            let said = said(self.command(arguments).env("BANISTER_CRASH_AT", place).output().unwrap());
            assert_eq!(said.code, Some(-9), "{place}: {said:?}");
            arguments = resume;
        }
        self.banister(resume)
    }

    /// How many records the newest run has.
    pub fn records(&self) -> usize {
        let runs = fs::read_dir(self.path("state/runs"))
            .unwrap()
            .map(|run| run.unwrap().path().join("journal.jsonl"));
        let newest = runs.filter(|path| path.is_file()).max_by_key(|path| began(path)).unwrap();
        fs::read_to_string(newest).unwrap().lines().count()
    }

    /// The same, which must go well.
    pub fn good(&self, arguments: &[&str]) -> String {
        let said = self.banister(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
        format!("{}{}", said.out, said.err)
    }

    pub fn edit_site(&self) {
        let file = self.path("site/site.toml");
        let text = fs::read_to_string(&file).unwrap();
        let text =
            text.replace("\nbackup = ", "\nhealthy = { within = \"12s\", stable = \"1s\" }\nbackup = ");
        fs::write(file, text).unwrap();
    }

    /// What is not healthy by then does not become so. A release that does not start is waited for to the end.
    pub fn is_impatient(&self, yes: bool) {
        let (patient, impatient) = ("within = \"12s\"", "within = \"4s\"");
        let (from, to) = if yes { (patient, impatient) } else { (impatient, patient) };
        let file = self.path("site/site.toml");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(file, text.replace(from, to)).unwrap();
    }

    pub fn file(&self, name: &str) -> String {
        fs::read_to_string(self.path(name).join("docker-compose.yml")).unwrap()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.stop_registry();
        for name in &self.projects {
            let down = ["down", "--volumes", "--remove-orphans", "--timeout", "1"];
            let _ = self.compose(name).args(down).output();
        }
        // What was built from the others first.
        let built = format!("label={}", self.label());
        let fetched = format!("reference=127.0.0.1:{}/shop", self.port);
        for which in [built, fetched] {
            let listed = Command::new("docker").args(["images", "--quiet", "--filter", &which]).output();
            let ids = listed.map(|it| String::from_utf8_lossy(&it.stdout).into_owned()).unwrap_or_default();
            let ids: BTreeSet<&str> = ids.split_whitespace().collect();
            let _ = Command::new("docker").args(["rmi", "--force"]).args(ids).output();
        }
    }
}

pub fn ran(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

/// The containers of a project: service, image and state, each once with how many there are, and their ids.
pub fn containers(project: &str) -> (Vec<String>, BTreeSet<String>) {
    let label = format!("label=com.docker.compose.project={project}");
    let format = "{{.ID}} {{.Label \"com.docker.compose.service\"}} {{.Image}} {{.State}}";
    let listed = docker(&["ps", "--all", "--filter", &label, "--format", format]);
    let lines = listed.lines().filter_map(|line| line.split_once(' '));
    let (ids, mut rest): (BTreeSet<String>, Vec<String>) =
        lines.map(|(id, rest)| (id.to_owned(), rest.to_owned())).unzip();
    rest.sort();
    (rest, ids)
}
