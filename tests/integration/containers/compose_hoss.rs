//! Hoss as its documentation has it: installed by an ordinary user in the docker group, with services that are other
//! users (70, 911, 1000, 1001), none of them the administrator; and both ways with Hoss's own tool.
//!
//! The tool is not part of this repository. Where it can be had, `BANISTER_TEST_HOSSADM` names its folder (`admin` in
//! Hoss's repository), and `PYTHONPATH` what it needs: requests, click, rich, humanize and python-dotenv.

use crate::support;
use crate::support::chance;
use crate::support::docker;

use banister::internals::practice::Practice;
use docker::{container, docker};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::MutexGuard;
use std::time::{Duration, Instant};
use support::{Said, is_open_to_others, said};

/// The volumes that Hoss's own tool knows.
const VOLUMES: [&str; 3] = ["auth-secrets", "ldap-vol0", "ldap-vol1"];
/// The image that stands for those of the tool, and for root.
const IMAGE: &str = "banister-practice/alpine";

/// A practice server of a user, updated once; everything it has is removed when this is dropped.
struct Installed {
    folder: tempfile::TempDir,
    practice: Practice,
    user: u32,
    _one: MutexGuard<'static, ()>,
}

impl Drop for Installed {
    fn drop(&mut self) {
        let stopped = self.practice.stop();
        // What another program made has none of the labels by which it is removed, and holds the volumes.
        let leftovers = || {
            let dead = docker(&["ps", "-aq", "--filter", "ancestor=busybox"]);
            let dead: Vec<&str> = dead.split_whitespace().collect();
            if !dead.is_empty() {
                docker(&[&["rm", "-f"], dead.as_slice()].concat());
            }
            for volume in VOLUMES {
                let _ =
                    Command::new("docker").args(["volume", "rm", "-f", &format!("server_{volume}")]).output();
            }
        };
        if std::thread::panicking() {
            let _ = std::panic::catch_unwind(leftovers);
        } else {
            leftovers();
            stopped.unwrap();
        }
    }
}

impl Installed {
    /// None where there is no engine, or this is no root who could be another user.
    fn create(user: u32) -> Option<Installed> {
        let one = docker::engine()?;
        let program = Path::new(env!("CARGO_BIN_EXE_banister"));
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let reachable = || is_open_to_others(program.parent().unwrap()) && is_open_to_others(folder.path());
        if !rustix::process::geteuid().is_root() || !reachable() {
            eprintln!("SKIPPED: other users can't reach `{}`, or this is not root", program.display());
            return None;
        }
        // Only root can make the images.
        if Command::new("docker")
            .args(["image", "inspect", IMAGE])
            .output()
            .is_ok_and(|it| !it.status.success())
        {
            let made = Command::new(program).args(["demo", "--compose"]).output().unwrap();
            assert!(made.status.success(), "{made:?}");
        }
        let home = folder.path().join("home");
        fs::create_dir(&home).unwrap();
        chown(&home, Some(user), Some(user)).unwrap();
        let world = home.join("world");
        let mut demo = as_user(user, &home);
        let demo =
            said(demo.arg(program).args(["demo", "--compose", "--keep"]).arg(&world).output().unwrap());
        assert_eq!(demo.code, Some(0), "{demo:?}");
        let practice = Practice::open(&world).unwrap();
        docker::be_content(&practice);
        Some(Installed { folder, practice, user, _one: one })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = as_user(self.user, &self.folder.path().join("home"));
        command.arg(env!("CARGO_BIN_EXE_banister")).args(arguments).current_dir(self.practice.dir());
        command
    }

    fn banister(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments).output().unwrap())
    }

    fn succeeds(&self, arguments: &[&str]) -> Said {
        let said = self.banister(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
        said
    }

    /// As the administrator of the practice server: with its programs, and its home.
    fn as_administrator(&self) -> Command {
        let mut command = as_user(self.user, &self.folder.path().join("home"));
        command.arg("env");
        for (name, value) in self.practice.environment() {
            let mut word = std::ffi::OsString::from(format!("{name}="));
            word.push(value);
            command.arg(word);
        }
        command
    }

    fn make(&self, arguments: &[&str]) {
        let mut command = self.as_administrator();
        command.arg("make").args(arguments).current_dir(self.practice.checkout().join("server"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "make {arguments:?}: {output:?}");
    }

    fn wait_until_healthy(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        let is_healthy = || {
            let told: serde_json::Value =
                serde_json::from_str(&self.banister(&["status", "--json"]).out).unwrap();
            told[0]["healthy"] == true
        };
        while !is_healthy() {
            assert!(Instant::now() < until, "{:?}", self.banister(&["status"]));
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// The newest archive of a folder.
    fn newest(&self, folder: &Path) -> PathBuf {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let archives = names.filter(|path| path.to_string_lossy().ends_with(".tar.gz"));
        archives.max_by_key(|path| path.metadata().unwrap().modified().unwrap()).unwrap()
    }

    /// Everything that a backup must bring back: each row, each document, the directory, the key of auth, and the volumes.
    fn state(&self) -> String {
        format!("{}{}", self.data(), volumes())
    }

    fn data(&self) -> String {
        let mut state = format!("{:?}\n", self.practice.rows().unwrap());
        for (database, table) in
            [("hoss_core", "datasets"), ("hoss_core", "namespaces"), ("hoss_auth", "users")]
        {
            let sum =
                format!("SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t");
            state += &format!("{database}.{table} {}", sql(database, &sum));
        }
        let search = format!(
            "http://{}/metadata-index/_search",
            docker(&["port", &container("opensearch"), "9200/tcp"]).trim()
        );
        state += &banister::internals::machine::http::Request::get(search).send().unwrap().body;
        state += &docker(&["exec", &container("ldap"), "slapcat", "-n", "1"]);
        state += &docker(&["exec", &container("auth"), "sha256sum", "/secrets/private.pem"]);
        state
    }

    /// Rows and tables deleted, the search index dropped, a volume emptied, a file of the configuration removed.
    fn damage(&self) {
        sql("hoss_core", "DELETE FROM datasets WHERE id < '002000'");
        sql("hoss_auth", "DROP TABLE users");
        let index = format!(
            "http://{}/metadata-index",
            docker(&["port", &container("opensearch"), "9200/tcp"]).trim()
        );
        let mut delete = banister::internals::machine::http::Request::get(index);
        delete.method = "DELETE".into();
        assert_eq!(delete.send().unwrap().status, 200);
        as_root(&[("v", "server_auth-secrets")], "rm /v/private.pem");
        fs::remove_file(self.practice.hoss().join("ui/config.json")).unwrap();
    }
}

/// Each file of each volume, with its mode and owner.
fn volumes() -> String {
    let list = "cd /v && find . ! -name lock.mdb -printf '%p %y %m %U:%G\\n' | sort";
    VOLUMES.iter().map(|volume| as_root(&[("v", &format!("server_{volume}"))], list)).collect()
}

fn assert_same(is: &str, was: &str, when: &str) {
    for (is, was) in is.lines().zip(was.lines()) {
        assert!(is == was, "{when}: {} instead of {}", &is[..is.len().min(500)], &was[..was.len().min(500)]);
    }
    assert_eq!(is.lines().count(), was.lines().count(), "{when}");
}

/// The first words of a command of an ordinary user, who may use Docker.
fn as_user(user: u32, home: &Path) -> Command {
    let host = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".into());
    let socket = fs::metadata(host.trim_start_matches("unix://")).unwrap();
    let mut command = Command::new("setpriv");
    let number = user.to_string();
    command.args(["--reuid", &number, "--regid", &number, "--groups", &socket.gid().to_string()]);
    command
        .env_clear()
        .env("BANISTER_FOREGROUND", "yes")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .current_dir(home);
    command.envs(std::env::var_os("PATH").map(|path| ("PATH", path))).env("DOCKER_HOST", host);
    command.env("HOME", home).env("BANISTER_STATE", home.join("state"));
    command
}

/// Runs a script as root with these folders or volumes.
fn as_root(mounts: &[(&str, &str)], script: &str) -> String {
    let mounts: Vec<String> = mounts.iter().map(|(name, source)| format!("{source}:/{name}")).collect();
    let mut words = vec!["run", "--rm", "--entrypoint", "sh"];
    words.extend(mounts.iter().flat_map(|mount| ["-v", mount.as_str()]));
    words.extend([IMAGE, "-c", script]);
    docker(&words)
}

fn sql(database: &str, statement: &str) -> String {
    docker(&["exec", &container("db"), "psql", "-U", "postgres", "-qAt", "-d", database, "-c", statement])
}

/// Each member of an archive with its mode, as tar lists them.
fn members(archive: &Path) -> Vec<(String, String)> {
    let listed = Command::new("tar").arg("tvzf").arg(archive).output().unwrap();
    assert!(listed.status.success(), "{listed:?}");
    let listed = String::from_utf8(listed.stdout).unwrap();
    let member = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words[5].to_owned(), words[0].to_owned())
    };
    listed.lines().map(member).collect()
}

/// What Hoss's own tool needs of an archive to restore all of it. Source: hossadm 0.2.3.
fn assert_restorable(archive: &Path) {
    assert_eq!(archive.metadata().unwrap().mode() & 0o777, 0o600);
    let members = members(archive);
    let mode = |name: &str| members.iter().find(|member| member.0 == name).map(|member| member.1.as_str());
    // PostgreSQL reads them in its container, as another user than whoever unpacked them.
    for name in ["./db/postgres-hoss_core-backup.dump", "./db/postgres-hoss_auth-backup.dump"] {
        assert_eq!(mode(name), Some("-rw-r--r--"), "{name} of {members:?}");
    }
    for name in [
        "./version.json",
        "./config/.env",
        "./config/traefik.yaml",
        "./config/core/config.yaml",
        "./config/core/db-init-scripts/create-databases.sh",
        "./config/auth/config.yaml",
        "./config/sync/config.yaml",
        "./config/opensearch/opensearch.yaml",
        "./config/ui/config.json",
        "./volumes/auth/private.pem",
        "./volumes/ldap-vol0/data.mdb",
        "./search/index.latest",
    ] {
        assert!(mode(name).is_some(), "{name} of {members:?}");
    }
    assert!(members.iter().all(|member| member.0.starts_with("./")), "{members:?}");
}

/// What the restore of Hoss's own tool makes: volumes without a label.
fn take_labels_away(server: &Installed) {
    server.make(&["down"]);
    for volume in VOLUMES {
        let (name, kept) = (format!("server_{volume}"), format!("server_{volume}-kept"));
        docker(&["volume", "create", &kept]);
        as_root(&[("from", &name), ("to", &kept)], "cp -a /from/. /to");
        docker(&["volume", "rm", &name]);
        docker(&["volume", "create", &name]);
        as_root(&[("from", &kept), ("to", &name)], "cp -a /from/. /to");
        docker(&["volume", "rm", &kept]);
    }
    server.make(&["up", "DETACH=true"]);
    server.wait_until_healthy();
    assert_no_labels();
}

fn assert_no_labels() {
    for volume in VOLUMES {
        let labels =
            docker(&["volume", "inspect", "--format", "{{json .Labels}}", &format!("server_{volume}")]);
        assert!(["null", "{}"].contains(&labels.trim()), "{labels}");
    }
}

/// Neither copies of the server are left, nor what was unpacked, nor a snapshot.
fn assert_tidy(backups: &Path, snapshots: &Path) {
    let of = ["--filter", "label=banister.copy-of=server"];
    let list = |words: &[&str]| docker(&[words, &of].concat());
    assert_eq!(
        [list(&["ps", "-a", "-q"]), list(&["volume", "ls", "-q"]), list(&["network", "ls", "-q"])].concat(),
        ""
    );
    for folder in [backups, snapshots] {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        let left = |name: &&String| name.starts_with(".restore-") || name.starts_with("banister-");
        assert_eq!(names.iter().find(left), None, "{}", folder.display());
    }
}

#[test]
fn an_ordinary_user_backs_up_drills_and_restores_what_other_users_own() {
    if !chance::is_turn(3, 4) {
        return;
    }
    let Some(server) = Installed::create(1234) else { return };
    let owner = |path: &str| server.practice.hoss().join(path).metadata().unwrap().uid();
    assert_eq!((owner("data/db"), owner("")), (70, 1234));
    // Backups elsewhere, as its own settings say it.
    let root = server.practice.dir().join("elsewhere");
    let env = server.practice.hoss().join(".env");
    let text = fs::read_to_string(&env).unwrap();
    let usual = format!("BACKUP_ROOT={}", server.practice.hoss().join("backup").display());
    assert!(text.contains(&usual), "{text}");
    fs::write(&env, text.replace(&usual, &format!("BACKUP_ROOT={}", root.display()))).unwrap();
    for target in ["config", "patch"] {
        server.make(&[target]);
    }
    take_labels_away(&server);

    let before = server.state();
    server.succeeds(&["run", "backup", "--yes"]);
    let (backups, snapshots) = (root.join("backups"), root.join(".opensearch"));
    let archive = server.newest(&backups);
    assert_restorable(&archive);
    assert_tidy(&backups, &snapshots);

    // Killed while a copy runs, whose services write as other users.
    let mut drill = Killed(server.command(&["backup", "drill", "--full"]).spawn().unwrap());
    let copy = ["ps", "-q", "--filter", "label=banister.copy-of=server", "--filter", "name=core"];
    while docker(&copy).is_empty() {
        assert_eq!(drill.0.try_wait().unwrap(), None, "there was no copy");
        std::thread::sleep(Duration::from_millis(250));
    }
    drop(drill);
    server.succeeds(&["resume"]);
    assert_tidy(&backups, &snapshots);
    assert_same(&server.state(), &before, "drilled");

    server.damage();
    assert_ne!(sql("hoss_core", "SELECT count(*) FROM datasets").trim(), "4800");
    server.succeeds(&["backup", "restore", archive.to_str().unwrap(), "--yes"]);
    assert_same(&server.state(), &before, "restored");
    assert_tidy(&backups, &snapshots);
    server.wait_until_healthy();
}

/// A process that ends with the test, however that ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A command of Hoss's own tool, by its administrator.
fn hossadm(server: &Installed, tool: &Path, arguments: &[&str]) -> Command {
    let mut command = server.as_administrator();
    let mut python = std::ffi::OsString::from("PYTHONPATH=");
    python.push(tool);
    python.push(":");
    python.push(std::env::var_os("PYTHONPATH").unwrap_or_default());
    command
        .arg(python)
        .arg("PYTHONDONTWRITEBYTECODE=1")
        .args(["python3", "-m", "hossadm.cli"])
        .args(arguments);
    command.args(["-e", &server.practice.endpoint()]);
    command
}

#[test]
fn hosss_own_tool_restores_ours_and_ours_restores_its() {
    let Some(tool) = std::env::var_os("BANISTER_TEST_HOSSADM").map(PathBuf::from) else {
        eprintln!(
            "SKIPPED: both ways with Hoss's own tool; BANISTER_TEST_HOSSADM is to name its folder `admin`"
        );
        return;
    };
    // The only user whom its restore does not ask to change owners with sudo.
    let Some(server) = Installed::create(1000) else { return };
    if Command::new("docker")
        .args(["image", "inspect", "busybox"])
        .output()
        .is_ok_and(|it| !it.status.success())
    {
        docker(&["tag", IMAGE, "busybox"]);
    }
    let before = server.data();
    server.succeeds(&["run", "backup", "--yes"]);
    let backups = server.practice.hoss().join("backup/backups");
    let ours = server.folder.path().join("home/ours.tar.gz");
    fs::copy(server.newest(&backups), &ours).unwrap();
    chown(&ours, Some(1000), Some(1000)).unwrap();
    assert_restorable(&ours);

    // A host that is reset: what `make reset` removes, and nothing else of this machine.
    server.make(&["down"]);
    docker(
        &[
            &["volume", "rm"][..],
            &VOLUMES.map(|volume| format!("server_{volume}")).each_ref().map(String::as_str),
        ]
        .concat(),
    );
    let hoss = server.practice.hoss().display().to_string();
    as_root(&[("hoss", &hoss)], "cd /hoss && rm -rf data .env backup/.db backup/.opensearch");
    let log = server.folder.path().join("restore.log");
    let mut restore = hossadm(&server, &tool, &["restore", ours.to_str().unwrap()]);
    let file = fs::File::create(&log).unwrap();
    let mut restore = Killed(restore.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap());
    let said = || fs::read_to_string(&log).unwrap();
    let until = Instant::now() + Duration::from_secs(120);
    while !said().contains("Ready for restore") {
        assert!(Instant::now() < until && restore.0.try_wait().unwrap().is_none(), "{}", said());
        std::thread::sleep(Duration::from_millis(200));
    }
    server.make(&["up", "DETACH=true"]);
    let status = restore.0.wait().unwrap();
    assert!(status.success() && said().contains("Restore Complete"), "{}", said());
    // It does not wait for the search service to be done.
    std::thread::sleep(Duration::from_secs(3));
    server.wait_until_healthy();
    assert_same(&server.data(), &before, "restored by Hoss's own tool");
    let restored = server.state();

    // What it made has no labels, and what it left runs once more in the copy of a full drill.
    assert_no_labels();
    server.succeeds(&["run", "backup", "--yes"]);
    let output = hossadm(&server, &tool, &["backup"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let its = server.newest(&backups);
    assert!(its.file_name().unwrap().to_string_lossy().starts_with("hoss-backup-"), "{}", its.display());
    let its = its.to_str().unwrap();
    server.succeeds(&["backup", "verify", its]);
    server.succeeds(&["backup", "drill", its, "--full"]);
    server.damage();
    server.succeeds(&["backup", "restore", its, "--yes"]);
    // The volumes have the owners that the tool gave them.
    assert_same(&server.state(), &restored, "restored by ours");
}
