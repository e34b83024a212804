//! Compose projects without git and make: their releases are tags of images in a real registry on loopback, and the images
//! are made on the spot from this machine's busybox.

use crate::support::docker::{alone, docker};
use crate::support::{Said, said};
use std::collections::BTreeSet;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

static ONE: Mutex<()> = Mutex::new(());

/// Each start leaves a row. 2.0 changes the data, and does not start.
const APP: &str = r#"#!/bin/sh
if [ VERSION = 2.0 ]; then
    echo 2 > /data/schema
    echo "row of 2.0" >> /data/rows
    echo "2.0 can't start"
    exit 3
fi
[ -f /data/schema ] || echo 1 > /data/schema
echo "started VERSION" >> /data/rows
trap 'exit 0' TERM
while :; do sleep 1; done
"#;

/// With a comment, quotes and blanks, which all stay.
const FILE: &str = r#"# The shop.
version: "2.4"
services:
  app:
    image:  "IMAGE"   # moved by banister
    restart: unless-stopped
    stop_grace_period: 2s
    volumes: ["data:/data", "./files:/files"]
  worker:
    image: IMAGE
    restart: unless-stopped
    stop_grace_period: 2s
    volumes: ["work:/data"]
volumes:
  data: {}
  work: {}
"#;

/// A folder with projects, a registry, and a site.
struct Lab {
    folder: tempfile::TempDir,
    registry: Option<Child>,
    port: u16,
    projects: Vec<String>,
    _one: MutexGuard<'static, ()>,
}

impl Lab {
    /// None where there is no engine.
    fn create(versions: &[&str]) -> Option<Lab> {
        let one = alone(&ONE)?;
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut lab = Lab { folder, registry: None, port, projects: Vec::new(), _one: one };
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

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn image(&self, version: &str) -> String {
        format!("127.0.0.1:{}/shop:{version}", self.port)
    }

    fn start_registry(&mut self) {
        let mut serve = Command::new("docker-registry");
        serve.arg("serve").arg(self.path("registry.yml"));
        self.registry = Some(serve.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < until, "the registry does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn stop_registry(&mut self) {
        if let Some(mut registry) = self.registry.take() {
            let _ = registry.kill();
            let _ = registry.wait();
        }
    }

    /// Busybox and the tar that reads volumes, with the libraries that both need.
    fn make_images(&self, versions: &[&str]) {
        let root = self.path("root");
        let script = "mkdir -p $1/bin; cp $(command -v busybox) $1/bin/busybox; cp $(command -v tar) $1/bin/gnutar; \
            for f in $(ldd $1/bin/busybox $1/bin/gnutar | grep -o '/[^ :]*' | grep /lib); do mkdir -p $1$(dirname $f); cp -L $f $1$f; done; \
            cd $1/bin; for a in sh cat echo sleep mv stat mkdir ls rm rmdir chown chmod sync; do ln -s busybox $a; done; ln -s gnutar tar";
        ran(Command::new("sh").args(["-c", script, "sh"]).arg(&root));
        for version in versions {
            fs::write(root.join("app"), APP.replace("VERSION", version)).unwrap();
            ran(Command::new("chmod").arg("755").arg(root.join("app")));
            let tar = self.path("root.tar");
            ran(Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&tar).arg("."));
            let image = self.image(version);
            docker(&["import", "--change", "ENTRYPOINT [\"/app\"]", tar.to_str().unwrap(), &image]);
            docker(&["push", "--quiet", &image]);
            docker(&["rmi", &image]);
        }
    }

    /// A running project, with three workers.
    fn project(&mut self, name: &str, file: &str, settings: &str) {
        self.projects.push(name.to_owned());
        fs::create_dir_all(self.path(name).join("files")).unwrap();
        fs::write(self.path(name).join("files/kept"), "kept").unwrap();
        fs::write(self.path(name).join("docker-compose.yml"), file).unwrap();
        fs::write(self.path(name).join(".env"), settings).unwrap();
        self.compose(name, &["up", "--detach", "--scale", "worker=3"]);
    }

    fn compose(&self, name: &str, arguments: &[&str]) {
        ran(Command::new("docker-compose").args(arguments).current_dir(self.path(name)));
    }

    fn banister(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_banister"));
        command.args(arguments).current_dir(self.path("site")).env_clear().stdin(Stdio::null());
        for name in ["PATH", "DOCKER_HOST"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.env("HOME", self.path("home")).env("BANISTER_STATE", self.path("state"));
        // What the administrator's shell has must override no setting.
        command.env("SHOP_VERSION", "9.9").env("COMPOSE_PROJECT_NAME", "another");
        said(command.output().unwrap())
    }

    /// The same, which must go well.
    fn good(&self, arguments: &[&str]) -> String {
        let said = self.banister(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
        format!("{}{}", said.out, said.err)
    }

    fn edit_site(&self) {
        let file = self.path("site/site.toml");
        let text = fs::read_to_string(&file).unwrap();
        let text =
            text.replace("\nversion = ", "\nhealthy = { within = \"12s\", stable = \"1s\" }\nversion = ");
        fs::write(file, text).unwrap();
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.path(name).join("docker-compose.yml")).unwrap()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.stop_registry();
        for name in &self.projects {
            let down = ["down", "--volumes", "--remove-orphans", "--timeout", "1"];
            let _ = Command::new("docker-compose").args(down).current_dir(self.path(name)).output();
        }
        let repository = format!("127.0.0.1:{}/shop", self.port);
        let listed = Command::new("docker").args(["images", "--quiet", &repository]).output();
        let ids = listed.map(|it| String::from_utf8_lossy(&it.stdout).into_owned()).unwrap_or_default();
        let ids: BTreeSet<&str> = ids.split_whitespace().collect();
        let _ = Command::new("docker").args(["rmi", "--force"]).args(ids).output();
    }
}

fn ran(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

/// The containers of a project: service, image and state, each once with how many there are, and their ids.
fn containers(project: &str) -> (Vec<String>, BTreeSet<String>) {
    let label = format!("label=com.docker.compose.project={project}");
    let format = "{{.ID}} {{.Label \"com.docker.compose.service\"}} {{.Image}} {{.State}}";
    let listed = docker(&["ps", "--all", "--filter", &label, "--format", format]);
    let lines = listed.lines().filter_map(|line| line.split_once(' '));
    let (ids, mut rest): (BTreeSet<String>, Vec<String>) =
        lines.map(|(id, rest)| (id.to_owned(), rest.to_owned())).unzip();
    rest.sort();
    (rest, ids)
}

fn running(lab: &Lab, version: &str) -> Vec<String> {
    let line = |service: &str| format!("{service} {} running", lab.image(version));
    vec![line("app"), line("worker"), line("worker"), line("worker")]
}

/// What is in a file of a volume, whatever runs.
fn read(lab: &Lab, volume: &str, name: &str) -> String {
    let mount = format!("{volume}:/v");
    let path = format!("/v/{name}");
    docker(&["run", "--rm", "--volume", &mount, "--entrypoint", "cat", &lab.image("1.0"), &path])
}

fn no_state_is_open_to_others(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = folder.join(".banister").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_compose_project_is_adopted_updated_and_rolled_back_with_its_rows_and_without_its_registry() {
    let Some(mut lab) = Lab::create(&["1.0", "1.1", "1.2", "2.0"]) else { return };
    let file = FILE.replace("IMAGE", &lab.image("1.0"));
    lab.project("shop", &file, "TITLE=x\n");
    // Beside it one with services of the same names, of which one does not run.
    let named = FILE.replace("IMAGE", &lab.image("${SHOP_VERSION}"));
    lab.project("twin", &named, "SHOP_VERSION=\"1.0\" # of the twin\n");
    let twin = lab.path("twin");
    ran(Command::new("docker-compose").args(["stop", "worker"]).current_dir(&twin));
    let (_, twins) = containers("twin");

    let shop = lab.path("shop");
    fs::write(lab.path("site/site.toml"), "").unwrap();
    fs::remove_file(lab.path("site/site.toml")).unwrap();
    let said = lab.good(&["adopt", "../shop", "--site", "."]);
    assert!(said.contains("the tag of `app`") && said.contains("volumes    data, work"), "{said}");
    lab.edit_site();
    lab.good(&["check"]);
    let status = lab.good(&["status"]);
    assert!(status.contains("release  1.0\n  health   healthy\n"), "{status}");
    let plan = lab.good(&["plan", "update"]);
    assert!(
        plan.contains("set_version(shop, \"2.0\")") && plan.contains("\"--scale\", \"worker=3\""),
        "{plan}"
    );
    assert_eq!(lab.file("shop"), file, "a plan changes nothing");

    // Over a release in between.
    lab.good(&["run", "update", "--to", "1.2", "--yes"]);
    let updated = file.replace(&lab.image("1.0"), &lab.image("1.2"));
    assert_eq!(lab.file("shop"), updated);
    assert_eq!(containers("shop").0, running(&lab, "1.2"));
    assert_eq!(read(&lab, "shop_data", "rows"), "started 1.0\nstarted 1.2\n");
    assert_eq!(containers("twin").1, twins, "the neighbour was touched");
    no_state_is_open_to_others(&shop);
    let images = docker(&["images", "--quiet", "banister-kept"]);
    assert_eq!(images, "");
    let again = lab.good(&["run", "update", "--to", "1.2", "--yes"]);
    assert!(again.contains("already runs 1.2"), "{again}");

    // It stops where 2.0 does not start; by then its data is another.
    let failed = lab.banister(&["run", "update", "--yes", "--on-failure", "stop"]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(failed.err.contains("`shop` did not become healthy"), "{failed:?}");
    assert_eq!(read(&lab, "shop_data", "schema"), "2\n");
    lab.stop_registry();
    let back = lab.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(lab.file("shop"), updated, "{back:?}");
    assert_eq!(containers("shop").0, running(&lab, "1.2"), "{back:?}");
    assert_eq!(read(&lab, "shop_data", "schema"), "1\n");
    assert_eq!(read(&lab, "shop_data", "rows"), "started 1.0\nstarted 1.2\nstarted 1.2\n");
    let status = lab.good(&["status"]);
    assert!(status.contains("health    healthy") && status.contains("lock      free"), "{status}");
    assert_eq!(docker(&["images", "--quiet", "banister-kept"]), "");

    // Where no registry answers nothing is touched.
    let unknown = lab.banister(&["run", "update", "--yes"]);
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    assert!(unknown.err.contains("does not say which tags there are"), "{unknown:?}");
    assert_eq!(lab.file("shop"), updated);
}

#[test]
fn the_version_in_a_setting_is_moved_alone_and_no_variable_of_a_shell_counts() {
    let Some(mut lab) = Lab::create(&["1.0", "1.1"]) else { return };
    let file = FILE.replace("IMAGE", &lab.image("${SHOP_VERSION}"));
    lab.project("store", &file, "SHOP_VERSION=\"1.0\" # the version\nTITLE=x\n");
    let said = lab.good(&["adopt", "../store", "--site", "."]);
    assert!(said.contains("the setting `SHOP_VERSION` in `.env`"), "{said}");
    lab.edit_site();
    lab.good(&["run", "update", "--yes"]);
    assert_eq!(lab.file("store"), file);
    let settings = fs::read_to_string(lab.path("store/.env")).unwrap();
    assert_eq!(settings, "SHOP_VERSION=\"1.1\" # the version\nTITLE=x\n");
    assert_eq!(containers("store").0, running(&lab, "1.1"));
    // A backup of before brings everything back, also the version.
    let list = lab.good(&["backup", "list"]);
    let before =
        list.split_whitespace().find(|word| word.contains("before-1.1")).unwrap_or_else(|| panic!("{list}"));
    fs::write(lab.path("store/files/kept"), "lost").unwrap();
    lab.good(&["run", "rollback", "--backup", before, "--yes"]);
    assert_eq!(containers("store").0, running(&lab, "1.0"));
    assert_eq!(fs::read_to_string(lab.path("store/files/kept")).unwrap(), "kept");
    assert!(
        fs::read_to_string(lab.path("store/.env"))
            .unwrap()
            .starts_with("SHOP_VERSION=\"1.0\" # the version\n")
    );
}
