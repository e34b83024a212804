//! A server whose data is in PostgreSQL, MariaDB, Redis, a volume and files, all of them real, in containers that Compose
//! made. Their image is empty: they run this machine's own programs.

use crate::support;
use crate::support::docker;

use docker::{alone, docker};
use std::process::Command;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};
use support::{Said, World, chance, said};

const IMAGE: &str = "banister-test/empty";

/// The Compose file. `app` writes all the time: money goes from one account to the other, and what is there in all stays.
const COMPOSE: &str = r#"version: "3.3"
services:
  db:
    image: banister-test/empty
    network_mode: none
    environment: { POSTGRES_USER: postgres }
    volumes: ["/usr:/usr:ro", "pg:/pg"]
    command:
      - sh
      - -c
      - |
        mkdir -p /run/postgresql; chmod 777 /run/postgresql; chown 999:999 /pg
        exec setpriv --reuid 999 --regid 999 --clear-groups sh -c '
          PATH=$$PATH:$$(echo /usr/lib/postgresql/*/bin)
          [ -s /pg/data/PG_VERSION ] || initdb -D /pg/data -U postgres -A trust --locale=C.UTF-8 >/dev/null
          exec postgres -D /pg/data -c listen_addresses= -k /run/postgresql'
  maria:
    image: banister-test/empty
    network_mode: none
    environment: { MARIADB_ROOT_PASSWORD: "it's a \"secret\"" }
    volumes: ["/usr:/usr:ro", "maria:/var/lib/mysql"]
    command:
      - sh
      - -c
      - |
        mkdir -p /run/mysqld
        [ -d /var/lib/mysql/mysql ] || mariadb-install-db --user=root --datadir=/var/lib/mysql \
          --auth-root-authentication-method=normal >/dev/null
        printf '%s\n' "ALTER USER root@localhost IDENTIFIED BY 'it\'s a \"secret\"';" >/tmp/init
        exec mariadbd --user=root --datadir=/var/lib/mysql --skip-networking --event-scheduler=ON \
          --socket=/run/mysqld/mysqld.sock --init-file=/tmp/init
  redis:
    image: banister-test/empty
    network_mode: none
    environment: { REDIS_PASSWORD: sesame }
    volumes: ["/usr:/usr:ro", "redis:/data"]
    command: ["redis-server", "--dir", "/data", "--appendonly", "yes", "--requirepass", "sesame", "--save", "3600 1"]
  cache:
    image: banister-test/empty
    network_mode: none
    volumes: ["/usr:/usr:ro", "cache:/data"]
    command: ["redis-server", "--dir", "/data", "--save", "3600 1"]
  app:
    image: banister-test/empty
    network_mode: none
    volumes: ["/usr:/usr:ro", "media:/media", "../data:/data"]
    command: ["sh", "-c", "while :; do date +%s%N >>/data/log; sleep 0.25; done"]
    stop_grace_period: 1s
volumes: { pg: {}, maria: {}, redis: {}, cache: {}, media: {} }
"#;

const SITE: &str = r#"[servers.web]
kind = "plain"
checkout = "web"
backups = "~/kept"
backup = ["~/data"]
targets = { build = "" }
databases = [{ service = "db", database = "app" }, { service = "maria", database = "shop", engine = "mariadb" }]
redis = [{ service = "redis" }, { service = "cache" }]
volumes = [{ volume = "media" }]
health = [{ service = "app" }, { service = "db" }, { service = "maria" }, { service = "redis" }]
healthy = { stable = "100ms" }

[servers.web.dumps]
"words.txt" = { dump = ["cat", "../words"], load = ["tee", "../words"], drill = ["grep", "-q", "of the start"] }
"#;

struct Stores {
    world: World,
    project: String,
    /// What stands between the parts of a container's name: `-` or, of Compose 1, `_`.
    joint: char,
    _one: MutexGuard<'static, ()>,
}

impl Drop for Stores {
    fn drop(&mut self) {
        // Not through Compose, which the test may have left in any state.
        let filter = format!("label=com.docker.compose.project={}", self.project);
        for (list, remove) in [
            (vec!["ps", "-aq"], vec!["rm", "-fv"]),
            (vec!["volume", "ls", "-q"], vec!["volume", "rm", "-f"]),
            (vec!["network", "ls", "-q"], vec!["network", "rm"]),
        ] {
            let found = Command::new("docker").args(&list).args(["--filter", &filter]).output().unwrap();
            let found = String::from_utf8_lossy(&found.stdout).into_owned();
            if !found.trim().is_empty() {
                let _ = Command::new("docker").args(&remove).args(found.split_whitespace()).output();
            }
        }
    }
}

impl Stores {
    /// None where there is no engine.
    fn start(site: &str) -> Option<Stores> {
        // Their project has a name of its own: they run beside a practice server, and one at a time to leave it room.
        static ONE: Mutex<()> = Mutex::new(());
        let one = alone(&ONE)?;
        make_image();
        let world = World::new();
        let project = world.path().file_name().unwrap().to_string_lossy().to_lowercase().replace('.', "");
        world.write("web/docker-compose.yml", COMPOSE);
        world
            .write("web/Makefile", &format!("up:\n\t@docker-compose -p {project} up -d 2>>../compose.log\n"));
        world.git(&["add", "-A"]);
        world.git(&["commit", "-q", "-m", "Compose"]);
        world.git(&["tag", "-f", "0.1.0"]);
        world.write("site.toml", site);
        world.write("data/rows", "of the start");
        world.write("words", "of the start");
        let mut stores = Stores { world, project, joint: '-', _one: one };
        let up =
            Command::new("make").arg("up").current_dir(stores.world.path().join("web")).status().unwrap();
        assert!(up.success(), "{}", stores.world.read("compose.log"));
        let label = format!("label=com.docker.compose.project={}", stores.project);
        let names = docker(&["ps", "--all", "--filter", &label, "--format", "{{.Names}}"]);
        stores.joint = if names.contains(&format!("{}_", stores.project)) { '_' } else { '-' };
        stores.until("PostgreSQL", || stores.run("db", "psql -U postgres -c 'SELECT 1'", "").0);
        stores.until("MariaDB", || stores.maria("SELECT 1").0);
        stores.until("Redis", || stores.run("redis", "redis-cli -e PING", "").0);
        Some(stores)
    }

    fn until(&self, what: &str, is: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !is() {
            let logs = ["db", "maria", "redis"].map(|service| {
                let said =
                    Command::new("docker").args(["logs", "--tail", "5", &self.container(service)]).output();
                format!("{:?}", said.unwrap())
            });
            assert!(Instant::now() < end, "{what} does not answer: {logs:#?}");
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    fn container(&self, service: &str) -> String {
        let joint = self.joint;
        format!("{}{joint}{service}{joint}1", self.project)
    }

    /// Whether a command in a container ends well, and what it prints.
    fn run(&self, service: &str, script: &str, input: &str) -> (bool, String) {
        use std::io::Write;
        let mut command = Command::new("docker");
        command.args(["exec", "-i", "-e", "MYSQL_PWD=it's a \"secret\""]);
        command.args(["-e", "REDISCLI_AUTH=sesame"].iter().filter(|_| service == "redis"));
        command.args([&self.container(service), "sh", "-c", script]);
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.success(), text)
    }

    fn must(&self, service: &str, script: &str, input: &str) -> String {
        let (well, text) = self.run(service, script, input);
        assert!(well, "{script}: {text}");
        text
    }

    fn maria(&self, sql: &str) -> (bool, String) {
        self.run("maria", "mariadb --batch --skip-column-names", sql)
    }

    fn sql(&self, sql: &str) -> String {
        let (well, text) = self.maria(sql);
        assert!(well, "{sql}: {text}");
        text
    }

    fn postgres(&self, database: &str, sql: &str) -> String {
        self.must("db", &format!("psql -X -qAt -v ON_ERROR_STOP=1 -U postgres -d {database}"), sql)
    }

    /// Fills all stores with what is easily lost.
    fn fill(&self) {
        self.postgres(
            "postgres",
            "CREATE ROLE app LOGIN; CREATE ROLE \"read only\";\n\
             CREATE DATABASE app OWNER app TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C.UTF-8';\n\
             ALTER DATABASE app SET timezone TO 'Etc/UTC'; ALTER ROLE app IN DATABASE app SET work_mem TO '8MB';\n\
             REVOKE CONNECT ON DATABASE app FROM PUBLIC; GRANT CONNECT ON DATABASE app TO \"read only\";\n",
        );
        self.postgres(
            "app",
            "SET ROLE app; CREATE TABLE accounts (id INT PRIMARY KEY, money INT);\n\
             INSERT INTO accounts SELECT n, 100 FROM generate_series(1, 100) n;\n",
        );
        self.sql(
            "CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_bin; USE shop;\n\
             CREATE TABLE parents (id INT PRIMARY KEY, name VARCHAR(50), raw BLOB) ENGINE=InnoDB;\n\
             CREATE TABLE children (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parents (id)) ENGINE=InnoDB;\n\
             CREATE TABLE `odd ``name` (n INT) ENGINE=MyISAM; CREATE TABLE empty (n INT);\n\
             INSERT INTO parents SELECT seq, CONCAT('it''s (', seq, '); -- \\\\'), UNHEX('00ff27') FROM seq_1_to_500;\n\
             INSERT INTO children SELECT seq, 1 + seq % 500 FROM seq_1_to_1000; INSERT INTO `odd ``name` VALUES (1), (2);\n\
             CREATE VIEW named AS SELECT name FROM parents; CREATE SEQUENCE numbers START WITH 7;\n\
             CREATE TABLE told (text VARCHAR(50)); CREATE TRIGGER tell AFTER INSERT ON children FOR EACH ROW INSERT INTO told VALUES ('new');\n\
             CREATE PROCEDURE how_many() SELECT COUNT(*) FROM parents;\n\
             CREATE EVENT yearly ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01' DO DELETE FROM told;\n",
        );
        self.must("cache", "redis-cli -e SET only here", "");
        let keys: String = (0..1000).map(|n| format!("SET key:{n} value:{n}\n")).collect();
        self.must("redis", "redis-cli -e >/dev/null", &keys);
        self.must(
            "app",
            "echo 'of the start' >/media/film; ln -s film /media/link; chown 70:911 /media/film",
            "",
        );
    }

    /// Everything that a restore must bring back, in words.
    fn state(&self) -> String {
        let database = self.postgres(
            "postgres",
            "SELECT pg_get_userbyid(datdba), datcollate, datctype, (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(datacl) a), setconfig FROM pg_database \
             LEFT JOIN pg_db_role_setting ON setdatabase = pg_database.oid WHERE datname = 'app' ORDER BY setconfig::text;\n\
             SELECT datname FROM pg_database ORDER BY 1;\n",
        );
        let rows = self.postgres("app", "SELECT count(*), sum(money) FROM accounts; SELECT tableowner FROM pg_tables WHERE tablename = 'accounts';\n");
        let shop = self.sql(
            "SHOW DATABASES; USE shop; SHOW FULL TABLES; CHECKSUM TABLE parents, children, `odd ``name`, empty, told;\n\
             SELECT COUNT(*) FROM named; SHOW TRIGGERS; SHOW CREATE PROCEDURE how_many; SHOW EVENTS; SHOW CREATE DATABASE shop;\n\
             SHOW CREATE TABLE children; SELECT NEXT_NOT_CACHED_VALUE FROM numbers;\n",
        );
        // When a trigger and a procedure were made is no part of it.
        let shop = shop.lines().map(|line| match line.starts_with("tell\t") {
            true => line.split('\t').take(4).collect::<Vec<_>>().join("\t"),
            false => line.to_owned(),
        });
        let redis = self.must(
            "redis",
            "redis-cli -e DBSIZE; redis-cli -e GET key:77; ls -A /data | grep banister || true",
            "",
        );
        let cache = self.must(
            "cache",
            "redis-cli -e DBSIZE; redis-cli -e GET only; ls -A /data | grep banister || true",
            "",
        );
        let media = self.must("app", "cd /media; stat -c '%n %u:%g %a %F' * .; cat film; ls -A", "");
        let rest = [self.world.read("data/rows"), self.world.read("words")].join(" ");
        format!("{database}{rows}{}\n{redis}{cache}{media}{rest}", shop.collect::<Vec<_>>().join("\n"))
    }

    fn damage(&self) {
        self.postgres("app", "DELETE FROM accounts WHERE id < 50; CREATE TABLE more (n INT);\n");
        self.postgres(
            "postgres",
            "ALTER DATABASE app RESET timezone; GRANT CONNECT ON DATABASE app TO PUBLIC;\n",
        );
        self.sql(
            "USE shop; DELETE FROM children; DROP VIEW named; DROP TRIGGER tell; DROP EVENT yearly; CREATE TABLE more (n INT);\n\
             CREATE VIEW later AS SELECT n FROM more; INSERT INTO empty VALUES (1); DROP PROCEDURE how_many;\n\
             CREATE TRIGGER later AFTER INSERT ON more FOR EACH ROW INSERT INTO told VALUES ('more');\n",
        );
        self.must("redis", "redis-cli -e FLUSHALL; redis-cli -e SET later 1", "");
        self.must("cache", "redis-cli -e DEL only; redis-cli -e SET a b; redis-cli -e SET c d", "");
        self.must("app", "rm /media/film; echo later >/media/later", "");
        self.must("cache", "redis-cli -e DEL only; redis-cli -e SET a b; redis-cli -e SET c d", "");
        self.world.write("data/rows", "damaged");
        self.world.write("words", "damaged");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.command(arguments);
        command.envs(std::env::var_os("DOCKER_HOST").map(|host| ("DOCKER_HOST", host)));
        command
    }

    fn banister(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments).output().unwrap())
    }

    fn crash(&self, arguments: &[&str], place: &str) -> Said {
        said(self.command(arguments).env("BANISTER_CRASH_AT", place).output().unwrap())
    }

    fn back_up(&self) -> String {
        let said = self.banister(&["run", "backup", "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let entries = std::fs::read_dir(self.world.path().join("kept")).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name.ends_with(".tar.zst"));
        names.sort();
        names.pop().unwrap()
    }
}

/// An image with a shell and little more, over which this machine's `/usr` is mounted where a server runs.
fn make_image() {
    if Command::new("docker").args(["image", "inspect", IMAGE]).output().unwrap().status.success() {
        return;
    }
    let script = r#"set -e; d=$(mktemp -d); trap 'rm -rf "$d"' EXIT; cd "$d"
        mkdir -p etc tmp run var/lib/mysql data media pg dev proc sys root usr/bin usr/sbin usr/lib usr/lib64
        chmod 1777 tmp; for name in bin sbin lib lib64; do ln -s usr/$name $name; done; ln -s ../run var/run
        printf 'root:x:0:0::/root:/bin/sh\npostgres:x:999:999::/pg:/bin/sh\n' >etc/passwd
        printf 'root:x:0:\npostgres:x:999:\n' >etc/group
        for program in busybox tar; do
            file=$(command -v $program); cp "$file" usr/bin/$program
            ldd "$file" | grep -o '/[^ ]*' | while read -r lib; do
                case $lib in /usr/*) to=${lib#/} ;; *) to=usr$lib ;; esac
                mkdir -p "$(dirname "$to")"; cp -L "$lib" "$to"
            done
        done
        for name in sh mv stat rm mkdir rmdir ls cat sync chown chmod; do ln -s busybox usr/bin/$name; done
        tar -c . | docker import --change 'ENV PATH=/usr/sbin:/usr/bin' - "$1" >/dev/null"#;
    assert!(Command::new("sh").args(["-c", script, "sh", IMAGE]).status().unwrap().success());
}

/// They take long to start: what is tried with them is tried with the same ones.
#[test]
fn all_that_the_stores_held_is_there_again_and_nothing_else_also_when_it_is_killed_or_written_to() {
    let Some(stores) = Stores::start(SITE) else { return };
    stores.fill();
    let kept = is_there_again(&stores);
    if chance::is_turn(0, 2) {
        is_killed(&stores, &kept);
    }
    if chance::is_turn(1, 2) {
        is_of_one_moment(&stores);
    }
}

/// A backup that was restored.
struct Kept {
    backup: String,
    state: String,
    /// How many records the restore has.
    records: usize,
}

fn is_there_again(stores: &Stores) -> Kept {
    let before = stores.state();
    let backup = stores.back_up();
    let said = stores.banister(&["backup", "drill", &backup, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(stores.banister(&["backup", "list"]).out.contains("drilled"), "{said:?}");
    assert_eq!(stores.state(), before);

    stores.damage();
    let said = stores.banister(&["backup", "restore", &backup, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("users were without web for at most "), "{said:?}");
    assert_eq!(stores.state(), before);
    let records = stores.world.records();
    // The application that owns the database can change it.
    stores.postgres("app", "SET ROLE app; CREATE TABLE later (n INT); DROP TABLE later;\n");
    stores.sql("USE shop; CALL how_many(); INSERT INTO children VALUES (5000, 1);");
    assert!(!stores.maria("USE shop; INSERT INTO children VALUES (5001, 9999);").0);
    // Redis reads its own files at its next start.
    for (service, keys) in [("redis", "1000"), ("cache", "1")] {
        docker(&["restart", &stores.container(service)]);
        stores.until("Redis", || stores.run(service, "redis-cli -e PING", "").0);
        let said = stores.must(service, "redis-cli -e DBSIZE", "");
        let log = Command::new("docker").args(["logs", &stores.container(service)]).output().unwrap();
        assert!(
            said.lines().any(|line| line == keys),
            "{service}: {said} {}",
            String::from_utf8_lossy(&log.stdout)
        );
    }
    let journals = stores.world.journals().into_iter().map(|path| std::fs::read_to_string(path).unwrap());
    let journals: String = journals.collect();
    assert!(!journals.contains("sesame") && !journals.contains("a \\\"secret"), "{journals}");
    Kept { backup, state: before, records }
}

/// Killed here and there, a restore is resumed and ends like one that was not.
fn is_killed(stores: &Stores, kept: &Kept) {
    let Kept { backup, state, records } = kept;
    let mut killed = 0;
    let places: Vec<usize> = (records / 3..*records).step_by(7).collect();
    for record in chance::part(places, 4) {
        stores.damage();
        let place = format!("after {record}");
        let said = stores.crash(&["backup", "restore", backup, "--yes"], &place);
        killed += usize::from(said.code == Some(-9));
        let said = stores.banister(&["resume", "--yes"]);
        assert_eq!(said.code, Some(0), "{place}: {said:?}");
        assert_eq!(stores.state(), *state, "{place}");
    }
    assert!(killed >= 1, "{killed}");
}

/// Money goes from one account to the other all the time: each backup has all of it.
fn is_of_one_moment(stores: &Stores) {
    stores.sql(
        "USE shop; CREATE TABLE a (id INT PRIMARY KEY, money INT) ENGINE=InnoDB; CREATE TABLE b LIKE a;\n\
         CREATE TABLE c (id INT PRIMARY KEY, money INT) ENGINE=MyISAM; CREATE TABLE d LIKE c;\n\
         INSERT INTO a SELECT seq, 100 FROM seq_1_to_2000; INSERT INTO b SELECT * FROM a;\n\
         INSERT INTO c SELECT * FROM a; INSERT INTO d SELECT * FROM a;\n",
    );
    let container = stores.container("maria");
    let writes = "while :; do echo 'BEGIN; UPDATE a SET money = money - 1 WHERE id = 1; UPDATE b SET money = money + 1 WHERE id = 2000; COMMIT;\n\
        LOCK TABLES c WRITE, d WRITE; UPDATE c SET money = money - 1 WHERE id = 1; UPDATE d SET money = money + 1 WHERE id = 2000; UNLOCK TABLES;'; sleep 0.01; done | mariadb shop";
    let mut writer = Command::new("docker")
        .args(["exec", "-e", "MYSQL_PWD=it's a \"secret\"", &container, "sh", "-c", writes])
        .spawn()
        .unwrap();
    let backups: Vec<String> = (0..2).map(|_| stores.back_up()).collect();
    let _ = writer.kill();
    let _ = writer.wait();
    for backup in backups {
        let said = stores.banister(&["backup", "restore", &backup, "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        for (from, to) in [("a", "b"), ("c", "d")] {
            let sum =
                format!("USE shop; SELECT (SELECT SUM(money) FROM {from}) + (SELECT SUM(money) FROM {to});");
            assert_eq!(stores.sql(&sum).trim(), "400000", "{from} and {to} of {backup}");
        }
    }
}
