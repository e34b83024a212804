//! What an update keeps of an administrator's own settings, and what it adds to them.

use crate::support;

use banister::internals::practice::Practice;
use std::fs;
use std::path::{Path, PathBuf};
use support::worlds;
use support::{Said, World};

struct Server {
    world: World,
    practice: Practice,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.practice.stop();
    }
}

impl Server {
    fn new() -> Server {
        let world = World::new();
        let program = Path::new(env!("CARGO_BIN_EXE_banister"));
        let practice = worlds::server(&world.path().join("practice"), program, &[]);
        practice.end_with_me().unwrap();
        Server { world, practice }
    }

    fn banister(&self, arguments: &[&str]) -> Said {
        self.world.banister(&[&["--site", self.practice.dir().to_str().unwrap()], arguments].concat())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.practice.hoss().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name}: {text}");
        fs::write(self.file(name), text.replace(from, to)).unwrap();
    }
}

#[test]
fn edits_that_make_config_writes_over_are_shown_and_put_back_and_new_settings_are_added() {
    let server = Server::new();
    server.edit("traefik.yaml", "level: INFO", "level: WARN");
    server.edit("core/config.yaml", "server:", "# Ours.\nserver:");
    fs::write(server.file("auth/web/static/main.css"), "body { color: teal }\n").unwrap();
    let planned = server.banister(&["plan", "update"]);
    assert_eq!(planned.code, Some(0), "{planned:?}");
    assert!(
        planned.out.contains("UPLOAD_PART_MEGABYTES") && planned.out.contains("max_upload_gigabytes"),
        "{planned:?}"
    );
    assert!(!server.read(".env").contains("UPLOAD_PART_MEGABYTES"));
    let said = server.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for told in [
        "+  level: WARN",
        "Restore them in ~/.hoss/traefik.yaml of practice?",
        "+body { color: teal }",
        "+UPLOAD_PART_MEGABYTES=64",
    ] {
        assert!(said.out.contains(told), "{told}: {}", said.out);
    }
    assert!(server.read("traefik.yaml").contains("level: WARN"), "{}", server.read("traefik.yaml"));
    assert_eq!(server.read("auth/web/static/main.css"), "body { color: teal }\n");
    assert!(server.read(".env").contains("\nUPLOAD_PART_MEGABYTES=64\n"), "{}", server.read(".env"));
    let core = server.read("core/config.yaml");
    assert!(core.contains("# Ours.\nserver:") && core.contains("\n  max_upload_gigabytes: 50\n"), "{core}");
    assert!(!server.practice.checkout().join(".git/banister/kept").exists());
    // Nothing is asked that was answered.
    assert!(!said.out.contains("openid-config.json"), "{}", said.out);
}

#[test]
fn without_an_edit_only_what_make_config_loses_by_itself_is_put_back() {
    let server = Server::new();
    let said = server.banister(&["run", "update", "--yes", "--to", "0.2.11"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let asked: Vec<&str> = said.out.lines().filter(|line| line.contains("? — yes")).collect();
    // A server whose config-dex.yaml is there already loses the base of its LDAP tree each time that `make config` runs:
    // nobody edited anything, so nobody is asked.
    assert!(matches!(asked.as_slice(), [only] if only.starts_with("Update practice")), "{asked:?}");
    for name in ["auth/config-ldap.ldif", "auth/env.yaml"] {
        assert!(
            said.out.contains(&format!("make config has emptied values in ~/.hoss/{name} of practice")),
            "{}",
            said.out
        );
        assert!(!said.out.contains(&format!("+++ {name}")), "{}", said.out);
        assert!(server.read(name).contains("dc=practice,dc=example,dc=org"), "{}", server.read(name));
    }
}

#[test]
fn a_dialect_without_a_settings_file_is_pointed_at() {
    let world = World::new();
    let site = |more: &str| {
        format!(
            "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackup = [\"Makefile\"]\nhealth = [{{ command = [\"true\"] }}]\ndialect = \"dotenv\"\n{more}"
        )
    };
    world.write("site.toml", &site(""));
    let said = world.banister(&["check"]);
    assert!(said.out.contains("`dialect` has no effect: nothing says which file"), "{said:?}");
    assert!(said.out.contains("site.toml:6"), "{said:?}");
    world.write("web/.env", "A=1\n");
    world.write("site.toml", &site("env_file = \".env\"\n"));
    let said = world.banister(&["check"]);
    assert!(!said.out.contains("has no effect"), "{said:?}");
}
